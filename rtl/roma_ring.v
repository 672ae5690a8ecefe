// A wide value that waits for others of its block N cycles, N >= 2, in a memory where roma_delay has registers.
// Latency N, interval 1. What comes out within N cycles of a reset is undefined.
module roma_ring #(
    parameter W = 32,
    parameter N = 16
) (
    input clk,
    input reset,
    input [W-1:0] d,
    output reg [W-1:0] q
);
    localparam A = N > 2 ? $clog2(N - 1) : 1;
    localparam LAST = N - 2;
    reg [W-1:0] memory[0:N-2];
    reg [A-1:0] at;
    always @(posedge clk) begin
        q <= memory[at];
        memory[at] <= d;
        at <= reset | ~|at ? LAST[A-1:0] : at - 1'b1;
    end
endmodule
