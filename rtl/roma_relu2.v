// Squared ReLU of the gate times up (docs/numerics.md 5.4): r = g < 0 ? 0 : g, y = fl(fl(r r) up); a NaN gate gives NaN.
// Latency 2 MUL, the chain `relu2` of the timing law; interval 1.
module roma_relu2 #(
    parameter MUL = 3
) (
    input clk,
    input [31:0] gate,
    input [31:0] up,
    output [31:0] y
);
    wire is_nan = &gate[30:23] & |gate[22:0];
    wire [31:0] r = gate & {32{~gate[31] | is_nan}};
    roma_fp_mul3 #(.MUL(MUL)) product (.clk(clk), .a(r), .b(r), .c(up), .y(y));
endmodule
