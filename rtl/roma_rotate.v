// A pair of a head, turned (docs/numerics.md 5.5): (fl(fl(a cos) - fl(b sin)), fl(fl(a sin) + fl(b cos))).
// Latency MUL + ADD, the chain `rotate` of the timing law; interval 1.
module roma_rotate #(
    parameter ADD = 3,
    parameter MUL = 3
) (
    input clk,
    input [31:0] a,
    input [31:0] b,
    input [31:0] cosine,
    input [31:0] sine,
    output [31:0] y_a,
    output [31:0] y_b
);
    wire [31:0] a_cosine, b_sine, a_sine, b_cosine;
    roma_fp_mul #(.LATENCY(MUL)) mul_a_cosine (.clk(clk), .a(a), .b(cosine), .y(a_cosine));
    roma_fp_mul #(.LATENCY(MUL)) mul_b_sine (.clk(clk), .a(b), .b(sine), .y(b_sine));
    roma_fp_mul #(.LATENCY(MUL)) mul_a_sine (.clk(clk), .a(a), .b(sine), .y(a_sine));
    roma_fp_mul #(.LATENCY(MUL)) mul_b_cosine (.clk(clk), .a(b), .b(cosine), .y(b_cosine));
    roma_fp_add #(.LATENCY(ADD)) add_a (.clk(clk), .a(a_cosine), .b({~b_sine[31], b_sine[30:0]}), .y(y_a));
    roma_fp_add #(.LATENCY(ADD)) add_b (.clk(clk), .a(a_sine), .b(b_cosine), .y(y_b));
endmodule
