// Attention of an H-Unit (docs/numerics.md 4, docs/cost-model.md 1.9): all but its multiply-adds (roma_mac, which adapters use too), its memories
// and the order in which these are read. QUERIES are the heads of the rows of a block that share a key.
//   clear              a pass begins: no maxima, sums 0
// First pass, keys: an operand a cycle, in any order of positions and queries.
//   key_...            with the operands of roma_mac, as roma_score has them; mac_sum is the sum of these
//   score              with score_done and score_query, for the score buffer
//   largest            of the scores of each query, FFFFFFFF where there is none
// Second pass, weights: query's page after query's page.
//   weigh_...          a score of the buffer, its query and the largest score of all H-Units, the last of its query's page, the slot and the place
//                      in the page that the weight gets; its v_scale follows ADD + EXP later, as in roma_weigh
//   ready, ready_slot  a slot's page is there from the next cycle on
//   sums               of the weights, 64 bits a query, ADD + EXP + CONVERT + 1 behind the last score
// Second pass, values: query's page after query's page; of each the LANES first dimensions of a head, then the next ones.
//   get_slot, get_at   a code is wanted, with which value_valid, value_first, value_last come: code is there 1 + CONVERT later, for all lanes of
//                      roma_mac, whose other operands are the position's values
//   leaf_done, ...     of roma_page_sum
module roma_attend #(
    parameter HEAD = 32,
    parameter LANES = 32,
    parameter QUERIES = 8,
    parameter SLOTS = 32,
    parameter BEATS = 4,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1
) (
    input clk,
    input reset,
    input clear,
    input key_valid, key_last,
    input [$clog2(QUERIES)-1:0] key_query,
    input [31:0] q_scale, k_scale,
    input [23+$clog2(LANES):0] mac_sum,
    output score_done,
    output [$clog2(QUERIES)-1:0] score_query,
    output [31:0] score,
    output [32*QUERIES-1:0] largest,
    input weigh_valid, weigh_last,
    input [$clog2(QUERIES)-1:0] weigh_query,
    input [$clog2(SLOTS)-1:0] weigh_slot,
    input [4:0] weigh_at,
    input [31:0] weigh_score, weigh_largest, v_scale,
    output ready,
    output [$clog2(SLOTS)-1:0] ready_slot,
    output [64*QUERIES-1:0] sums,
    input value_valid, value_first, value_last,
    input [$clog2(SLOTS)-1:0] get_slot,
    input [4:0] get_at,
    output [15:0] code,
    input [24*LANES-1:0] mac_products,
    output leaf_done,
    output [BEATS-1:0] leaf_beat, leaf_soon,
    output [32*LANES/BEATS-1:0] leaves
);
    localparam EXP = 8 * MUL + 8 * ADD + 2 * CONVERT;
    localparam Q = $clog2(QUERIES), S = $clog2(SLOTS);

    roma_score #(.HEAD(HEAD), .LANES(LANES), .MUL(MUL), .CONVERT(CONVERT), .HOP(HOP)) scores (
        .clk(clk), .reset(reset), .valid(key_valid), .last(key_last), .q_scale(q_scale), .k_scale(k_scale), .sum(mac_sum),
        .done(score_done), .score(score));
    roma_delay #(.W(Q), .N(2 * MUL + CONVERT + $clog2(HEAD) * HOP)) delay_query (.clk(clk), .d(key_query), .q(score_query));
    roma_score_max #(.QUERIES(QUERIES)) maxima (
        .clk(clk), .clear(clear), .valid(score_done), .query(score_query), .score(score), .largest(largest));

    wire fixed_valid, u_valid, page_done;
    wire [31:0] fixed, u;
    wire [30:0] most;
    roma_weigh #(.ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .HOP(HOP)) weights (
        .clk(clk), .reset(reset), .valid(weigh_valid), .last(weigh_last), .score(weigh_score), .largest(weigh_largest),
        .v_scale(v_scale), .fixed_valid(fixed_valid), .fixed(fixed), .u_valid(u_valid), .u(u), .done(page_done), .most(most));
    wire [Q-1:0] fixed_query;
    wire [S-1:0] put_slot, done_slot;
    wire [4:0] put_at;
    wire put_last;
    roma_delay #(.W(Q), .N(ADD + EXP + CONVERT)) delay_fixed (.clk(clk), .d(weigh_query), .q(fixed_query));
    roma_delay #(.W(S + 6), .N(ADD + EXP + MUL)) delay_put (
        .clk(clk), .d({weigh_valid & weigh_last & ~reset, weigh_slot, weigh_at}), .q({put_last, put_slot, put_at}));
    roma_delay #(.W(S + 1), .N(5 * HOP - 1)) delay_ready (.clk(clk), .d({put_last & ~reset, put_slot}), .q({ready, ready_slot}));
    roma_delay #(.W(S), .N(1)) delay_done (.clk(clk), .d(ready_slot), .q(done_slot));
    roma_denominator #(.QUERIES(QUERIES)) denominator (
        .clk(clk), .clear(clear), .valid(fixed_valid), .query(fixed_query), .amount({32'd0, fixed}), .sums(sums));

    wire [7:0] exponent;
    wire here, is_first, is_last;
    roma_page_code #(.SLOTS(SLOTS), .CONVERT(CONVERT)) codes (
        .clk(clk), .put(u_valid), .put_slot(put_slot), .put_at(put_at), .u(u), .done(page_done), .done_slot(done_slot), .most(most),
        .get_slot(get_slot), .get_at(get_at), .code(code), .exponent(exponent));
    roma_delay #(.W(3), .N(1 + CONVERT)) delay_value (
        .clk(clk), .d({value_valid & ~reset, value_first, value_last}), .q({here, is_first, is_last}));
    roma_page_sum #(.LANES(LANES), .BEATS(BEATS), .MUL(MUL), .CONVERT(CONVERT)) page (
        .clk(clk), .reset(reset), .valid(here), .first(is_first), .last(is_last), .exponent(exponent), .products(mac_products),
        .done(leaf_done), .beat(leaf_beat), .soon(leaf_soon), .leaves(leaves));
endmodule
