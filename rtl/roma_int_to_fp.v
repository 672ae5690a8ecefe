// Signed integer of W bits (32 or 64) to FP32: y = (float)x, ties to even (docs/numerics.md, "Notation").
// Latency LATENCY (0 to 4), interval 1.
module roma_int_to_fp #(
    parameter W = 32,
    parameter LATENCY = 2
) (
    input clk,
    input [W-1:0] x,
    output [31:0] y
);
    /* verilator no_inline_module */
    // Registers behind the slices: 0 magnitude, 1 counted, 2 normalised, 3 rounded.
    localparam [3:0] CUT = LATENCY == 0 ? 4'b0000 : LATENCY == 1 ? 4'b1000 : LATENCY == 2 ? 4'b1010 : LATENCY == 3 ? 4'b1110 : 4'b1111;
    localparam LOG = W == 64 ? 6 : 5;

    wire [W-1:0] magnitude_d;
    roma_increment #(.W(W)) magnitude (.x(x ^ {W{x[W-1]}}), .up(x[W-1]), .y(magnitude_d));
    wire [W-1:0] magnitude0, magnitude1;
    wire sign0, sign1, sign2;
    roma_cut #(.W(W + 1), .ON(CUT[0])) cut0 (.clk(clk), .d({magnitude_d, x[W-1]}), .q({magnitude0, sign0}));

    wire [LOG-1:0] zeros_d, zeros;
    wire is_zero_d, is_zero1, is_zero2;
    roma_lzc #(.LOG(LOG)) lzc (.x(magnitude0), .n(zeros_d), .none(is_zero_d));
    roma_cut #(.W(W + LOG + 2), .ON(CUT[1])) cut1 (
        .clk(clk), .d({magnitude0, zeros_d, sign0, is_zero_d}), .q({magnitude1, zeros, sign1, is_zero1}));

    localparam [7:0] TOP = 8'd126 + W;  // the exponent of the top bit
    wire [W-1:0] normal_d = magnitude1 << zeros;
    wire [7:0] exponent_d = TOP - {{8 - LOG{1'b0}}, zeros};
    wire [W-1:0] normal;
    wire [7:0] exponent;
    roma_cut #(.W(W + 10), .ON(CUT[2])) cut2 (
        .clk(clk), .d({normal_d, exponent_d, sign1, is_zero1}), .q({normal, exponent, sign2, is_zero2}));

    wire unused_one = normal[W-1];
    wire up = normal[W-25] & (normal[W-24] | |normal[W-26:0]);
    wire [30:0] rounded;
    roma_increment #(.W(31)) increment (.x({exponent, normal[W-2:W-24]}), .up(up), .y(rounded));
    wire [31:0] y_d = is_zero2 ? 32'd0 : {sign2, rounded};
    roma_cut #(.W(32), .ON(CUT[3])) cut3 (.clk(clk), .d(y_d), .q(y));
endmodule
