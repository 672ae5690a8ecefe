// What a vector unit has beyond arithmetic, for bench_vunit.cpp: blocks alone, and the passes of QUANTISE, NORM and HEAD_NORM of a unit of eight
// lanes, whose memory and control are the bench. The network between its tree and the root is a delay.
module bench_vunit (
    input clk,  // of passes
    input silu_clk, lane_clk,  // of blocks alone
    input reset,
    // blocks alone
    input recip_start,
    input [30:0] recip_largest,
    output [28:0] square_y,  // of the second pass's first lane
    output [28:0] square_slow_y,  // of a product of latency 6
    input rms_start,
    input [63:0] rms_squares,
    input [30:0] rms_largest,
    input [31:0] rms_inverse_n, rms_epsilon,
    input silu_start,
    output silu_done,
    output [31:0] silu_y,
    input [31:0] gate, up, third,
    output [31:0] relu2_y, mul3_y,
    input [31:0] pair_a, pair_b, cosine, sine,
    output [31:0] rotate_a, rotate_b,
    input [8*31-1:0] lanes,
    output [30:0] largest_of8, largest_of5,
    output [33:0] sum_of8, sum_of5,
    input [255:0] logits,
    input [15:0] first_id,
    output [19:0] choice_id,
    output choice_nan, choice_none,
    // codes of a sub-group, alone and in the last pass
    input [255:0] code_x,
    input [31:0] code_factor,
    output [63:0] codes,
    output [2:0] shift,
    // the first pass: largest |x|, or |x g| with a norm, whose products are kept
    input pass_valid, pass_first, pass_last, pass_norm,
    input [255:0] pass_x, pass_g,
    output [255:0] product,
    output largest_done,
    output [30:0] largest,
    output factor_done,
    output [31:0] factor, scale,
    // the second: squares, 1/rms, and the scale times that
    input square_valid, square_first, square_last,
    input [255:0] square_x,
    input [7:0] square_exponent,
    output sum_done,
    output [63:0] sum,
    input [30:0] sum_largest,  // with sum_done
    output inverse_done,
    output [31:0] inverse,
    input [31:0] inverse_scale,  // with inverse_done
    output scaled_done,
    output [31:0] scaled,
    // the third of heads, a lane of it
    input [31:0] head_x, head_g, head_inverse,
    output [31:0] head_y,
    // keys of eight lanes, cycle after cycle
    input key_valid, key_first, key_last,
    output key_done,
    output [19:0] key_id,
    output key_nan, key_none
);
    localparam ACROSS = 4;  // cycles to the root and back
    localparam MUL = 3;
    localparam RED = 3;  // levels of the tree of eight lanes

    // ---- blocks alone ----
    wire [64:0] silu_in;
    hold #(.W(65)) hold_silu (.clk(silu_clk), .d({silu_start, gate, up}), .q(silu_in));
    roma_silu silu (
        .clk(silu_clk), .reset(reset), .start(silu_in[64]), .gate(silu_in[63:32]), .up(silu_in[31:0]), .done(silu_done), .y(silu_y));
    wire [31:0] lane_gate, lane_up, lane_third, lane_a, lane_b, lane_cosine, lane_sine;
    hold #(.W(7 * 32)) hold_lane (
        .clk(lane_clk), .d({gate, up, third, pair_a, pair_b, cosine, sine}),
        .q({lane_gate, lane_up, lane_third, lane_a, lane_b, lane_cosine, lane_sine}));
    roma_relu2 relu2 (.clk(lane_clk), .gate(lane_gate), .up(lane_up), .y(relu2_y));
    roma_fp_mul3 mul3 (.clk(lane_clk), .a(lane_gate), .b(lane_up), .c(lane_third), .y(mul3_y));
    roma_rotate rotate (.clk(lane_clk), .a(lane_a), .b(lane_b), .cosine(lane_cosine), .sine(lane_sine), .y_a(rotate_a), .y_b(rotate_b));

    // eight lanes; five, of hops of two cycles
    wire [8*31-1:0] lanes_in;
    hold #(.W(8 * 31)) hold_lanes (.clk(lane_clk), .d(lanes), .q(lanes_in));
    roma_reduce reduce8 (.clk(lane_clk), .x(lanes_in), .y(largest_of8));
    roma_reduce #(.SUM(1)) sum8 (.clk(lane_clk), .x(lanes_in), .y(sum_of8));
    roma_reduce #(.LANES(5), .HOP(2)) reduce5 (.clk(lane_clk), .x(lanes_in[5*31-1:0]), .y(largest_of5));
    roma_reduce #(.LANES(5), .HOP(2), .SUM(1)) sum5 (.clk(lane_clk), .x(lanes_in[5*31-1:0]), .y(sum_of5));

    // ---- the passes ----
    genvar i;
    wire [255:0] pass_x_in, pass_g_in, square_x_in, code_x_in, logits_in;
    hold #(.W(5 * 256)) hold_pass (
        .clk(clk), .d({pass_x, pass_g, square_x, code_x, logits}), .q({pass_x_in, pass_g_in, square_x_in, code_x_in, logits_in}));
    wire [8*31-1:0] magnitudes, product_magnitudes;
    wire [8*29-1:0] squares;
    wire [8*52-1:0] keys;
    assign square_y = squares[28:0];
    roma_square #(.MUL(6)) square_slow (.clk(clk), .x(square_x_in[31:0]), .exponent(square_exponent), .y(square_slow_y));
    generate
        for (i = 0; i < 8; i = i + 1) begin : gen_lane
            assign magnitudes[31*i+:31] = pass_x_in[32*i+:31];
            roma_fp_mul mul (.clk(clk), .a(pass_x_in[32*i+:32]), .b(pass_g_in[32*i+:32]), .y(product[32*i+:32]));
            assign product_magnitudes[31*i+:31] = product[32*i+:31];
            roma_square square (.clk(clk), .x(square_x_in[32*i+:32]), .exponent(square_exponent), .y(squares[29*i+:29]));
            roma_logit_key logit_key (.logit(logits_in[32*i+:32]), .id({1'b0, first_id, 3'd0} + i[19:0]), .key(keys[52*i+:52]));
        end
    endgenerate

    wire [30:0] x_most, x_row, product_most, product_row, product_largest;
    wire [2:0] x_mark, product_mark, square_mark, key_mark;
    wire x_done, x_single, product_row_done, product_done;
    roma_reduce reduce_x (.clk(clk), .x(magnitudes), .y(x_most));
    roma_delay #(.W(3), .N(RED)) delay_x (.clk(clk), .d({pass_valid & ~reset, pass_first, pass_last}), .q(x_mark));
    roma_running running_x (
        .clk(clk), .reset(reset), .valid(x_mark[2]), .first(x_mark[1]), .last(x_mark[0]), .x(x_most), .done(x_done), .y(x_row));
    // heads and rows of one group stay in the unit
    assign x_single = x_mark == 3'b111;
    wire [30:0] x_far;
    wire x_far_done;
    roma_delay #(.W(32), .N(ACROSS)) net_x (.clk(clk), .d({x_done & ~x_single & ~reset, x_row}), .q({x_far_done, x_far}));
    assign {largest_done, largest} = x_single ? {1'b1, x_row} : {x_far_done, x_far};

    roma_reduce reduce_product (.clk(clk), .x(product_magnitudes), .y(product_most));
    roma_delay #(.W(3), .N(MUL + RED)) delay_product (
        .clk(clk), .d({pass_valid & pass_norm & ~reset, pass_first, pass_last}), .q(product_mark));
    roma_running running_product (
        .clk(clk), .reset(reset), .valid(product_mark[2]), .first(product_mark[1]), .last(product_mark[0]), .x(product_most),
        .done(product_row_done), .y(product_row));
    roma_delay #(.W(32), .N(ACROSS)) net_product (
        .clk(clk), .d({product_row_done & ~reset, product_row}), .q({product_done, product_largest}));
    roma_reciprocal reciprocal (
        .clk(clk), .reset(reset), .start(recip_start | (pass_norm ? product_done : largest_done)),
        .largest(recip_start ? recip_largest : pass_norm ? product_largest : largest), .done(factor_done), .factor(factor), .scale(scale));

    wire [31:0] squares_most;
    wire [63:0] squares_row, sum_far;
    wire squares_done, squares_single, sum_far_done, scaled_mark;
    roma_reduce #(.W(29), .SUM(1)) reduce_squares (.clk(clk), .x(squares), .y(squares_most));
    roma_delay #(.W(3), .N(2 + MUL + RED)) delay_square (
        .clk(clk), .d({square_valid & ~reset, square_first, square_last}), .q(square_mark));
    roma_running #(.W(64), .SUM(1)) running_squares (
        .clk(clk), .reset(reset), .valid(square_mark[2]), .first(square_mark[1]), .last(square_mark[0]), .x({32'd0, squares_most}),
        .done(squares_done), .y(squares_row));
    assign squares_single = square_mark == 3'b111;
    roma_delay #(.W(65), .N(ACROSS)) net_squares (
        .clk(clk), .d({squares_done & ~squares_single & ~reset, squares_row}), .q({sum_far_done, sum_far}));
    assign {sum_done, sum} = squares_single ? {1'b1, squares_row} : {sum_far_done, sum_far};
    roma_rms #(.INTERVAL(1)) row_rms (
        .clk(clk), .reset(reset), .start(rms_start | sum_done), .squares(rms_start ? rms_squares : sum),
        .largest(rms_start ? rms_largest : sum_largest), .inverse_n(rms_inverse_n), .epsilon(rms_epsilon), .done(inverse_done), .y(inverse));
    roma_fp_mul mul_scale (.clk(clk), .a(inverse_scale), .b(inverse), .y(scaled));
    roma_delay #(.W(1), .N(MUL)) delay_scaled (.clk(clk), .d(inverse_done & ~reset), .q(scaled_mark));
    assign scaled_done = scaled_mark;

    roma_fp_mul3 head (.clk(clk), .a(head_x), .b(head_inverse), .c(head_g), .y(head_y));
    roma_code code (.clk(clk), .x(code_x_in), .factor(code_factor), .codes(codes), .shift(shift));
    wire [51:0] key_most, key_row;
    roma_reduce #(.W(52)) reduce_key (.clk(clk), .x(keys), .y(key_most));
    roma_choice choice (.key(key_most), .id(choice_id), .is_nan(choice_nan), .is_none(choice_none));
    roma_delay #(.W(3), .N(RED)) delay_key (.clk(clk), .d({key_valid & ~reset, key_first, key_last}), .q(key_mark));
    roma_running #(.W(52)) running_key (
        .clk(clk), .reset(reset), .valid(key_mark[2]), .first(key_mark[1]), .last(key_mark[0]), .x(key_most), .done(key_done), .y(key_row));
    roma_choice row_choice (.key(key_row), .id(key_id), .is_nan(key_nan), .is_none(key_none));
endmodule
