// Weights of the positions of a page, and the page's largest (docs/numerics.md 4, steps 3 to 5): w = exp(fl(score - M)), near(w 2^30) for the
// denominator, u = fl(w v_scale) and the largest u, a NaN the largest of all.
//   valid, last      a position's score and its query's M are there; it is the last that the query sees of the page
//   v_scale          of the position, ADD + EXP after its score, when w is there
//   fixed            near(w 2^30), of a NaN 0, with fixed_valid: ADD + EXP + CONVERT after the score
//   u                with u_valid: ADD + EXP + MUL after the score
//   most             the bits of the largest u, with done: 5 HOP after the last u
// EXP = 8 MUL + 8 ADD + 2 CONVERT. Interval 1, one query's page after the other; a page has 32 positions at most. An H-Unit has as many of these as
// exponentials a cycle (hunit.exp). With the code of roma_page_code the latency is the chain `weigh` of the timing law.
module roma_weigh #(
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1
) (
    input clk,
    input reset,
    input valid,
    input last,
    input [31:0] score,
    input [31:0] largest,
    input [31:0] v_scale,
    output fixed_valid,
    output [31:0] fixed,
    output u_valid,
    output [31:0] u,
    output done,
    output [30:0] most
);
    localparam EXP = 8 * MUL + 8 * ADD + 2 * CONVERT;
    wire [31:0] below, w;
    roma_fp_add #(.LATENCY(ADD)) subtract (.clk(clk), .a(score), .b({~largest[31], largest[30:0]}), .y(below));
    roma_exp #(.ADD(ADD), .MUL(MUL), .CONVERT(CONVERT)) exponential (.clk(clk), .x(below), .y(w));
    roma_fp_to_int #(.LATENCY(CONVERT)) near (.clk(clk), .x(w), .scale(9'd30), .y(fixed));
    roma_fp_mul #(.LATENCY(MUL)) scale (.clk(clk), .a(w), .b(v_scale), .y(u));

    wire w_valid, w_last, u_last;
    roma_delay #(.W(2), .N(ADD + EXP)) delay_w (.clk(clk), .d({valid & ~reset, last}), .q({w_valid, w_last}));
    roma_delay #(.W(1), .N(CONVERT)) delay_fixed (.clk(clk), .d(w_valid & ~reset), .q(fixed_valid));
    roma_delay #(.W(2), .N(MUL)) delay_u (.clk(clk), .d({w_valid & ~reset, w_last}), .q({u_valid, u_last}));
    roma_fold #(.LEVELS(5), .W(31), .HOP(HOP)) page (
        .clk(clk), .reset(reset), .valid(u_valid), .last(u_last), .x(u[30:0]), .done(done), .y(most));
endmodule
