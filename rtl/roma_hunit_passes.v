// Attention of an H-Unit in the order of docs/cost-model.md 1.9: two walks over the pages of a layer, scores between them. All H-Units of a KV
// head run alike, position by position as the one with page 0 must; a position that a unit has not, or that a row does not see, has no part.
//   asked        the last query of a block is here; layer, position of its first row, count of rows come with it
//   begins       LEAD + 1 before the first value: what is told of a run stays until then
//   address      of the word that is wanted in the next cycle, while reads
//   query, part  whose codes are wanted in this one
//   peaks        largest scores, to and from all units of the head, a row a cycle: valid, G keys that compare unsigned. A row's first weight
//                may come in the cycle after its key
//   den          sums of weights, a row a cycle
//   leaf_...     of a query's page and part: MAC FP32, with the page's round, row, head, what pages of the round the row sees; the row's last
//   frees        FAR before the last value; ends: with it. row_values: with a row's last value
module roma_hunit_passes #(
    parameter HEAD_DIM = 8,
    parameter MAC = 4,
    parameter WIDE = 8,
    parameter P = 2,
    parameter BLOCK_ROWS = 2,
    parameter GROUP = 2,
    parameter LAYERS = 2,
    parameter ROUNDS = 3,
    parameter A = 10,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter FAR = 4,
    parameter QUERIES = BLOCK_ROWS * GROUP > 1 ? BLOCK_ROWS * GROUP : 2,
    parameter Q = $clog2(QUERIES),
    parameter PARTS = HEAD_DIM / MAC,
    parameter PART = PARTS > 1 ? $clog2(PARTS) : 1,
    parameter ROUND = ROUNDS > 1 ? $clog2(ROUNDS) : 1,
    parameter ROW = BLOCK_ROWS > 1 ? $clog2(BLOCK_ROWS) : 1,
    parameter G = GROUP > 1 ? $clog2(GROUP) : 1,
    parameter SEEN = $clog2(P) + 1,
    parameter PEAK_W = 1 + 32 * GROUP,
    parameter DEN_W = 1 + 64 * GROUP,
    parameter TAG = ROUND + ROW + G + PART + SEEN + 1
) (
    input clk,
    input reset,
    input [7:0] unit,  // of the head
    input asked,
    input [23:0] layer,
    input [15:0] position,
    input [ROW:0] count,
    output begins,
    output [7:0] rotation,
    output reg [15:0] first_position,
    output reg [ROW:0] rows,
    output reads,
    output [A-1:0] address,
    input [8*WIDE-1:0] word,
    output [Q-1:0] query,
    output [PART-1:0] part,
    input [16*MAC-1:0] codes,
    input [31:0] q_scale,
    output [16*MAC-1:0] mac_a,
    output [8*MAC-1:0] mac_b,
    input [24*MAC-1:0] mac_products,
    input [23+$clog2(MAC):0] mac_sum,
    output [PEAK_W-1:0] o_peak,
    input [PEAK_W-1:0] i_peak_back,
    output [DEN_W-1:0] o_den,
    output leaf_done,
    output [32*MAC-1:0] leaves,
    output [TAG-1:0] leaf_tag,
    output row_values,
    output frees,
    output ends
);
    localparam KEY = HEAD_DIM / WIDE, PAIRS = WIDE / 8, PAGE = 64 * KEY + 32 / PAIRS, EACH = WIDE / MAC;
    localparam WAIT = $clog2(HEAD_DIM) + 16 + MUL + CONVERT, SCORE = 2 * MUL + CONVERT + $clog2(HEAD_DIM);
    localparam EXP = 8 * MUL + 8 * ADD + 2 * CONVERT, WEIGH = 9 * ADD + 9 * MUL + 3 * CONVERT + 5;
    localparam LEAD = FAR > 1 + CONVERT ? FAR : 1 + CONVERT, S = $clog2(2 * QUERIES + 3), SLOTS = 1 << S;
    localparam GROUPS = 32 / PAIRS;  // of positions whose scales share a word
    localparam AT = ROUND + 5;       // bits of a position's place

    // ---- the run ----
    reg [23:0] layer_now;
    reg [7:0] own;  // the unit has page own of each round's P pages
    wire [31:0] turned = {8'd0, layer} * P / LAYERS % P;
    reg [7:0] off;
    wire [31:0] own_d = ({24'd0, unit} + P - turned) % P;
    wire unused_turned = ^{turned[31:8], own_d[31:8]};
    assign rotation = off;
    always @(posedge clk)
        if (asked) begin
            {layer_now, first_position, rows, off} <= {layer, position, count, turned[7:0]};
            own <= own_d[7:0];
        end
    // A function has all that it reads in its arguments: a simulator calls it anew when these change.
    function [31:0] word_of(input [23:0] of_layer, input [ROUND-1:0] round, input [31:0] place);
        word_of = ({{(32-ROUND){1'b0}}, round} * LAYERS + {8'd0, of_layer}) * PAGE + place;
    endfunction
    function is_there(input [7:0] page, input [15:0] here, input [15:0] from, input [ROW-1:0] row);
        is_there = here + {3'd0, page, 5'd0} <= from + {{(16-ROW){1'b0}}, row};
    endfunction
    function [31:0] query_of(input [ROW-1:0] row, input [G-1:0] head);
        query_of = {{(32-ROW){1'b0}}, row} * GROUP + {{(32-G){1'b0}}, head};
    endfunction

    // ---- keys: an item's word is asked for, and is an operand in the next cycle ----
    wire fetches, key_starts;
    roma_delay #(.W(1), .N(WAIT - 1)) late_asked (.clk(clk), .d(asked && !reset), .q(fetches));
    roma_delay #(.W(1), .N(1)) late_fetch (.clk(clk), .d(fetches && !reset), .q(key_starts));
    wire key_valid, key_first, key_last;
    wire [ROUND-1:0] key_round, key_next_round;
    wire [15:0] key_here;
    wire [ROW-1:0] key_row;
    wire [G-1:0] key_head;
    wire [PART-1:0] key_part;
    wire [4:0] key_next_at;
    roma_key_walk #(.PARTS(PARTS), .GROUP(GROUP), .P(P), .ROUND(ROUND), .ROW(ROW), .G(G), .PART(PART)) keys (
        .clk(clk), .reset(reset), .start(key_starts), .position(first_position), .count(rows), .valid(key_valid), .round(key_round), .here(key_here),
        .row(key_row), .head(key_head), .part(key_part), .first(key_first), .next_round(key_next_round), .next_at(key_next_at), .last(key_last));
    // The scales of the next positions are read while a word has another part, or else with a position's second query.
    wire [31:0] key_parts = {{(32-PART){1'b0}}, key_part};
    wire key_reads = key_valid && key_first && key_parts % EACH == 0;
    reg was_first;  // the item before was the position's first query
    always @(posedge clk) was_first <= key_valid && key_first;
    wire has_room = EACH > 1 ? key_first && key_parts == 1 : was_first && !key_first;
    wire takes_scales = fetches || key_valid && has_room && {27'd0, key_next_at} % PAIRS == 0;
    wire [ROUND-1:0] scale_round = fetches ? {ROUND{1'b0}} : key_next_round;
    wire [4:0] scale_at = fetches ? 5'd0 : key_next_at;

    reg op, op_reads, op_first, op_last, op_ends, op_there, op_scales, scales_turn, scales_old;
    reg [Q-1:0] op_query;
    reg [PART-1:0] op_part;
    reg [AT-1:0] op_at, op_scale_at;
    wire [31:0] key_query = query_of(key_row, key_head);
    wire unused_key_query = ^key_query[31:Q];
    always @(posedge clk) begin
        {op, op_first, op_last} <= {key_valid, key_first, key_last};
        op_ends <= key_parts == PARTS - 1;
        op_reads <= key_reads;
        op_there <= is_there(own, key_here, first_position, key_row);
        {op_query, op_part, op_at} <= {key_query[Q-1:0], key_part, key_round, key_here[4:0]};
        {op_scales, op_scale_at} <= {takes_scales && !reset, scale_round, scale_at};
    end
    // Two words of scales: of the positions at work and of the next ones, turn by turn.
    reg [64*PAIRS-1:0] pairs0, pairs1;
    wire enters = op && op_first && op_part == {PART{1'b0}} && {27'd0, op_at[4:0]} % PAIRS == 0;
    wire unused_pair = ^pair[63:32];
    wire turn = enters ? !scales_old : scales_old;
    wire [63:0] pair = turn ? pairs1[64*({27'd0, op_at[4:0]} % PAIRS) +: 64] : pairs0[64*({27'd0, op_at[4:0]} % PAIRS) +: 64];
    always @(posedge clk) begin
        if (asked) {scales_turn, scales_old} <= 2'b01;
        else begin
            scales_old <= turn;
            scales_turn <= scales_turn ^ op_scales;
        end
        if (op_scales && !scales_turn) pairs0 <= word[64*PAIRS-1:0];
        if (op_scales && scales_turn) pairs1 <= word[64*PAIRS-1:0];
    end
    reg [8*HEAD_DIM-1:0] kept;  // the key, for further parts of a word and further queries
    wire [31:0] op_word = {{(32-PART){1'b0}}, op_part} / EACH;
    wire [8*MAC-1:0] key = op_reads ? word[8*MAC-1:0] : kept[8*MAC*op_part +: 8*MAC];
    always @(posedge clk) if (op_reads) kept[8*WIDE*op_word +: 8*WIDE] <= word;
    assign {query, part} = {op_query, op_part};

    // ---- scores, and the largest ----
    wire score_done, score_ends, sends_peaks;
    wire [Q-1:0] score_query;
    wire [31:0] score;
    wire [AT-1:0] score_at;
    wire [32*QUERIES-1:0] largest;
    roma_delay #(.W(AT), .N(SCORE)) late_at (.clk(clk), .d(op_at), .q(score_at));
    roma_delay #(.W(1), .N(SCORE + 1)) late_last (.clk(clk), .d(op_last && !reset), .q(score_ends));
    reg [31:0] scores[0:(QUERIES << AT)-1];
    always @(posedge clk) if (score_done) scores[{score_query, score_at}] <= score;
    reg [ROW:0] peak_row, back_row, den_row;
    reg peaks;
    assign sends_peaks = score_ends || peaks;
    wire [ROW:0] peak_now = score_ends ? {(ROW+1){1'b0}} : peak_row;
    genvar i;
    generate
        for (i = 0; i < GROUP; i = i + 1) begin : gen_peak
            wire [31:0] mine = largest[32*({{(31-ROW){1'b0}}, peak_now}*GROUP + i) +: 32];
            assign o_peak[32*i +: 32] = sends_peaks ? (mine[31] ? ~mine : {1'b1, mine[30:0]}) : 32'd0;
        end
    endgenerate
    assign o_peak[PEAK_W-1] = sends_peaks;
    always @(posedge clk) begin
        peaks <= sends_peaks && peak_now + {{ROW{1'b0}}, 1'b1} != rows && !reset;
        peak_row <= peak_now + {{ROW{1'b0}}, 1'b1};
    end
    reg [32*GROUP-1:0] all_peaks[0:BLOCK_ROWS-1];
    wire peak_comes = i_peak_back[PEAK_W-1];
    always @(posedge clk) begin
        back_row <= reset || asked ? {(ROW+1){1'b0}} : peak_comes ? back_row + {{ROW{1'b0}}, 1'b1} : back_row;
        if (peak_comes) all_peaks[back_row[ROW-1:0]] <= i_peak_back[32*GROUP-1:0];
    end

    // ---- weights ----
    wire weigh_starts = peak_comes && back_row == {(ROW+1){1'b0}};
    wire w_valid, unused_w_first, w_ends, unused_w_query, w_row_ends, w_round_ends, unused_w_last;
    wire [ROUND-1:0] w_round;
    wire [15:0] w_here;
    wire [ROW-1:0] w_row;
    wire [G-1:0] w_head;
    wire [PART-1:0] unused_w_part;
    wire [SEEN-1:0] unused_w_pages;
    wire unused_w_last_page, has_slot;
    roma_page_walk #(.PARTS(1), .GROUP(GROUP), .P(P), .ROUND(ROUND), .ROW(ROW), .G(G), .PART(PART), .SEEN(SEEN)) weights (
        .clk(clk), .reset(reset), .start(weigh_starts), .steps(has_slot), .position(first_position), .count(rows), .valid(w_valid), .round(w_round),
        .here(w_here), .row(w_row), .head(w_head), .part(unused_w_part), .pages(unused_w_pages), .last_page(unused_w_last_page), .first(unused_w_first), .ends(w_ends),
        .ends_query(unused_w_query), .ends_row(w_row_ends), .ends_round(w_round_ends), .last(unused_w_last));
    wire [32*GROUP-1:0] row_peaks = peak_comes && back_row[ROW-1:0] == w_row ? i_peak_back[32*GROUP-1:0] : all_peaks[w_row];
    wire [31:0] peak = row_peaks[32*w_head +: 32];
    wire [31:0] w_query = query_of(w_row, w_head);
    wire unused_w_query_high = ^w_query[31:Q];
    reg weighs, weigh_ends, weigh_row_ends, weigh_there, first_round_ends;
    reg [Q-1:0] weigh_query;
    reg [31:0] weigh_score, weigh_largest;
    reg [AT-1:0] weigh_at;
    reg [S-1:0] weigh_slot;
    always @(posedge clk) begin
        weighs <= w_valid;
        {weigh_ends, weigh_row_ends} <= {w_ends, w_valid && w_row_ends};
        first_round_ends <= w_valid && w_round_ends && w_round == {ROUND{1'b0}};
        weigh_there <= is_there(own, w_here, first_position, w_row);
        weigh_query <= w_query[Q-1:0];
        weigh_score <= scores[{w_query[Q-1:0], w_round, w_here[4:0]}];
        weigh_largest <= peak[31] ? {1'b0, peak[30:0]} : ~peak;
        weigh_at <= {w_round, w_here[4:0]};
        weigh_slot <= reset || asked ? {S{1'b0}} : weighs && weigh_ends ? weigh_slot + {{(S-1){1'b0}}, 1'b1} : weigh_slot;
    end
    wire v_there;
    wire [AT-1:0] v_at;
    roma_delay #(.W(AT + 1), .N(ADD + EXP - 1)) late_v (.clk(clk), .d({weigh_there, weigh_at}), .q({v_there, v_at}));
    localparam VS = $clog2(ROUNDS * GROUPS);
    reg [32*PAIRS-1:0] v_scales[0:(1<<VS)-1];
    wire unused_words = ^{v_word[31:VS], put_word[31:VS]};
    reg [31:0] v_scale;
    wire [31:0] v_word = {{(32-AT){1'b0}}, v_at} / PAIRS, put_word = {{(32-AT){1'b0}}, op_scale_at} / PAIRS;
    wire [32*PAIRS-1:0] v_now = v_scales[v_word[VS-1:0]];
    wire [32*PAIRS-1:0] its_v;
    generate
        for (i = 0; i < PAIRS; i = i + 1) begin : gen_v
            assign its_v[32*i +: 32] = word[64*i + 32 +: 32];
        end
    endgenerate
    always @(posedge clk) begin
        if (op_scales) v_scales[put_word[VS-1:0]] <= its_v;
        v_scale <= v_there ? v_now[32*({{(32-AT){1'b0}}, v_at} % PAIRS) +: 32] : 32'd0;
    end
    wire den_goes;
    roma_delay #(.W(1), .N(ADD + EXP + CONVERT + 1)) late_den (.clk(clk), .d(weigh_row_ends && !reset), .q(den_goes));
    wire [64*QUERIES-1:0] sums;
    always @(posedge clk) den_row <= reset || asked ? {(ROW+1){1'b0}} : den_goes ? den_row + {{ROW{1'b0}}, 1'b1} : den_row;
    assign o_den = {den_goes, den_goes ? sums[64*GROUP*den_row +: 64*GROUP] : {(64*GROUP){1'b0}}};

    // ---- values: an item is known LEAD before its operand ----
    wire value_starts;
    roma_delay #(.W(1), .N(WEIGH - LEAD)) late_value (.clk(clk), .d(first_round_ends && !reset), .q(value_starts));
    assign begins = value_starts;
    wire x_valid, x_first, x_ends, x_query_ends, x_row_ends, unused_x_round, x_last;
    wire [ROUND-1:0] x_round;
    wire [15:0] x_here;
    wire [ROW-1:0] x_row;
    wire [G-1:0] x_head;
    wire [PART-1:0] x_part;
    wire [SEEN-1:0] x_pages;
    wire x_last_page;
    roma_page_walk #(.PARTS(PARTS), .GROUP(GROUP), .P(P), .ROUND(ROUND), .ROW(ROW), .G(G), .PART(PART), .SEEN(SEEN)) values (
        .clk(clk), .reset(reset), .start(value_starts), .steps(1'b1), .position(first_position), .count(rows), .valid(x_valid), .round(x_round),
        .here(x_here), .row(x_row), .head(x_head), .part(x_part), .pages(x_pages), .last_page(x_last_page), .first(x_first), .ends(x_ends), .ends_query(x_query_ends),
        .ends_row(x_row_ends), .ends_round(unused_x_round), .last(x_last));
    reg [S-1:0] x_slot;
    always @(posedge clk) x_slot <= reset || asked ? {S{1'b0}} : x_valid && x_query_ends ? x_slot + {{(S-1){1'b0}}, 1'b1} : x_slot;
    // the code is wanted
    wire get, get_first, get_ends;
    wire [S-1:0] get_slot;
    wire [4:0] get_at;
    roma_delay #(.W(8 + S), .N(LEAD - 1 - CONVERT)) late_get (
        .clk(clk), .d({x_valid, x_first, x_ends, x_slot, x_here[4:0]}), .q({get, get_first, get_ends, get_slot, get_at}));
    // the value is asked for
    wire ask;
    wire [AT-1:0] ask_at;
    wire [PART-1:0] ask_part;
    wire [TAG-1:0] ask_tag;
    wire ask_there, ask_query_ends, ask_row_ends, ask_last;
    roma_delay #(.W(5 + AT + PART + TAG), .N(LEAD - 1)) late_ask (
        .clk(clk), .d({x_valid, is_there(own, x_here, first_position, x_row), x_query_ends, x_valid && x_row_ends, x_last, x_round, x_here[4:0], x_part,
            x_round, x_row, x_head, x_part, x_pages, x_last_page}),
        .q({ask, ask_there, ask_query_ends, ask_row_ends, ask_last, ask_at, ask_part, ask_tag}));
    reg take, take_there, take_query_ends, take_row_ends, take_last;
    reg [PART-1:0] take_part;
    reg [TAG-1:0] take_tag;
    always @(posedge clk)
        {take, take_there, take_query_ends, take_row_ends, take_last, take_part, take_tag} <=
            {ask && !reset, ask_there, ask_query_ends, ask_row_ends && !reset, ask_last && !reset, ask_part, ask_tag};
    assign {row_values, ends} = {take_row_ends, take_last};
    roma_delay #(.W(1), .N(LEAD - FAR)) late_frees (.clk(clk), .d(x_last && !reset), .q(frees));
    wire [31:0] take_each = {{(32-PART){1'b0}}, take_part} % EACH;
    wire [8*MAC-1:0] value = word[8*MAC*take_each +: 8*MAC];
    roma_delay #(.W(TAG), .N(MUL + 2 + CONVERT)) late_tag (.clk(clk), .d(take_tag), .q(leaf_tag));

    // a page of weights keeps its slot until it has been read
    generate
        if (PARTS > 1) begin : gen_slots
            reg [S:0] used;
            wire gives = take && take_query_ends, gets = w_valid && w_ends;
            always @(posedge clk)
                used <= reset || asked ? {(S+1){1'b0}} : used + {{S{1'b0}}, gets} - {{S{1'b0}}, gives};
            assign has_slot = used < SLOTS - 1;
        end else begin : gen_enough
            wire unused_query_ends = take_query_ends;
            assign has_slot = 1'b1;
        end
    endgenerate

    // ---- words of the SRAM ----
    wire [31:0] key_place = {27'd0, key_here[4:0]} * KEY + key_parts / EACH;
    wire [31:0] value_place = 32 * KEY + {27'd0, ask_at[4:0]} * KEY + {{(32-PART){1'b0}}, ask_part} / EACH;
    wire [31:0] scale_place = 64 * KEY + {27'd0, scale_at} / PAIRS;
    assign reads = ask || takes_scales || key_reads;
    wire [31:0] wanted = ask ? word_of(layer_now, ask_at[AT-1:5], value_place) : takes_scales ? word_of(layer_now, scale_round, scale_place) : word_of(layer_now, key_round, key_place);
    wire unused_wanted = ^wanted[31:A];
    assign address = wanted[A-1:0];

    // ---- the datapath ----
    wire [15:0] code;
    wire unused_ready, unused_beat, unused_soon;
    wire [S-1:0] unused_slot;
    assign mac_a = take ? {MAC{code}} : codes;
    assign mac_b = (take ? value : key) & {(8*MAC){take ? take_there : op && op_there}};
    roma_attend #(.HEAD(HEAD_DIM), .LANES(MAC), .QUERIES(QUERIES), .SLOTS(SLOTS), .BEATS(1), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT)) attend (
        .clk(clk), .reset(reset), .clear(asked || reset), .key_valid(op && op_there), .key_last(op_ends), .key_query(op_query), .q_scale(q_scale),
        .k_scale(pair[31:0]), .mac_sum(mac_sum), .score_done(score_done), .score_query(score_query), .score(score), .largest(largest),
        .weigh_valid(weighs), .weigh_last(weigh_ends), .weigh_query(weigh_query), .weigh_slot(weigh_slot), .weigh_at(weigh_at[4:0]),
        .weigh_score(weigh_there ? weigh_score : 32'hFF800000), .weigh_largest(weigh_largest), .v_scale(v_scale), .ready(unused_ready),
        .ready_slot(unused_slot), .sums(sums), .value_valid(get), .value_first(get_first), .value_last(get_ends), .get_slot(get_slot),
        .get_at(get_at), .code(code), .mac_products(mac_products), .leaf_done(leaf_done), .leaf_beat(unused_beat), .leaf_soon(unused_soon),
        .leaves(leaves));
endmodule
