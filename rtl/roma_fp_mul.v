// FP32 product: y = fl(a * b), ties to even, subnormals kept (docs/numerics.md, "Notation").
// Latency LATENCY (0 to 6), interval 1. A NaN is 7FC00000.
module roma_fp_mul #(
    parameter LATENCY = 3
) (
    input clk,
    input [31:0] a,
    input [31:0] b,
    output [31:0] y
);
    /* verilator no_inline_module */
    // Registers behind the slices: 0 the first levels of the compressor tree, 1 all of them, 2 added, 3 coarsely shifted,
    // 4 shifted, 5 rounded.
    localparam [5:0] CUT = LATENCY == 0 ? 6'b000000 : LATENCY == 1 ? 6'b100000 : LATENCY == 2 ? 6'b100010 :
        LATENCY == 3 ? 6'b110010 : LATENCY == 4 ? 6'b100111 : LATENCY == 5 ? 6'b110111 : 6'b111111;
    localparam LEVEL = 3;  // of the tree's seven, behind which cut 0 lies

    wire sign = a[31] ^ b[31];
    wire is_nan = &a[30:23] & |a[22:0] | &b[30:23] & |b[22:0] | &a[30:23] & ~|b[30:0] | &b[30:23] & ~|a[30:0];
    wire is_infinite = &a[30:23] | &b[30:23];
    wire is_zero = ~|a[30:0] | ~|b[30:0];
    wire [23:0] a_mantissa = {|a[30:23], a[22:0]};
    wire [23:0] b_mantissa = {|b[30:23], b[22:0]};

    // The product's leading one is where the factors' leading zeros say, or one lower. How far it could be shifted left before the
    // exponent is 1, from where the top bit of 48 is set; below 0 the result is subnormal:
    wire [9:0] room_d = {2'b00, a[30:24], a[23] | ~|a[30:23]} + {2'b00, b[30:24], b[23] | ~|b[30:23]} - 10'd127;
    wire [4:0] a_zeros, b_zeros;
    wire [1:0] none;
    wire [1:0] unused_none = none;
    roma_lzc #(.LOG(5)) lzc_a (.x({a_mantissa, 8'd0}), .n(a_zeros), .none(none[0]));
    roma_lzc #(.LOG(5)) lzc_b (.x({b_mantissa, 8'd0}), .n(b_zeros), .none(none[1]));
    // Zeros below its last one are those of both factors together: they say whether anything is lost.
    wire [47:0] reversed;
    wire [4:0] a_tail, b_tail;
    wire [1:0] no_tail;
    wire [1:0] unused_no_tail = no_tail;
    roma_lzc #(.LOG(5)) tail_a (.x({reversed[47:24], 8'd0}), .n(a_tail), .none(no_tail[0]));
    roma_lzc #(.LOG(5)) tail_b (.x({reversed[23:0], 8'd0}), .n(b_tail), .none(no_tail[1]));

    // 23 products of a's fraction with a bit of b's; those of the hidden bits, which are known later, are rows of their own.
    wire [25*48-1:0] rows;
    genvar i;
    generate
        for (i = 0; i < 24; i = i + 1) begin : gen_row
            assign reversed[24+i] = a_mantissa[23-i];
            assign reversed[i] = b_mantissa[23-i];
            if (i < 23) begin : gen_fraction
                assign rows[48*i+:48] = {25'd0, a[22:0] & {23{b[i]}}} << i;
            end
        end
    endgenerate
    assign rows[48*23+:48] = {2'd0, a[22:0] & {23{b_mantissa[23]}}, 23'd0};
    assign rows[48*24+:48] = {1'b0, a_mantissa[23] & b_mantissa[23], b[22:0] & {23{a_mantissa[23]}}, 23'd0};
    wire [47:0] sum1, carry1, sum2, carry2;
    roma_compress #(.ROWS(25), .W(48), .CUTS(CUT[0] ? 1 << (LEVEL - 1) : 0)) tree (.clk(clk), .rows(rows), .sum(sum1), .carry(carry1));
    roma_cut #(.W(96), .ON(CUT[1])) cut_tree (.clk(clk), .d({sum1, carry1}), .q({sum2, carry2}));
    wire [5:0] zeros_d = {1'b0, a_zeros} + {1'b0, b_zeros};
    wire [5:0] tail_d = {1'b0, a_tail} + {1'b0, b_tail};
    wire [25:0] side0, side1;
    roma_cut #(.W(26), .ON(CUT[0])) cut_side0 (
        .clk(clk), .d({zeros_d, tail_d, room_d, sign, is_nan, is_infinite, is_zero}), .q(side0));
    roma_cut #(.W(26), .ON(CUT[1])) cut_side1 (.clk(clk), .d(side0), .q(side1));
    wire [5:0] zeros, tail;
    wire [9:0] room;
    wire [3:0] kind;
    assign {zeros, tail, room, kind} = side1;

    // Shifts are to the right, of the product with 23 zeros behind it; by 63 nothing is left above what is lost.
    wire [9:0] over = room - {4'd0, zeros};
    wire is_normal = ~over[9];
    wire [5:0] right_normal = 6'd23 - zeros;
    wire [9:0] far = 10'd23 - room;
    wire [5:0] right_small = far[9] | ~|far[9:6] ? far[5:0] : 6'd63;
    wire [5:0] right_d = is_normal ? right_normal : right_small;
    wire [9:0] place_d = is_normal ? over + 10'd1 : 10'd1;  // the exponent

    wire [47:0] product;
    wire [5:0] right, tail2;
    wire [13:0] side2;
    roma_cut #(.W(74), .ON(CUT[2])) cut2 (
        .clk(clk), .d({sum2 + carry2, right_d, tail, place_d, kind}), .q({product, right, tail2, side2}));

    // Shift to the right, the coarse part first. Below bit 23 something is lost, or below bit 22 where that one is kept.
    wire [70:0] coarse_d = {product, 23'd0} >> {right[5:3], 3'd0};
    wire lost_d = tail2 < right;
    wire lost_lower_d = {1'b0, tail2} + 7'd1 < {1'b0, right};
    wire [54:22] coarse;
    wire [37:0] unused_coarse = {coarse_d[70:55], coarse_d[21:0]};
    wire [2:0] fine;
    wire lost3, lost_lower3;
    wire [13:0] side3;
    roma_cut #(.W(52), .ON(CUT[3])) cut3 (
        .clk(clk), .d({coarse_d[54:22], lost_d, lost_lower_d, right[2:0], side2}), .q({coarse, lost3, lost_lower3, fine, side3}));
    wire [54:22] shifted_d = coarse >> fine;
    wire [6:0] unused_shifted = shifted_d[54:48];
    wire [47:22] shifted;
    wire lost, lost_lower;
    wire [13:0] side4;
    roma_cut #(.W(42), .ON(CUT[4])) cut4 (
        .clk(clk), .d({shifted_d[47:22], lost3, lost_lower3, side3}), .q({shifted, lost, lost_lower, side4}));

    // One place more where the leading one is one lower and the exponent allows it.
    wire [9:0] place = side4[13:4];
    wire lower = ~shifted[47] & |place[9:1];
    wire [24:0] kept = lower ? shifted[46:22] : shifted[47:23];
    wire [9:0] field = kept[24] ? place - {9'd0, lower} : 10'd0;
    wire up = kept[0] & (kept[1] | (lower ? lost_lower : lost));
    wire [32:0] rounded;
    roma_increment #(.W(33)) increment (.x({field, kept[23:1]}), .up(up), .y(rounded));
    wire is_large = |rounded[32:31] | &rounded[30:23];
    wire [31:0] y_d = side4[2] ? 32'h7FC00000 :
        {side4[3], side4[1] | is_large & ~side4[0] ? 31'h7F800000 : side4[0] ? 31'd0 : rounded[30:0]};
    roma_cut #(.W(32), .ON(CUT[5])) cut5 (.clk(clk), .d(y_d), .q(y));
endmodule
