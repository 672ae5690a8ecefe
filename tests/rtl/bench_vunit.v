// What a vector unit has beyond arithmetic, for bench_vunit.cpp: blocks alone, and the passes of QUANTISE, NORM and HEAD_NORM of a unit of eight
// lanes, whose memory and control are the bench. The network between its tree and the root is a delay.
module bench_vunit (
    input clk,  // of passes
    input silu_clk, lane_clk, other_clk,  // of blocks alone
    input reset,
    // blocks alone
    input recip_start,
    input [30:0] recip_largest,
    output [28:0] square_y, square_slow_y,  // of the second pass's first operand; slow: a product of latency 6
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
    // with sum, product, conversion and hop of 4, 2, 3 and 2 cycles, quotients every 12
    output other_silu_done, other_rms_done, other_recip_done,
    output [31:0] other_silu_y, other_rms_y, other_factor, other_scale, other_relu2_y, other_rotate_a, other_rotate_b,
    output [63:0] other_codes,
    output [2:0] other_shift,
    // codes of a sub-group, alone and in the last pass
    input [255:0] code_x,
    input [31:0] code_factor,
    output [63:0] codes,
    output [2:0] shift,
    input heads,  // the passes are those of heads
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
    // argmax of eight lanes, cycle after cycle
    input key_valid, key_first, key_last,
    input [7:0] key_active,
    input [255:0] logits,
    input [15:0] first_id,  // an eighth of it
    output key_done,
    output [19:0] key_id,
    output key_nan, key_none
);
    localparam ACROSS = 4;  // cycles to the root and back
    localparam MUL = 3;

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

    wire [255:0] other_x;
    wire [31:0] other_code_factor, other_inverse_n, other_epsilon, other_gate, other_up, other_pair_a, other_pair_b, other_cosine, other_sine;
    wire [30:0] other_recip_largest, other_rms_largest;
    wire [63:0] other_squares;
    wire other_recip_start, other_rms_start, other_silu_start;
    hold #(.W(256 + 9 * 32 + 2 * 31 + 64 + 3)) hold_other (
        .clk(other_clk),
        .d({code_x, code_factor, rms_inverse_n, rms_epsilon, gate, up, pair_a, pair_b, cosine, sine, recip_largest, rms_largest, rms_squares,
            recip_start, rms_start, silu_start}),
        .q({other_x, other_code_factor, other_inverse_n, other_epsilon, other_gate, other_up, other_pair_a, other_pair_b, other_cosine,
            other_sine, other_recip_largest, other_rms_largest, other_squares, other_recip_start, other_rms_start, other_silu_start}));
    roma_silu #(.ADD(4), .MUL(2), .CONVERT(3)) other_silu (
        .clk(other_clk), .reset(reset), .start(other_silu_start), .gate(other_gate), .up(other_up), .done(other_silu_done),
        .y(other_silu_y));
    roma_rms #(.ADD(4), .MUL(2), .CONVERT(3), .INTERVAL(12)) other_rms (
        .clk(other_clk), .reset(reset), .start(other_rms_start), .squares(other_squares), .largest(other_rms_largest),
        .inverse_n(other_inverse_n), .epsilon(other_epsilon), .done(other_rms_done), .y(other_rms_y));
    roma_reciprocal #(.MUL(2), .INTERVAL(12)) other_reciprocal (
        .clk(other_clk), .reset(reset), .start(other_recip_start), .largest(other_recip_largest), .done(other_recip_done),
        .factor(other_factor), .scale(other_scale));
    roma_relu2 #(.MUL(2)) other_relu2 (.clk(other_clk), .gate(other_gate), .up(other_up), .y(other_relu2_y));
    roma_rotate #(.ADD(4), .MUL(2)) other_rotate (
        .clk(other_clk), .a(other_pair_a), .b(other_pair_b), .cosine(other_cosine), .sine(other_sine), .y_a(other_rotate_a),
        .y_b(other_rotate_b));
    roma_code #(.MUL(2), .CONVERT(3), .HOP(2)) other_code (
        .clk(other_clk), .x(other_x), .factor(other_code_factor), .codes(other_codes), .shift(other_shift));

    // ---- the passes ----
    genvar i;
    wire [255:0] pass_x_in, pass_g_in, square_x_in, code_x_in, logits_in;
    hold #(.W(5 * 256)) hold_pass (
        .clk(clk), .d({pass_x, pass_g, square_x, code_x, logits}), .q({pass_x_in, pass_g_in, square_x_in, code_x_in, logits_in}));
    roma_square square (.clk(clk), .x(square_x_in[31:0]), .exponent(square_exponent), .y(square_y));
    roma_square #(.MUL(6)) square_slow (.clk(clk), .x(square_x_in[31:0]), .exponent(square_exponent), .y(square_slow_y));
    wire [20*8-1:0] ids;
    generate
        for (i = 0; i < 8; i = i + 1) begin : gen_lane
            roma_fp_mul mul (.clk(clk), .a(pass_x_in[32*i+:32]), .b(pass_g_in[32*i+:32]), .y(product[32*i+:32]));
            assign ids[20*i+:20] = {1'b0, first_id, 3'd0} + i[19:0];
        end
    endgenerate

    // Heads stay in the unit, rows go to the root and back.
    wire [30:0] x_row, x_far, product_row, product_far;
    wire [2:0] product_mark;
    wire x_done, x_far_done, product_done, product_far_done;
    roma_largest largest_x (
        .clk(clk), .reset(reset), .valid(pass_valid), .first(pass_first), .last(pass_last), .x(pass_x_in), .done(x_done), .y(x_row));
    roma_delay #(.W(32), .N(ACROSS)) net_x (.clk(clk), .d({x_done & ~heads & ~reset, x_row}), .q({x_far_done, x_far}));
    assign {largest_done, largest} = heads ? {x_done, x_row} : {x_far_done, x_far};
    roma_delay #(.W(3), .N(MUL)) delay_product (
        .clk(clk), .d({pass_valid & pass_norm & ~reset, pass_first, pass_last}), .q(product_mark));
    roma_largest largest_product (
        .clk(clk), .reset(reset), .valid(product_mark[2]), .first(product_mark[1]), .last(product_mark[0]), .x(product),
        .done(product_done), .y(product_row));
    roma_delay #(.W(32), .N(ACROSS)) net_product (
        .clk(clk), .d({product_done & ~reset, product_row}), .q({product_far_done, product_far}));
    roma_reciprocal reciprocal (
        .clk(clk), .reset(reset), .start(recip_start | (pass_norm ? product_far_done : largest_done)),
        .largest(recip_start ? recip_largest : pass_norm ? product_far : largest), .done(factor_done), .factor(factor), .scale(scale));

    wire [63:0] squares_row, squares_far;
    wire squares_done, squares_far_done;
    roma_squares squares (
        .clk(clk), .reset(reset), .valid(square_valid), .first(square_first), .last(square_last), .x(square_x_in),
        .exponent(square_exponent), .done(squares_done), .y(squares_row));
    roma_delay #(.W(65), .N(ACROSS)) net_squares (
        .clk(clk), .d({squares_done & ~heads & ~reset, squares_row}), .q({squares_far_done, squares_far}));
    assign {sum_done, sum} = heads ? {squares_done, squares_row} : {squares_far_done, squares_far};
    roma_rms #(.INTERVAL(1)) rms (
        .clk(clk), .reset(reset), .start(rms_start | sum_done), .squares(rms_start ? rms_squares : sum),
        .largest(rms_start ? rms_largest : sum_largest), .inverse_n(rms_inverse_n), .epsilon(rms_epsilon), .done(inverse_done), .y(inverse));
    roma_fp_mul mul_scale (.clk(clk), .a(inverse_scale), .b(inverse), .y(scaled));
    roma_delay #(.W(1), .N(MUL)) delay_scaled (.clk(clk), .d(inverse_done & ~reset), .q(scaled_done));

    roma_fp_mul3 head (.clk(clk), .a(head_x), .b(head_inverse), .c(head_g), .y(head_y));
    roma_code code (.clk(clk), .x(code_x_in), .factor(code_factor), .codes(codes), .shift(shift));

    wire [51:0] key;
    roma_argmax argmax (
        .clk(clk), .reset(reset), .valid(key_valid), .first(key_first), .last(key_last), .active(key_active), .logits(logits_in),
        .ids(ids), .done(key_done), .key(key));
    roma_choice choice (.key(key), .id(key_id), .is_nan(key_nan), .is_none(key_none));
endmodule
