// L-Unit, parallel: the products of one ROM word with the activations of its inputs, summed for each row of the word (docs/numerics.md 3.1).
//   bits    width of a code: 0 for 2, 1 for 4, 2 for 8 bits
//   word    LANES / 8 rows of 32 bits, the bytes of the image: byte b of a row has the inputs b, b + 4, ..., the first in its low bits;
//           8-bit codes are signed bytes, taken here as code + 128
//   codes   16, 8 or 4 signed bytes, the first in bits 7..0; shifts: those of inputs 0 to 7 and 8 to 15
//   sums    for each row sum of code * activation * 2^shift, 25 bits
// Latency LATENCY (0 to 4), interval 1. Zero points are not subtracted: roma_group_sum has them once for all rows.
module roma_lunit #(
    parameter LANES = 16,
    parameter LATENCY = 2
) (
    input clk,
    input [1:0] bits,
    input [4*LANES-1:0] word,
    input [127:0] codes,
    input [5:0] shifts,
    output [LANES/8*25-1:0] sums
);
    /* verilator no_inline_module */
    // Registers behind the slices: 0 products, 1 compressed, 2 two sums, 3 shifted and added.
    localparam [3:0] CUT = LATENCY == 0 ? 4'b0000 : LATENCY == 1 ? 4'b1000 : LATENCY == 2 ? 4'b1010 : LATENCY == 3 ? 4'b1110 : 4'b1111;
    localparam ROWS = LANES / 8;
    // A product of a signed byte and a bit is written as a positive number, 128 too large: of all together that is
    localparam [13:0] EXCESS2 = 14'd128 * 14'd24;  // of eight codes of 2 bits
    localparam [13:0] EXCESS4 = 14'd128 * 14'd60;  // of four of 4 bits

    // The second half's shift: its own for 2-bit codes, for 8-bit codes four places more, as it has their upper halves.
    wire is2 = bits == 2'd0;
    wire is8 = bits == 2'd2;
    wire [3:0] low_d = {1'b0, shifts[2:0]};
    wire [3:0] high_d = is2 ? {1'b0, shifts[5:3]} : {1'b0, is8, 2'd0} + {1'b0, shifts[2:0]};
    wire [3:0] low0, low1, low, high0, high1, high;
    roma_cut #(.W(8), .ON(CUT[0])) cut_shift0 (.clk(clk), .d({low_d, high_d}), .q({low0, high0}));
    roma_cut #(.W(8), .ON(CUT[1])) cut_shift1 (.clk(clk), .d({low0, high0}), .q({low1, high1}));
    roma_cut #(.W(8), .ON(CUT[2])) cut_shift2 (.clk(clk), .d({low1, high1}), .q({low, high}));

    genvar r, h, b, f;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : gen_row
            for (h = 0; h < 2; h = h + 1) begin : gen_half
                // 16 products of an activation and a bit, and the excess
                wire [17*14-1:0] products_d, products;
                assign products_d[16*14+:14] = ~(is2 ? EXCESS2 : EXCESS4) + 14'd1;
                for (b = 0; b < 4; b = b + 1) begin : gen_byte
                    for (f = 0; f < 2; f = f + 1) begin : gen_code
                        localparam FIELD = 2 * h + f;
                        wire [1:0] code;
                        assign code[0] = word[32*r+8*b+2*FIELD];
                        if (FIELD == 3) begin : gen_sign
                            assign code[1] = word[32*r+8*b+7] ^ is8;
                        end else begin : gen_plain
                            assign code[1] = word[32*r+8*b+2*FIELD+1];
                        end
                        wire [7:0] a = is2 ? codes[8*(4*FIELD+b)+:8] : is8 ? codes[8*b+:8] : codes[8*(4*h+b)+:8];
                        wire [9:0] product0 = {2'd0, ~(a[7] & code[0]), a[6:0] & {7{code[0]}}};
                        wire [9:0] product1 = {1'b0, ~(a[7] & code[1]), a[6:0] & {7{code[1]}}, 1'b0};
                        // the upper two bits of a nibble weigh four times as much
                        if (f == 1) begin : gen_upper
                            assign products_d[14*(4*b+2*f)+:14] = is2 ? {4'd0, product0} : {2'd0, product0, 2'd0};
                            assign products_d[14*(4*b+2*f+1)+:14] = is2 ? {4'd0, product1} : {2'd0, product1, 2'd0};
                        end else begin : gen_lower
                            assign products_d[14*(4*b+2*f)+:14] = {4'd0, product0};
                            assign products_d[14*(4*b+2*f+1)+:14] = {4'd0, product1};
                        end
                    end
                end
                roma_cut #(.W(17 * 14), .ON(CUT[0])) cut_products (.clk(clk), .d(products_d), .q(products));
                wire [13:0] sum_d, carry_d, sum, carry;
                roma_compress #(.ROWS(17), .W(14)) tree (.clk(clk), .rows(products), .sum(sum_d), .carry(carry_d));
                roma_cut #(.W(28), .ON(CUT[1])) cut_tree (.clk(clk), .d({sum_d, carry_d}), .q({sum, carry}));
                wire [13:0] total_d = sum + carry;
                wire [13:0] total;
                roma_cut #(.W(14), .ON(CUT[2])) cut_total (.clk(clk), .d(total_d), .q(total));
            end
            wire [24:0] first = {{11{gen_half[0].total[13]}}, gen_half[0].total} << low;
            wire [24:0] second = {{11{gen_half[1].total[13]}}, gen_half[1].total} << high;
            roma_cut #(.W(25), .ON(CUT[3])) cut_sum (.clk(clk), .d(first + second), .q(sums[25*r+:25]));
        end
    endgenerate
endmodule
