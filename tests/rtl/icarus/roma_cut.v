// Stand-in for roma_cut, without a scope of its own.
module roma_cut #(
    parameter W = 1,
    parameter ON = 1
) (
    input clk,
    input [W-1:0] d,
    output [W-1:0] q
);
    reg [W-1:0] r;
    generate
        if (ON != 0) always @(posedge clk) r <= d;
    endgenerate
    assign q = ON != 0 ? r : d;
endmodule
