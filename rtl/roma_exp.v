// exp of a number that is not positive (docs/numerics.md 5.1): above 0 counts as 0, below -87 gives 0, NaN gives 7FC00000.
// Latency 8 MUL + 8 ADD + 2 CONVERT (52 with 3, 3, 2), interval 1: one unit for each rounding of the law, in its order.
module roma_exp #(
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2
) (
    input clk,
    input [31:0] x,
    output [31:0] y
);
    localparam LATENCY = 8 * MUL + 8 * ADD + 2 * CONVERT;
    localparam [6*32-1:0] COEFFICIENTS = {32'h3F800000, 32'h3F800000, 32'h3F000000, 32'h3E2AAAAB, 32'h3D2AAAAB, 32'h3C088889};

    wire is_nan = &x[30:23] & |x[22:0];
    wire is_zero;
    wire is_zero_d = x[31] & ~is_nan & x[30:0] > 31'h42AE0000;

    // n = near(x log2 e), r = (x - n c1) - n c2; both are made 0 for x above 0 behind registers, where a gate more lengthens no path
    wire is_above, is_above_late;
    wire [31:0] x1, scaled, n_float, n1, n2, n2_late, x_late, r_high, r;
    wire [8:0] n_any, n_late;
    wire [8:0] n = n_any & {9{~is_above_late}};
    roma_delay #(.W(33), .N(1)) delay_x1 (.clk(clk), .d({x, ~x[31] & ~is_nan}), .q({x1, is_above}));
    roma_delay #(.W(1), .N(MUL + CONVERT - 1)) delay_above (.clk(clk), .d(is_above), .q(is_above_late));
    roma_fp_mul #(.LATENCY(MUL)) mul_log2e (.clk(clk), .a(x), .b(32'h3FB8AA3B), .y(scaled));
    roma_fp_to_int #(.W(9), .LATENCY(CONVERT)) near (.clk(clk), .x(scaled), .scale(9'd0), .y(n_any));
    roma_int_to_fp #(.LATENCY(CONVERT)) to_float (.clk(clk), .x({{23{n[8]}}, n}), .y(n_float));
    roma_fp_mul #(.LATENCY(MUL)) mul_c1 (.clk(clk), .a(n_float), .b(32'h3F318000), .y(n1));
    roma_fp_mul #(.LATENCY(MUL)) mul_c2 (.clk(clk), .a(n_float), .b(32'hB95E8083), .y(n2));
    roma_delay #(.W(32), .N(2 * MUL + 2 * CONVERT - 1)) delay_x (.clk(clk), .d(x1 & {32{~is_above}}), .q(x_late));
    roma_delay #(.W(32), .N(ADD)) delay_n2 (.clk(clk), .d(n2), .q(n2_late));
    roma_fp_add #(.LATENCY(ADD)) add_high (.clk(clk), .a(x_late), .b({~n1[31], n1[30:0]}), .y(r_high));
    roma_fp_add #(.LATENCY(ADD)) add_low (.clk(clk), .a(r_high), .b({~n2_late[31], n2_late[30:0]}), .y(r));

    // Horner: p := p r + coefficient, six times
    wire [7*32-1:0] p, r_at;
    assign p[31:0] = 32'h3AB60B61;
    assign r_at[31:0] = r;
    genvar i;
    generate
        for (i = 0; i < 6; i = i + 1) begin : gen_step
            wire [31:0] product;
            roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a(p[32*i+:32]), .b(r_at[32*i+:32]), .y(product));
            roma_fp_add #(.LATENCY(ADD)) add (.clk(clk), .a(product), .b(COEFFICIENTS[32*i+:32]), .y(p[32*(i+1)+:32]));
            roma_delay #(.W(32), .N(i < 5 ? MUL + ADD : 0)) delay_r (.clk(clk), .d(r_at[32*i+:32]), .q(r_at[32*(i+1)+:32]));
        end
    endgenerate
    wire [31:0] unused_r = r_at[6*32+:32];

    // times 2^n: n is 0 where x is NaN
    roma_delay #(.W(1), .N(LATENCY)) delay_zero (.clk(clk), .d(is_zero_d), .q(is_zero));
    roma_delay #(.W(9), .N(LATENCY - MUL - CONVERT)) delay_n (.clk(clk), .d(n), .q(n_late));
    wire unused_n = n_late[8];
    wire [31:0] end_p = p[6*32+:32];
    assign y = is_zero ? 32'd0 : {end_p[31], end_p[30:23] + n_late[7:0], end_p[22:0]};
endmodule
