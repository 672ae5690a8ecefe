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
    // A gate below 0 has the square 0, behind a register of the product: in front of it a choice would lengthen the path.
    wire is_nan = &gate[30:23] & |gate[22:0];
    wire is_below;
    wire [31:0] square, up_late;
    roma_fp_mul #(.LATENCY(MUL)) mul_square (.clk(clk), .a(gate), .b(gate), .y(square));
    roma_delay #(.W(33), .N(MUL)) delay_up (.clk(clk), .d({gate[31] & ~is_nan, up}), .q({is_below, up_late}));
    roma_fp_mul #(.LATENCY(MUL)) mul_up (.clk(clk), .a(square & {32{~is_below}}), .b(up_late), .y(y));
endmodule
