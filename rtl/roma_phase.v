// Phase of a position: turn = (position * increment mod 2^64) >> 32 (docs/numerics.md 5.5); positions of POSITION bits, 7 to 32.
// Latency LATENCY (0 to 4, as products have), interval 1.
module roma_phase #(
    parameter POSITION = 20,
    parameter LATENCY = 3
) (
    input clk,
    input [POSITION-1:0] position,
    input [63:0] increment,
    output [31:0] turn
);
    // Registers behind the slices: three levels of the compressor tree; all of them, and at each place whether a carry is made or passed on;
    // the carries; the turn.
    localparam LEVEL = 3;
    wire [POSITION*64-1:0] rows;
    genvar i, k;
    generate
        for (i = 0; i < POSITION; i = i + 1) begin : gen_bit
            assign rows[64*i+:64] = (increment & {64{position[i]}}) << i;
        end
    endgenerate
    wire [63:0] sum, carry;
    roma_compress #(.ROWS(POSITION), .W(64), .CUTS(LATENCY > 2 ? 1 << (LEVEL - 1) : 0)) tree (
        .clk(clk), .rows(rows), .sum(sum), .carry(carry));

    // Blocks are named otherwise than those of roma_compress, in which Verilator 5.006 looks for them where a module has two of these.
    // Level k knows of the 2^k places that end at each place whether they make a carry, and whether they pass one on.
    wire [63:0] makes, differ;
    roma_cut #(.W(128), .ON(LATENCY > 1 ? 1 : 0)) cut_tree (.clk(clk), .d({sum & carry, sum ^ carry}), .q({makes, differ}));
    generate
        for (k = 0; k <= 6; k = k + 1) begin : gen_span
            wire [63:0] made, passed;
            if (k == 0) begin : gen_place
                assign made = makes;
                assign passed = differ;
            end else begin : gen_places
                wire [63:0] below = gen_span[k-1].made << (1 << (k - 1));
                assign made = gen_span[k-1].made | gen_span[k-1].passed & below;
                assign passed = gen_span[k-1].passed & gen_span[k-1].passed << (1 << (k - 1));
            end
        end
    endgenerate
    wire [63:0] made = gen_span[6].made;
    wire [128:0] unused = {gen_span[6].passed, made[63], made[30:0], differ[31:0], 1'b0};
    wire [31:0] turn_d;
    roma_cut #(.W(32), .ON(LATENCY > 0 ? 1 : 0)) cut_turn (.clk(clk), .d(differ[63:32] ^ made[62:31]), .q(turn_d));
    roma_cut #(.W(32), .ON(LATENCY > 3 ? 1 : 0)) cut_late (.clk(clk), .d(turn_d), .q(turn));
endmodule
