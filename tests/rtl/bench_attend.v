// The integer attention unit of an H-Unit, for bench_attend.cpp: its blocks alone, and a unit with multiply-adds, tree of pages and last products.
module bench_attend #(
    parameter LANES = 16,
    parameter HEAD = 8 * LANES
) (
    input clk,
    input head_clk,  // of the blocks alone
    input reset,
    // blocks alone
    input [15:0] mul_a,
    input [7:0] mul_b,
    output [23:0] mul_y,
    output [5*24-1:0] mul_all,  // latencies 0 to 4, delayed to the largest
    input [1:0] head_valid, head_last,
    input [63:0] head_x,
    output [1:0] head_done,
    output [15:0] head8_codes,
    output [31:0] head16_codes,
    output [63:0] head_scale,
    input sum_clear, sum_valid,
    input [2:0] sum_query, sum_which,
    input [63:0] sum_amount,
    input sum_start,
    output sum_done,
    output [31:0] sum_inverse,
    // the unit
    input clear,
    input [16*LANES-1:0] mac_a,
    input [8*LANES-1:0] mac_b,
    input is_value,  // mac_a is the unit's code
    input key_valid, key_last,
    input [2:0] key_query,
    input [31:0] q_scale, k_scale,
    output score_done,
    output [2:0] score_query,
    output [31:0] score,
    output [255:0] largest,
    input weigh_valid, weigh_last,
    input [2:0] weigh_query,
    input [4:0] weigh_slot, weigh_at,
    input [31:0] weigh_score, weigh_largest, v_scale,
    output ready,
    output [4:0] ready_slot,
    output [511:0] sums,
    input divide,
    input [63:0] divide_sum,
    output inverse_done,
    output [31:0] inverse,
    input value_valid, value_first, value_last,
    input [4:0] get_slot, get_at,
    output [15:0] code,
    output leaf_done,
    output [3:0] leaf_beat, leaf_soon,
    output [8*LANES-1:0] leaves,
    input tree_valid, tree_last,
    input [2:0] tree_page,
    input [7:0] tree_row,
    input [1:0] tree_levels,
    output tree_done,
    output [7:0] tree_done_row,
    output [8*LANES-1:0] tree_y,
    input [31:0] product_x, product_inverse,
    output [31:0] product_y
);
    localparam TAKE = LANES / 4;
    genvar i;
    generate
        for (i = 0; i <= 4; i = i + 1) begin : gen_mul
            wire [23:0] early;
            roma_int_mul #(.LATENCY(i)) mul_i (.clk(head_clk), .a(mul_a), .b(mul_b), .y(early));
            roma_delay #(.W(24), .N(4 - i)) late (.clk(head_clk), .d(early), .q(mul_all[24*i+:24]));
        end
    endgenerate
    roma_int_mul mul (.clk(head_clk), .a(mul_a), .b(mul_b), .y(mul_y));
    roma_fp_mul last_mul (.clk(clk), .a(product_x), .b(product_inverse), .y(product_y));
    roma_head_code #(.LANES(2), .INTERVAL(12)) head8 (
        .clk(head_clk), .reset(reset), .valid(head_valid[0]), .last(head_last[0]), .x(head_x), .factor(32'd0), .done(head_done[0]),
        .codes(head8_codes), .scale(head_scale[31:0]));
    roma_head_code #(.BITS(16), .HEAD(128), .LANES(2), .INTERVAL(12)) head16 (
        .clk(head_clk), .reset(reset), .valid(head_valid[1]), .last(head_last[1]), .x(head_x), .factor(32'h3DB504F3),
        .done(head_done[1]), .codes(head16_codes), .scale(head_scale[63:32]));
    wire [511:0] all_sums;
    roma_denominator denominator (
        .clk(head_clk), .clear(sum_clear), .valid(sum_valid), .query(sum_query), .amount(sum_amount), .sums(all_sums));
    roma_inverse alone (
        .clk(head_clk), .reset(reset), .start(sum_start), .sum(all_sums[64*sum_which+:64]), .done(sum_done), .y(sum_inverse));

    wire [16*LANES-1:0] a;
    wire [8*LANES-1:0] b;
    wire takes_code;
    hold #(.W(24 * LANES + 1)) hold_operands (.clk(clk), .d({mac_a, mac_b, is_value}), .q({a, b, takes_code}));
    wire [24*LANES-1:0] products;
    wire [23+$clog2(LANES):0] sum;
    roma_mac #(.LANES(LANES)) mac (.clk(clk), .a(takes_code ? {LANES{code}} : a), .b(b), .products(products), .sum(sum));
    roma_attend #(.HEAD(HEAD), .LANES(LANES)) unit (
        .clk(clk), .reset(reset), .clear(clear), .key_valid(key_valid), .key_last(key_last), .key_query(key_query), .q_scale(q_scale),
        .k_scale(k_scale), .mac_sum(sum), .score_done(score_done), .score_query(score_query), .score(score), .largest(largest),
        .weigh_valid(weigh_valid), .weigh_last(weigh_last), .weigh_query(weigh_query), .weigh_slot(weigh_slot), .weigh_at(weigh_at),
        .weigh_score(weigh_score), .weigh_largest(weigh_largest), .v_scale(v_scale), .ready(ready), .ready_slot(ready_slot), .sums(sums),
        .value_valid(value_valid),
        .value_first(value_first), .value_last(value_last), .get_slot(get_slot), .get_at(get_at), .code(code), .mac_products(products),
        .leaf_done(leaf_done), .leaf_beat(leaf_beat), .leaf_soon(leaf_soon), .leaves(leaves));
    roma_inverse quotient (.clk(clk), .reset(reset), .start(divide), .sum(divide_sum), .done(inverse_done), .y(inverse));
    roma_page_tree #(.LANES(TAKE), .ROWS(256), .LEVELS(3)) tree (
        .clk(clk), .reset(reset), .valid(tree_valid), .last(tree_last), .page(tree_page), .row(tree_row), .leaf(leaves),
        .levels(tree_levels), .done(tree_done), .done_row(tree_done_row), .y(tree_y));
endmodule
