// FP32 sum: y = fl(a + b), ties to even, subnormals kept (docs/numerics.md, "Notation").
// Latency LATENCY (0 to 6), interval 1. A NaN is 7FC00000.
module roma_fp_add #(
    parameter LATENCY = 3
) (
    input clk,
    input [31:0] a,
    input [31:0] b,
    output [31:0] y
);
    /* verilator no_inline_module */
    // Registers behind the slices: 0 compared, 1 swapped, 2 aligned, 3 added, 4 counted, 5 normalised, 6 rounded.
    localparam [6:0] CUT = LATENCY == 0 ? 7'b0000000 : LATENCY == 1 ? 7'b1000000 : LATENCY == 2 ? 7'b1001000 :
        LATENCY == 3 ? 7'b1010100 : LATENCY == 4 ? 7'b1011010 : LATENCY == 5 ? 7'b1111010 : 7'b1111110;

    // Which magnitude is larger, and by how many places the other one is shifted. A subnormal has the exponent of 1.
    wire [7:0] a_exponent = {a[30:24], a[23] | ~|a[30:23]};
    wire [7:0] b_exponent = {b[30:24], b[23] | ~|b[30:23]};
    wire [7:0] a_over_b = a_exponent - b_exponent;
    wire [7:0] b_over_a = b_exponent - a_exponent;
    wire swap_d = a[30:0] < b[30:0];
    wire swap;
    wire [31:0] a0, b0;
    wire [7:0] ab0, ba0;
    roma_cut #(.W(81), .ON(CUT[0])) cut0 (
        .clk(clk), .d({a, b, a_over_b, b_over_a, swap_d}), .q({a0, b0, ab0, ba0, swap}));

    wire [31:0] big_d = swap ? b0 : a0;
    wire [31:0] less_d = swap ? a0 : b0;
    wire [7:0] shift_d = swap ? ba0 : ab0;
    wire is_nan_d = &big_d[30:23] & (|big_d[22:0] | (&less_d[30:23] & (big_d[31] ^ less_d[31])));
    wire [31:0] big1, less1;
    wire [7:0] shift1;
    wire is_nan1;
    roma_cut #(.W(73), .ON(CUT[1])) cut1 (
        .clk(clk), .d({big_d, less_d, shift_d, is_nan_d}), .q({big1, less1, shift1, is_nan1}));

    // Guard, round and sticky bit are below the smaller one's mantissa. From 32 places on it is nothing: it could not move a result.
    wire [25:0] whole = {|less1[30:23], less1[22:0], 2'b00};
    wire [25:0] moved = whole >> shift1[4:0];
    wire lost = |(whole & ~(26'h3FFFFFF << shift1[4:0]));
    wire is_far = |shift1[7:5];
    wire is_infinite = &big1[30:23];
    wire [26:0] aligned_d = is_infinite | is_far ? 27'd0 : {moved, lost};
    wire minus_d = big1[31] ^ less1[31];
    wire sign_d = big1[31] & (less1[31] | |(big1[30:0] ^ less1[30:0]));
    wire [23:0] mantissa_d = {|big1[30:23], big1[22:0]};
    wire [7:0] exponent_d = {big1[30:24], big1[23] | ~|big1[30:23]};
    wire [26:0] aligned;
    wire [23:0] mantissa;
    wire [7:0] exponent2;
    wire minus, sign2, is_nan2;
    roma_cut #(.W(62), .ON(CUT[2])) cut2 (
        .clk(clk), .d({aligned_d, mantissa_d, exponent_d, minus_d, sign_d, is_nan1}),
        .q({aligned, mantissa, exponent2, minus, sign2, is_nan2}));

    // A mark where the exponent would become 1 ends the count of leading zeros of what is subnormal.
    wire [27:0] operand = minus ? ~{1'b0, aligned} : {1'b0, aligned};
    wire [27:0] sum_d = {1'b0, mantissa, 3'b000} + operand + {27'b0, minus};
    wire [31:0] mark_d = exponent2[7:5] == 3'b000 ? 32'h80000000 >> exponent2[4:0] : 32'b0;
    wire [27:0] sum3;
    wire [31:0] mark;
    wire [7:0] exponent3;
    wire sign3, is_nan3;
    roma_cut #(.W(70), .ON(CUT[3])) cut3 (
        .clk(clk), .d({sum_d, mark_d, exponent2, sign2, is_nan2}), .q({sum3, mark, exponent3, sign3, is_nan3}));

    // One more than the places to shift left: a carry of the sum is shifted by none.
    wire [4:0] count_d, count;
    wire none;
    wire unused_none = none;
    roma_lzc #(.LOG(5)) lzc (.x({sum3, 4'b0000} | mark), .n(count_d), .none(none));
    wire [27:0] sum4;
    wire [7:0] exponent4;
    wire sign4, is_nan4;
    roma_cut #(.W(43), .ON(CUT[4])) cut4 (
        .clk(clk), .d({count_d, sum3, exponent3, sign3, is_nan3}), .q({count, sum4, exponent4, sign4, is_nan4}));

    wire [27:0] normal_d = sum4 << count;
    wire [7:0] shifted_d = exponent4 + 8'd1 - {3'd0, count};
    wire [27:0] normal;
    wire [7:0] shifted;
    wire sign5, is_nan5;
    roma_cut #(.W(38), .ON(CUT[5])) cut5 (
        .clk(clk), .d({normal_d, shifted_d, sign4, is_nan4}), .q({normal, shifted, sign5, is_nan5}));

    // A carry out of the mantissa walks into the exponent, which is the right number, infinity included.
    wire [7:0] field = normal[27] ? shifted : 8'd0;
    wire up = normal[3] & (normal[4] | |normal[2:0]);
    wire [30:0] rounded;
    roma_increment #(.W(31)) increment (.x({field, normal[26:4]}), .up(up), .y(rounded));
    wire [31:0] y_d = is_nan5 ? 32'h7FC00000 : {sign5, &shifted ? 31'h7F800000 : rounded};
    roma_cut #(.W(32), .ON(CUT[6])) cut6 (.clk(clk), .d(y_d), .q(y));
endmodule
