// Phase of a position: turn = (position * increment mod 2^64) >> 32 (docs/numerics.md 5.5); positions of POSITION bits, 3 to 32.
// Latency LATENCY (0 to 3), interval 1.
module roma_phase #(
    parameter POSITION = 20,
    parameter LATENCY = 3
) (
    input clk,
    input [POSITION-1:0] position,
    input [63:0] increment,
    output [31:0] turn
);
    // Registers: a level of the compressor tree, its end, the sum.
    localparam LEVEL = 4;
    wire [POSITION*64-1:0] rows;
    genvar i;
    generate
        for (i = 0; i < POSITION; i = i + 1) begin : gen_row
            assign rows[64*i+:64] = (increment & {64{position[i]}}) << i;
        end
    endgenerate
    wire [63:0] sum_d, carry_d, sum, carry;
    roma_compress #(.ROWS(POSITION), .W(64), .CUTS(LATENCY > 2 ? 1 << (LEVEL - 1) : 0)) tree (
        .clk(clk), .rows(rows), .sum(sum_d), .carry(carry_d));
    roma_cut #(.W(128), .ON(LATENCY > 1 ? 1 : 0)) cut_tree (.clk(clk), .d({sum_d, carry_d}), .q({sum, carry}));
    wire [63:0] phase = sum + carry;
    wire [31:0] unused_low = phase[31:0];
    roma_cut #(.W(32), .ON(LATENCY > 0 ? 1 : 0)) cut_turn (.clk(clk), .d(phase[63:32]), .q(turn));
endmodule
