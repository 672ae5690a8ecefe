// A place between two slices of logic where a register may stand.
//   q = d, one cycle later with ON = 1, at once with ON = 0.
// Latency ON, interval 1. Which cuts are on for a wanted latency is the business of the block that holds the cut.
module roma_cut #(
    parameter W = 1,
    parameter ON = 1
) (
    input clk,
    input [W-1:0] d,
    output [W-1:0] q
);
    generate
        if (ON != 0) begin : gen_register
            reg [W-1:0] r;
            always @(posedge clk) r <= d;
            assign q = r;
        end else begin : gen_wire
            wire unused_clk = clk;
            assign q = d;
        end
    endgenerate
endmodule
