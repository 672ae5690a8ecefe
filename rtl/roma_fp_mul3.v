// Product of three FP32 numbers: y = fl(fl(a b) c). The norm of a head (docs/numerics.md 5.3) is one of x, 1/rms and g.
// Latency 2 MUL, interval 1; c comes with a and b.
module roma_fp_mul3 #(
    parameter MUL = 3
) (
    input clk,
    input [31:0] a,
    input [31:0] b,
    input [31:0] c,
    output [31:0] y
);
    wire [31:0] ab, c_late;
    roma_fp_mul #(.LATENCY(MUL)) first (.clk(clk), .a(a), .b(b), .y(ab));
    roma_delay #(.W(32), .N(MUL)) delay_c (.clk(clk), .d(c), .q(c_late));
    roma_fp_mul #(.LATENCY(MUL)) second (.clk(clk), .a(ab), .b(c_late), .y(y));
endmodule
