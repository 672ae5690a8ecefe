// What a bench gives to a block: q = d from the falling edge before the block's cycle on.
// What hangs on ports of a bench is computed twice in each cycle by Verilator, for all blocks; behind this register once, for the block whose clock runs.
module hold #(
    parameter W = 1
) (
    input clk,
    input [W-1:0] d,
    output [W-1:0] q
);
    reg [W-1:0] r;
    always @(negedge clk) r <= d;
    assign q = r;
endmodule
