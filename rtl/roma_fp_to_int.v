// FP32 to a signed integer of W bits (2 to 32): y = near(x * 2^scale), ties to even (docs/numerics.md, "Notation"), held to
// +-(2^(W-1) - 1), as sections 2 and 4 want their codes; a NaN gives 0, as in step 4 of section 4.
//   scale  signed, -256 to 150: above it a subnormal x would be held too early
// Latency LATENCY (0 to 4), interval 1.
module roma_fp_to_int #(
    parameter W = 32,
    parameter LATENCY = 2
) (
    input clk,
    input [31:0] x,
    input [8:0] scale,
    output [W-1:0] y
);
    /* verilator no_inline_module */
    // Registers behind the slices: 0 distance, 1 shifted, 2 rounded, 3 held.
    localparam [3:0] CUT = LATENCY == 0 ? 4'b0000 : LATENCY == 1 ? 4'b1000 : LATENCY == 2 ? 4'b1010 : LATENCY == 3 ? 4'b1110 : 4'b1111;
    localparam [32:0] MOST = (33'd1 << (W - 1)) - 33'd1;

    // The mantissa stands at the top of 32 bits, whose top bit is worth 2^31 where the exponent is 158.
    wire [7:0] exponent = {x[30:24], x[23] | ~|x[30:23]};
    wire [9:0] right = 10'd158 - {2'b00, exponent} - {scale[8], scale};
    wire is_large_d = right[9] | ~|right | &x[30:23];
    wire [5:0] right_d = |right[8:6] ? 6'd63 : right[5:0];
    wire is_nan = &x[30:23] & |x[22:0];
    wire [23:0] mantissa_d = {|x[30:23], x[22:0]} & {24{~is_nan}};
    wire [23:0] mantissa;
    wire [5:0] right0;
    wire sign0, sign1, sign2, is_large0, is_large1, is_large2;
    roma_cut #(.W(32), .ON(CUT[0])) cut0 (
        .clk(clk), .d({mantissa_d, right_d, x[31] & ~is_nan, is_large_d & |mantissa_d}), .q({mantissa, right0, sign0, is_large0}));

    wire [32:0] whole_d = {mantissa, 9'd0} >> right0;
    wire lost_d = |({mantissa, 9'd0} & ~(33'h1FFFFFFFF << right0));
    wire [32:0] whole;
    wire lost;
    roma_cut #(.W(36), .ON(CUT[1])) cut1 (
        .clk(clk), .d({whole_d, lost_d, sign0, is_large0}), .q({whole, lost, sign1, is_large1}));

    wire up = whole[0] & (whole[1] | lost);
    wire [32:0] rounded_d;
    roma_increment #(.W(33)) increment (.x({1'b0, whole[32:1]}), .up(up), .y(rounded_d));
    wire [32:0] rounded;
    roma_cut #(.W(35), .ON(CUT[2])) cut2 (.clk(clk), .d({rounded_d, sign1, is_large1}), .q({rounded, sign2, is_large2}));

    wire [W-1:0] held = is_large2 | rounded > MOST ? MOST[W-1:0] : rounded[W-1:0];
    wire [W-1:0] y_d;
    roma_increment #(.W(W)) negate (.x(held ^ {W{sign2}}), .up(sign2), .y(y_d));
    roma_cut #(.W(W), .ON(CUT[3])) cut3 (.clk(clk), .d(y_d), .q(y));
endmodule
