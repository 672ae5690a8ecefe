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
        LATENCY == 3 ? 6'b100110 : LATENCY == 4 ? 6'b100111 : LATENCY == 5 ? 6'b110111 : 6'b111111;
    localparam LEVEL = 3;  // of the tree's seven, behind which cut 0 lies

    wire sign = a[31] ^ b[31];
    wire is_nan = &a[30:23] & |a[22:0] | &b[30:23] & |b[22:0] | &a[30:23] & ~|b[30:0] | &b[30:23] & ~|a[30:0];
    wire is_infinite = &a[30:23] | &b[30:23];
    wire is_zero = ~|a[30:0] | ~|b[30:0];
    wire [23:0] a_mantissa = {|a[30:23], a[22:0]};
    wire [23:0] b_mantissa = {|b[30:23], b[22:0]};

    // The product's leading one is where the factors' leading zeros say, or one lower. Its exponent with the top bit of 48 set:
    wire [9:0] exponent = {2'b00, a[30:24], a[23] | ~|a[30:23]} + {2'b00, b[30:24], b[23] | ~|b[30:23]} - 10'd126;
    wire [4:0] a_zeros, b_zeros;
    wire [1:0] none;
    wire [1:0] unused_none = none;
    roma_lzc #(.LOG(5)) lzc_a (.x({a_mantissa, 8'd0}), .n(a_zeros), .none(none[0]));
    roma_lzc #(.LOG(5)) lzc_b (.x({b_mantissa, 8'd0}), .n(b_zeros), .none(none[1]));
    wire [9:0] zeros = {5'd0, a_zeros} + {5'd0, b_zeros};
    // Shift left by so many that the exponent stays 1 or more, which is to the right for what becomes subnormal.
    wire [9:0] room = exponent - 10'd1;
    wire is_normal = $signed(zeros) <= $signed(room);
    wire [9:0] left = is_normal ? zeros : room;
    // The same as a shift to the right of the product with 23 zeros behind it; by 63 nothing is left above the sticky bit.
    wire [9:0] far = 10'd23 - left;
    wire [5:0] right_d = far[9] | ~|far[9:6] ? far[5:0] : 6'd63;
    wire [9:0] place_d = exponent - left;  // 1 or more

    // 24 products of a with a bit of b.
    wire [24*48-1:0] rows;
    genvar i;
    generate
        for (i = 0; i < 24; i = i + 1) begin : gen_row
            assign rows[48*i+:48] = {24'd0, a_mantissa & {24{b_mantissa[i]}}} << i;
        end
    endgenerate
    wire [47:0] sum1, carry1, sum2, carry2;
    roma_compress #(.ROWS(24), .W(48), .CUTS(CUT[0] ? 1 << (LEVEL - 1) : 0)) tree (.clk(clk), .rows(rows), .sum(sum1), .carry(carry1));
    roma_cut #(.W(96), .ON(CUT[1])) cut_tree (.clk(clk), .d({sum1, carry1}), .q({sum2, carry2}));
    wire [19:0] side0, side1, side2;
    roma_cut #(.W(20), .ON(CUT[0])) cut_side0 (.clk(clk), .d({right_d, place_d, sign, is_nan, is_infinite, is_zero}), .q(side0));
    roma_cut #(.W(20), .ON(CUT[1])) cut_side1 (.clk(clk), .d(side0), .q(side1));

    wire [47:0] product;
    roma_cut #(.W(68), .ON(CUT[2])) cut2 (.clk(clk), .d({sum2 + carry2, side1}), .q({product, side2}));

    // Shift to the right, the coarse part first; what is lost below is kept as the sticky bit.
    wire [5:0] right = side2[19:14];
    wire [70:0] long = {product, 23'd0};
    wire [70:0] coarse_d = long >> {right[5:3], 3'd0};
    wire lost_d = |(product & ~(48'hFFFFFFFFFFFF << ({right[5:3], 3'd0} - 6'd23))) & ({right[5:3], 3'd0} > 6'd23);
    wire [70:0] coarse;
    wire lost3;
    wire [2:0] fine;
    wire [13:0] side3;
    roma_cut #(.W(89), .ON(CUT[3])) cut3 (
        .clk(clk), .d({coarse_d, lost_d, right[2:0], side2[13:0]}), .q({coarse, lost3, fine, side3}));
    wire [47:0] shifted_d, shifted;
    wire [22:0] unused_high;
    assign {unused_high, shifted_d} = coarse >> fine;
    wire lost4_d = lost3 | |(coarse[6:0] & ~(7'h7F << fine));
    wire lost;
    wire [13:0] side4;
    roma_cut #(.W(63), .ON(CUT[4])) cut4 (.clk(clk), .d({shifted_d, lost4_d, side3}), .q({shifted, lost, side4}));

    // One place more where the leading one is one lower and the exponent allows it.
    wire [9:0] place = side4[13:4];
    wire lower = ~shifted[47] & |place[9:1];
    wire [24:0] kept = lower ? shifted[46:22] : shifted[47:23];
    wire sticky = lost | |shifted[21:0] | (shifted[22] & ~lower);
    wire [9:0] field = kept[24] ? place - {9'd0, lower} : 10'd0;
    wire up = kept[0] & (kept[1] | sticky);
    wire [32:0] rounded = {field, kept[23:1]} + {32'd0, up};
    wire is_large = |rounded[32:31] | &rounded[30:23];
    wire [31:0] y_d = side4[2] ? 32'h7FC00000 :
        {side4[3], side4[1] | is_large & ~side4[0] ? 31'h7F800000 : side4[0] ? 31'd0 : rounded[30:0]};
    roma_cut #(.W(32), .ON(CUT[5])) cut5 (.clk(clk), .d(y_d), .q(y));
endmodule
