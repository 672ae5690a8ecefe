// SiLU of the gate times up (docs/numerics.md 5.4): e = exp(-|g|), t = fl((g >= 0 ? 1 : e) / fl(1 + e)), y = fl(fl(g t) up).
//   start  gate and up are there
//   done   y is there
// Latency exp + ADD + 16 + 2 MUL (77 with 3, 3, 2), the chain `silu` of the timing law; interval 1. A vector unit whose lanes take an element
// in I = max(exp_interval, div_interval) cycles has one block for I lanes, which it serves in turn.
module roma_silu #(
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2
) (
    input clk,
    input reset,
    input start,
    input [31:0] gate,
    input [31:0] up,
    output done,
    output [31:0] y
);
    localparam EXP = 8 * MUL + 8 * ADD + 2 * CONVERT;
    localparam DIV = 16;
    wire is_positive = ~gate[31];  // of -0 e is 1 as well
    wire [31:0] e, e_late, sum, t, gate_late, up_late;
    wire start_late, is_positive_late, is_divided;
    roma_exp #(.ADD(ADD), .MUL(MUL), .CONVERT(CONVERT)) exponential (.clk(clk), .x({1'b1, gate[30:0]}), .y(e));
    roma_fp_add #(.LATENCY(ADD)) add (.clk(clk), .a(32'h3F800000), .b(e), .y(sum));
    roma_delay #(.W(32), .N(ADD)) delay_e (.clk(clk), .d(e), .q(e_late));
    roma_delay #(.W(2), .N(EXP + ADD)) delay_start (
        .clk(clk), .d({start & ~reset, is_positive}), .q({start_late, is_positive_late}));
    roma_fp_div #(.INTERVAL(1)) div (
        .clk(clk), .reset(reset), .start(start_late), .a(is_positive_late ? 32'h3F800000 : e_late), .b(sum), .done(is_divided), .y(t));
    roma_delay #(.W(64), .N(EXP + ADD + DIV)) delay_gate (.clk(clk), .d({gate, up}), .q({gate_late, up_late}));
    roma_fp_mul3 #(.MUL(MUL)) product (.clk(clk), .a(gate_late), .b(t), .c(up_late), .y(y));
    roma_delay #(.W(1), .N(2 * MUL)) delay_done (.clk(clk), .d(is_divided & ~reset), .q(done));
endmodule
