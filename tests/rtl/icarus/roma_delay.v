// Stand-in for roma_delay: all N places are one register.
module roma_delay #(
    parameter W = 1,
    parameter N = 1
) (
    input clk,
    input [W-1:0] d,
    output [W-1:0] q
);
    localparam LAST = N > 0 ? N - 1 : 0;
    reg [W*(LAST+1)-1:0] line;
    generate
        if (N != 0) always @(posedge clk) line <= {line, d};
    endgenerate
    assign q = N == 0 ? d : line[W*LAST +: W];
endmodule
