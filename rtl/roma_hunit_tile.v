// H-Unit of a matrix tile (docs/numerics.md 4, docs/cost-model.md 1.7 and 1.9): CACHE and ATTEND by the program, with the pages of the cache in its
// SRAM. All H-Units of a KV head, and those of all heads, run alike.
//   kv, peak, peak_back, den, leaf, att, tok    channels, as in docs/hardware.md, "The chip"
//   load             what the host writes: valid, unit 16, address 32 in words of 8 bytes, data 64
//   attend_ends      with the last value of an attention, which took the L-Units too
// Adapters, which take the H-Unit when it is free, share its SRAM and its multiply-adds:
//   other_address, other_reads    a word for them, in the next cycle at sram_word
//   other_a, other_b, other_adds  operands; products and sum follow as of roma_mac
module roma_hunit_tile #(
    parameter LEADS = 1,  // the first H-Unit of its KV head
    parameter V = 1,
    parameter VL = 8,
    parameter U = 4,
    parameter KV = 2,
    parameter HEADS = 4,
    parameter HEAD_DIM = 8,
    parameter ROWS = 4,
    parameter BLOCK_ROWS = 2,
    parameter BLOCK_BITS = 1,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter DIV = 16,
    parameter FAR = 4,
    parameter REACH = 3,
    parameter LINK = 16,
    parameter MAC = 4,
    parameter WIDE = 8,
    parameter LAYERS = 2,
    parameter ROUNDS = 3,
    parameter SRAM = 8192,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter GROUP = HEADS / KV,
    parameter P = U / KV,
    parameter A = $clog2(SRAM / WIDE),
    parameter OUT = (V * VL + KV - 1) / KV,
    parameter KV_W = 12 + 32 * VL,
    parameter PEAK_W = 1 + 32 * GROUP,
    parameter DEN_W = 1 + 64 * GROUP,
    parameter LEAF_W = 2 + 8 * LINK,
    parameter ATT_W = 10 + 32 * OUT
) (
    input clk,
    input reset,
    input [15:0] unit,
    input [73:0] step,
    input [V*KV_W-1:0] kv,
    output [PEAK_W-1:0] o_peak,
    input [PEAK_W-1:0] i_peak,
    output [PEAK_W-1:0] o_peak_back,
    input [PEAK_W-1:0] i_peak_back,
    output [DEN_W-1:0] o_den,
    input [DEN_W-1:0] i_den,
    output [LEAF_W-1:0] o_leaf,
    input [P*LEAF_W-1:0] i_leaf,
    output [ATT_W-1:0] o_att,
    output [1:0] o_tok,
    input [112:0] load,
    output attend_ends,
    input other_reads,
    input [A-1:0] other_address,
    output [8*WIDE-1:0] sram_word,
    input other_adds,
    input [16*MAC-1:0] other_a,
    input [8*MAC-1:0] other_b,
    output [24*MAC-1:0] products,
    output [23+$clog2(MAC):0] sum
);
    localparam QUERIES = BLOCK_ROWS * GROUP > 1 ? BLOCK_ROWS * GROUP : 2, Q = $clog2(QUERIES), PARTS = HEAD_DIM / MAC, PART = PARTS > 1 ? $clog2(PARTS) : 1;
    localparam ROUND = ROUNDS > 1 ? $clog2(ROUNDS) : 1, ROW = BLOCK_ROWS > 1 ? $clog2(BLOCK_ROWS) : 1, G = GROUP > 1 ? $clog2(GROUP) : 1;
    localparam SEEN = $clog2(P) + 1, TAG = ROUND + ROW + G + PART + SEEN + 1, LINKED = LINK / 4, POWER = 1 << ($clog2(LINKED + 1) - 1);
    localparam LEAVES = POWER < MAC ? POWER : MAC, BEAT = MAC > LEAVES ? $clog2(MAC / LEAVES) : 1;
    localparam WAIT = $clog2(HEAD_DIM) + 16 + MUL + CONVERT, KEY = HEAD_DIM / WIDE, WRITES = 2 * KEY + 1;
    localparam PAGE = 64 * KEY + 256 / WIDE, LOG_P = $clog2(P), RUN = ROWS > 1 ? $clog2(ROWS) : 1;

    wire [7:0] of_head = unit[7:0] & ~(8'hff << LOG_P), head = unit[7:0] >> LOG_P;  // which of the head's units it is
    wire [7:0] unused_unit = unit[15:8];

    // ---- the step, and the operation whose words arrive ----
    wire go = step[73];
    reg [7:0] step_rows;
    reg logits;
    reg [15:0] positions[0:(1<<RUN)-1];
    wire [7:0] step_row = step[71:64] - 8'd1;
    always @(posedge clk)
        if (step[72]) begin
            if (step[71:64] == 8'd0) {logits, step_rows} <= step[8:0];
            else if (step_row < ROWS) positions[step_row[RUN-1:0]] <= step[15:0];
        end
    wire [319:0] record;
    wire unused_offers, unused_start, unused_over;
    wire [7:0] unused_before0, unused_before1;
    wire [15:0] number;  // of the record, and its block: whose words arrive
    wire [BLOCK_BITS-1:0] block;
    wire [7:0] rows_from, rows_count, row;
    wire kv_ends, unused_row_ends, is_query;
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00001800), .WAITS(0), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(step_rows), .logits(logits), .ended(1'b0), .ended_value(8'd0), .ended_block({BLOCK_BITS{1'b0}}),
        .free(kv_ends), .allowed(1'b1), .offers(unused_offers), .start(unused_start), .record(record), .number(number), .block(block),
        .rows_from(rows_from), .rows_count(rows_count), .before0(unused_before0), .before1(unused_before1), .over(unused_over));
    wire [23:0] layer = record[23:0];
    wire unused_fields = ^{number, block, step[63:16], record[287:24], rows_count[7:ROW+1], row[7:RUN], base_d[31:A], load_word[31:A]};
    reg [31:0] factor;
    always @(posedge clk) if (kv[KV_W-1] && is_query) factor <= record[319:288];
    wire [15:0] row_position = positions[row[RUN-1:0]], first_position = positions[rows_from[RUN-1:0]];

    // ---- codes ----
    wire cached, value_comes;
    wire [8*HEAD_DIM-1:0] key, value;
    wire [31:0] k_scale, v_scale, q_scale;
    wire [Q-1:0] query;
    wire [PART-1:0] part;
    wire [16*MAC-1:0] codes;
    roma_hunit_codes #(.V(V), .VL(VL), .KV(KV), .HEADS(HEADS), .HEAD_DIM(HEAD_DIM), .MAC(MAC), .BLOCK_ROWS(BLOCK_ROWS), .MUL(MUL), .CONVERT(CONVERT),
        .PART(PART)) arriving (
        .clk(clk), .reset(reset), .head(head), .kv(kv), .rows_from(rows_from), .factor(factor), .row_ends(unused_row_ends), .ends(kv_ends), .row(row),
        .is_query(is_query), .comes(value_comes), .cached(cached), .key(key), .value(value), .k_scale(k_scale), .v_scale(v_scale), .query(query), .part(part),
        .codes(codes), .q_scale(q_scale));

    // ---- a position's place: page by page over the units of the head, from another one in each layer ----
    wire [31:0] page = {21'd0, row_position[15:5]}, turned = {8'd0, layer} * P / LAYERS, holder = (page + turned) % P;
    wire [31:0] base_d = (page / P * LAYERS + {8'd0, layer}) * PAGE;
    wire is_mine_d, is_mine_late;
    wire [A-1:0] base_late;
    wire [4:0] at_late;
    assign is_mine_d = holder == {24'd0, of_head};
    roma_delay #(.W(A + 6), .N(WAIT)) late_place (
        .clk(clk), .d({is_mine_d, base_d[A-1:0], row_position[4:0]}), .q({is_mine_late, base_late, at_late}));
    reg is_mine;
    reg [A-1:0] base;
    reg [4:0] at;
    always @(posedge clk) if (value_comes) {is_mine, base, at} <= {is_mine_late, base_late, at_late};
    wire page_write;
    wire is_load = load[112] && load[111:96] == unit && load[95:92] == 4'd0;
    wire [WIDE/8-1:0] page_parts;
    wire [A-1:0] page_address, address;
    wire [8*WIDE-1:0] page_word;
    roma_page_write #(.HEAD_DIM(HEAD_DIM), .WIDE(WIDE), .A(A)) writing (
        .clk(clk), .reset(reset), .start(cached), .mine(is_mine), .base(base), .at(at), .key(key), .value(value), .k_scale(k_scale), .v_scale(v_scale),
        .write(page_write), .parts(page_parts), .address(page_address), .word(page_word));
    wire [31:0] load_at = {4'd0, load[91:64]}, load_word = load_at / (WIDE / 8), load_part = load_at % (WIDE / 8);
    wire reads;
    wire [A-1:0] pass_address;
    assign address = other_reads ? other_address : pass_address;
    roma_page_sram #(.WORDS(SRAM / WIDE), .WIDE(WIDE), .A(A)) sram (
        .clk(clk), .read(reads || other_reads), .address(address), .word(sram_word), .write(page_write || is_load),
        .write_parts(is_load ? {{(WIDE/8-1){1'b0}}, 1'b1} << load_part : page_parts), .write_address(is_load ? load_word[A-1:0] : page_address),
        .write_word(is_load ? {(WIDE/8){load[63:0]}} : page_word));

    // ---- attention ----
    wire asked = kv_ends && is_query;
    wire begins, leaf_done, row_values, frees;
    wire [7:0] rotation;
    wire [15:0] run_position;
    wire [ROW:0] run_rows;
    wire [16*MAC-1:0] pass_a;
    wire [8*MAC-1:0] pass_b;
    wire [32*MAC-1:0] leaves;
    wire [TAG-1:0] leaf_tag;
    roma_hunit_passes #(.HEAD_DIM(HEAD_DIM), .MAC(MAC), .WIDE(WIDE), .P(P), .BLOCK_ROWS(BLOCK_ROWS), .GROUP(GROUP), .LAYERS(LAYERS), .ROUNDS(ROUNDS),
        .A(A), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .FAR(FAR)) passes (
        .clk(clk), .reset(reset), .unit(of_head), .asked(asked), .layer(layer), .position(first_position), .count(rows_count[ROW:0]), .begins(begins),
        .rotation(rotation), .first_position(run_position), .rows(run_rows), .reads(reads), .address(pass_address), .word(sram_word), .query(query),
        .part(part), .codes(codes), .q_scale(q_scale), .mac_a(pass_a), .mac_b(pass_b), .mac_products(products), .mac_sum(sum), .o_peak(o_peak),
        .i_peak_back(i_peak_back), .o_den(o_den), .leaf_done(leaf_done), .leaves(leaves), .leaf_tag(leaf_tag), .row_values(row_values), .frees(frees),
        .ends(attend_ends));
    roma_mac #(.LANES(MAC), .MUL(MUL)) mac (
        .clk(clk), .a(other_adds ? other_a : pass_a), .b(other_adds ? other_b : pass_b), .products(products), .sum(sum));

    // ---- leaves leave ----
    wire sends_leaf;
    wire [32*LEAVES-1:0] leaf_word;
    wire [TAG-1:0] word_tag;
    wire [BEAT-1:0] beat;
    roma_leaf_queue #(.MAC(MAC), .WIDE(LEAVES), .TAG(TAG), .DEPTH(QUERIES * PARTS)) queue (
        .clk(clk), .reset(reset), .put(leaf_done), .leaves(leaves), .tag(leaf_tag), .valid(sends_leaf), .word(leaf_word), .word_tag(word_tag), .beat(beat));
    assign o_leaf[LEAF_W-1 -: 2] = {sends_leaf, sends_leaf};
    generate
        if (LEAVES < LINKED) begin : gen_fill
            assign o_leaf[LEAF_W-3:32*LEAVES] = {(32*(LINKED-LEAVES)){1'b0}};
        end
    endgenerate
    assign o_leaf[32*LEAVES-1:0] = leaf_word;

    // ---- what vector units must know of: the end of a CACHE, and when the next operation may begin ----
    wire cache_ended;
    roma_delay #(.W(1), .N(WAIT + WRITES - FAR)) late_cached (.clk(clk), .d(kv_ends && !is_query && !reset), .q(cache_ended));
    assign o_tok = {cache_ended, frees};

    // ---- the first unit of a head ----
    genvar u;
    generate
        if (LEADS != 0) begin : gen_first
            wire [32*LEAVES*P-1:0] all_leaves;
            for (u = 0; u < P; u = u + 1) begin : gen_unit
                assign all_leaves[32*LEAVES*u +: 32*LEAVES] = i_leaf[LEAF_W*u +: 32*LEAVES];
            end
            wire [TAG+BEAT-1:0] late_tag;
            roma_delay #(.W(TAG + BEAT), .N(REACH)) reach_tag (.clk(clk), .d({word_tag, beat}), .q(late_tag));
            reg [7:0] run_from;  // of the block whose last query was here
            always @(posedge clk) if (asked) run_from <= rows_from;
            roma_head_sums #(.HEAD_DIM(HEAD_DIM), .MAC(MAC), .P(P), .BLOCK_ROWS(BLOCK_ROWS), .GROUP(GROUP), .ROUNDS(ROUNDS), .LINK(LINK), .OUT(OUT),
                .CROSS((HEADS * HEAD_DIM + V * VL - 1) / (V * VL)),
                .WIDE(LEAVES), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .DIV(DIV), .REACH(REACH), .ROUND(ROUND), .ROW(ROW), .G(G), .PART(PART),
                .INTERVAL(GROUP > 2 ? 1 : 2), .SEEN(SEEN), .BEAT(BEAT)) sums (
                .clk(clk), .reset(reset), .begins(begins), .position(run_position), .count(run_rows), .rows_from(run_from), .first(rotation),
                .leaf(i_leaf[LEAF_W-1]), .tag(late_tag), .leaves(all_leaves), .den(i_den), .row_values(row_values), .att(o_att));
            assign o_peak_back = i_peak;
        end else begin : gen_other
            assign {o_peak_back, o_att} = {(PEAK_W+ATT_W){1'b0}};
        end
    endgenerate
endmodule
