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
    wire is_tiny = largest[30:23] < 8'd27;
    wire is_huge = largest[30:23] >= 8'd227;
    wire unused_bits = |largest[22:0] | inverse_n[31];

    // 2^(2 e - 26) goes to both factors, 2^(e - 18) to the sum and 2^(e - 8) to 1/n, so that neither of them and not the product leaves FP32's
    // normal numbers where the mean of squares does not. Below these numbers the mean of squares is nothing beside epsilon.
    wire [7:0] share_place = inverse_n[30:23] + largest[30:23] - 8'd135;
    wire [31:0] share_d = is_huge ? 32'h7FC00000 : is_tiny ? 32'd0 : {1'b0, share_place, inverse_n[22:0]};
    wire [7:0] place_d = is_tiny ? 8'd0 : largest[30:23] - 8'd145;
    wire [31:0] sum_float, share, mean_square, epsilon_late, sum, root;
    wire [7:0] place;
    wire start_late, is_rooted;
    roma_int_to_fp #(.W(64), .LATENCY(CONVERT)) convert (.clk(clk), .x(squares), .y(sum_float));
    roma_delay #(.W(40), .N(CONVERT)) delay_share (.clk(clk), .d({place_d, share_d}), .q({place, share}));
    wire [7:0] sum_place = sum_float[30:23] + place;
    wire unused_sign = sum_float[31];
    roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a({1'b0, sum_place, sum_float[22:0]}), .b(share), .y(mean_square));
    roma_delay #(.W(32), .N(CONVERT + MUL)) delay_epsilon (.clk(clk), .d(epsilon), .q(epsilon_late));
    roma_fp_add #(.LATENCY(ADD)) add (.clk(clk), .a(mean_square), .b(epsilon_late), .y(sum));
    roma_delay #(.W(1), .N(CONVERT + MUL + ADD)) delay_start (.clk(clk), .d(start & ~reset), .q(start_late));
    roma_fp_sqrt #(.INTERVAL(INTERVAL)) square_root (.clk(clk), .reset(reset), .start(start_late), .x(sum), .done(is_rooted), .y(root));
    roma_fp_div #(.INTERVAL(INTERVAL)) div (
        .clk(clk), .reset(reset), .start(is_rooted), .a(32'h3F800000), .b(root), .done(done), .y(y));
endmodule
