// 1 / root mean square of a row from its sum of squares in fixed point (docs/numerics.md 5.2).
//   start      squares is there, the sum of roma_square over the row; the next one after INTERVAL cycles
//   largest    bits of the row's largest magnitude: below 2^-100 its squares count as 0, from 2^100 on the result is NaN
//   inverse_n  fl(1/n), n at most 2^18; epsilon at least 2^-100
//   done       y is there
// Latency CONVERT + MUL + ADD + 14 + 16, the chain `rms` of the timing law; interval INTERVAL, as roma_fp_div.
module roma_rms #(
    parameter INTERVAL = 4,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2
) (
    input clk,
    input reset,
    input start,
    input [63:0] squares,
    input [30:0] largest,
    input [31:0] inverse_n,
    input [31:0] epsilon,
    output done,
    output [31:0] y
);
    wire [31:0] sum_float, share, epsilon_late, mean_square, sum, root;
    wire [7:0] place;
    wire start_late, is_rooted;
    wire [22:0] unused_mantissa = largest[22:0];
    roma_int_to_fp #(.W(64), .LATENCY(CONVERT)) convert (.clk(clk), .x(squares), .y(sum_float));
    roma_delay #(.W(40), .N(CONVERT)) delay_share (.clk(clk), .d({largest[30:23], inverse_n}), .q({place, share}));
    roma_delay #(.W(32), .N(CONVERT + MUL)) delay_epsilon (.clk(clk), .d(epsilon), .q(epsilon_late));

    // 2^(2 e - 26) goes to both factors, 2^(e - 18) and 2^(e - 8), so that neither of them and not the product leaves FP32's normal numbers
    // where the mean of squares does not. Below these numbers the mean of squares is nothing beside epsilon.
    wire is_tiny = place < 8'd27;
    wire is_huge = place >= 8'd227;
    wire [7:0] sum_place = sum_float[30:23] + place - 8'd145;
    wire [7:0] share_place = share[30:23] + place - 8'd135;
    wire unused_signs = sum_float[31] | share[31];
    roma_fp_mul #(.LATENCY(MUL)) mul (
        .clk(clk), .a(is_tiny ? 32'd0 : {1'b0, sum_place, sum_float[22:0]}),
        .b(is_huge ? 32'h7FC00000 : is_tiny ? 32'd0 : {1'b0, share_place, share[22:0]}), .y(mean_square));
    roma_fp_add #(.LATENCY(ADD)) add (.clk(clk), .a(mean_square), .b(epsilon_late), .y(sum));
    roma_delay #(.W(1), .N(CONVERT + MUL + ADD)) delay_start (.clk(clk), .d(start & ~reset), .q(start_late));
    roma_fp_sqrt #(.INTERVAL(INTERVAL)) square_root (.clk(clk), .reset(reset), .start(start_late), .x(sum), .done(is_rooted), .y(root));
    roma_fp_div #(.INTERVAL(INTERVAL)) div (
        .clk(clk), .reset(reset), .start(is_rooted), .a(32'h3F800000), .b(root), .done(done), .y(y));
endmodule
