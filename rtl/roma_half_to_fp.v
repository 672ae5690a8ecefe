// FP16 to FP32, exact, subnormals included (docs/numerics.md, section 1). A NaN is 7FC00000.
// Latency LATENCY (0 or 1), interval 1.
module roma_half_to_fp #(
    parameter LATENCY = 1
) (
    input clk,
    input [15:0] x,
    output [31:0] y
);
    /* verilator no_inline_module */
    wire [3:0] zeros;
    wire none;
    roma_lzc #(.LOG(4)) lzc (.x({x[9:0], 6'd0}), .n(zeros), .none(none));
    wire [9:0] subnormal = x[9:0] << zeros;  // its leading one at the top
    wire unused_one = subnormal[9];
    wire [30:0] tiny = none ? 31'd0 : {8'd112 - {4'd0, zeros}, subnormal[8:0], 14'd0};
    wire [30:0] normal = {8'd112 + {3'd0, x[14:10]}, x[9:0], 13'd0};
    wire [31:0] y_d = &x[14:10] & |x[9:0] ? 32'h7FC00000 : {x[15], &x[14:10] ? 31'h7F800000 : ~|x[14:10] ? tiny : normal};
    roma_cut #(.W(32), .ON(LATENCY)) cut (.clk(clk), .d(y_d), .q(y));
endmodule
