// L-Unit with a level table: 4-bit codes choose one of sixteen signed levels, a multiplexer a lane (docs/numerics.md 1 and 3.1).
//   levels  LEVEL bits each (8 or 10), that of code 0 in the lowest
//   word    LANES / 8 rows of 32 bits; byte b of a row has the codes of input b (low half) and b + 4
//   codes   8 signed bytes, the first in bits 7..0; shift theirs
//   sums    for each row sum of level * activation * 2^shift, LEVEL + 18 bits
// Latency LATENCY (0 to 4), interval 1.
module roma_lunit_table #(
    parameter LANES = 16,
    parameter LEVEL = 8,
    parameter LATENCY = 2
) (
    input clk,
    input [16*LEVEL-1:0] levels,
    input [4*LANES-1:0] word,
    input [63:0] codes,
    input [2:0] shift,
    output [LANES/8*(LEVEL+18)-1:0] sums
);
    /* verilator no_inline_module */
    // Registers behind the slices: 0 five levels of the compressor tree, 1 all of them, 2 added, 3 shifted.
    localparam [3:0] CUT = LATENCY == 0 ? 4'b0000 : LATENCY == 1 ? 4'b1000 : LATENCY == 2 ? 4'b1001 : LATENCY == 3 ? 4'b1011 : 4'b1111;
    localparam ROWS = LANES / 8;
    localparam W = LEVEL + 11;
    // A product of a signed byte and a bit is written as a positive number, 128 too large; that with the level's sign, which is subtracted, 127.
    localparam [31:0] EXCESS = 8 * ((128 << (LEVEL - 1)) - 128 + (127 << (LEVEL - 1)));

    wire [2:0] shift0, shift1, shift2;
    roma_cut #(.W(3), .ON(CUT[0])) cut_shift0 (.clk(clk), .d(shift), .q(shift0));
    roma_cut #(.W(3), .ON(CUT[1])) cut_shift1 (.clk(clk), .d(shift0), .q(shift1));
    roma_cut #(.W(3), .ON(CUT[2])) cut_shift2 (.clk(clk), .d(shift1), .q(shift2));

    genvar r, i, j;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : gen_row
            wire [(8*LEVEL+1)*W-1:0] products;
            assign products[8*LEVEL*W+:W] = ~EXCESS[W-1:0] + {{W - 1{1'b0}}, 1'b1};
            for (i = 0; i < 8; i = i + 1) begin : gen_input
                wire [3:0] code = word[32*r+8*(i%4)+4*(i/4)+:4];
                wire [LEVEL-1:0] level = levels[LEVEL*code+:LEVEL];
                wire [7:0] a = codes[8*i+:8];
                for (j = 0; j < LEVEL; j = j + 1) begin : gen_bit
                    wire [7:0] gated = a & {8{level[j]}};
                    if (j == LEVEL - 1) begin : gen_sign
                        assign products[W*(LEVEL*i+j)+:W] = {{W - 8{1'b0}}, gated[7], ~gated[6:0]} << j;
                    end else begin : gen_plain
                        assign products[W*(LEVEL*i+j)+:W] = {{W - 8{1'b0}}, ~gated[7], gated[6:0]} << j;
                    end
                end
            end
            wire [W-1:0] sum_d, carry_d, sum, carry, total;
            roma_compress #(.ROWS(8 * LEVEL + 1), .W(W), .CUTS(CUT[0] ? 16 : 0)) tree (.clk(clk), .rows(products), .sum(sum_d), .carry(carry_d));
            roma_cut #(.W(2 * W), .ON(CUT[1])) cut_tree (.clk(clk), .d({sum_d, carry_d}), .q({sum, carry}));
            roma_cut #(.W(W), .ON(CUT[2])) cut_total (.clk(clk), .d(sum + carry), .q(total));
            wire [W+6:0] shifted = {{7{total[W-1]}}, total} << shift2;
            roma_cut #(.W(W + 7), .ON(CUT[3])) cut_sum (.clk(clk), .d(shifted), .q(sums[(W+7)*r+:W+7]));
        end
    endgenerate
endmodule
