// Score of a query and a key (docs/numerics.md 4, step 2): fl((float)(sum of q k) fl(sq k_scale)), the sum exact in int32.
//   valid, last       a part of LANES dimensions is there, as operands of roma_mac; it is the head's last, after HEAD / LANES of them
//   q_scale, k_scale  with the last operands
//   sum               of roma_mac, MUL + clog2(LANES) HOP after the operands
//   score             with done
// Latency MUL + clog2(HEAD) HOP + CONVERT + MUL from the last operands, a product, red(d), a leaf: all of `M` in the timing law (docs/cost-model.md
// 1.9) but the maximum. Interval 1. HEAD / LANES is a power of two.
module roma_score #(
    parameter HEAD = 32,
    parameter LANES = 32,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1
) (
    input clk,
    input reset,
    input valid,
    input last,
    input [31:0] q_scale,
    input [31:0] k_scale,
    input [23+$clog2(LANES):0] sum,
    output done,
    output [31:0] score
);
    localparam W = 24 + $clog2(LANES);
    wire here, is_last, ended;
    wire [31:0] total, whole, scale, scale_late;
    wire [63:0] scales = {q_scale, k_scale};
    roma_delay #(.W(2), .N(MUL + $clog2(LANES) * HOP)) delay_mark (.clk(clk), .d({valid & ~reset, last}), .q({here, is_last}));
    roma_fold #(.LEVELS($clog2(HEAD / LANES)), .W(32), .SUM(1), .HOP(HOP)) head (
        .clk(clk), .reset(reset), .valid(here), .last(is_last), .x({{32 - W{sum[W-1]}}, sum}), .done(ended), .y(total));
    roma_int_to_fp #(.LATENCY(CONVERT)) convert (.clk(clk), .x(total), .y(whole));
    roma_fp_mul #(.LATENCY(MUL)) mul_scale (.clk(clk), .a(scales[63:32]), .b(scales[31:0]), .y(scale));
    roma_delay #(.W(32), .N($clog2(HEAD) * HOP + CONVERT)) delay_scale (.clk(clk), .d(scale), .q(scale_late));
    roma_fp_mul #(.LATENCY(MUL)) mul_score (.clk(clk), .a(whole), .b(scale_late), .y(score));
    roma_delay #(.W(1), .N(CONVERT + MUL)) delay_done (.clk(clk), .d(ended & ~reset), .q(done));
endmodule
