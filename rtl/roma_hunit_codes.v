// What arrives for an H-Unit (docs/numerics.md 4, step 1): keys and values of its KV head become codes for a page, queries become codes that the
// first pass of attention reads. A head is quantised whole, however many words of the channel it takes.
//   kv           V slices: valid, last, what 2 (0 key and value, 1 query), row 8, VL FP32. A row's keys come before its values
//   head         the unit's KV head; rows_from: the first row of the block
//   factor       of queries, 1/sqrt(HEAD_DIM)
//   row_ends     the last word of a row's values, or of its queries, is here; ends: of the block's rows
//   comes        a position's key and value are there in the next cycle: WAIT behind the value's word
//   cached       they are there, and stay until the next one's
//   codes        MAC codes of part `part` of query `query`, with its scale; they are there WAIT + 1 behind row_ends
// WAIT = red(d) + 16 + MUL + CONVERT, of docs/cost-model.md 1.7 and 1.9.
module roma_hunit_codes #(
    parameter V = 1,
    parameter VL = 8,
    parameter KV = 2,
    parameter HEADS = 4,
    parameter HEAD_DIM = 8,
    parameter MAC = 4,
    parameter BLOCK_ROWS = 2,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter GROUP = HEADS / KV,
    parameter QUERIES = BLOCK_ROWS * GROUP > 1 ? BLOCK_ROWS * GROUP : 2,
    parameter Q = $clog2(QUERIES),
    parameter PART = 1,
    parameter KV_W = 12 + 32 * VL
) (
    input clk,
    input reset,
    input [7:0] head,
    input [V*KV_W-1:0] kv,
    input [7:0] rows_from,
    input [31:0] factor,
    output row_ends,
    output ends,
    output [7:0] row,
    output is_query,
    output comes,
    output reg cached,
    output reg [8*HEAD_DIM-1:0] key, value,
    output reg [31:0] k_scale, v_scale,
    input [Q-1:0] query,
    input [PART-1:0] part,
    output [16*MAC-1:0] codes,
    output [31:0] q_scale
);
    localparam ALL = V * VL, BEATS = HEAD_DIM > ALL ? HEAD_DIM / ALL : 1;  // words of a head
    localparam SLOTS = ALL > HEAD_DIM ? ALL / HEAD_DIM : 1;                 // heads of a word
    localparam KEYS = (KV * HEAD_DIM + ALL - 1) / ALL, QUERY_WORDS = (HEADS * HEAD_DIM + ALL - 1) / ALL, W = 32 * HEAD_DIM;
    localparam WAIT = $clog2(HEAD_DIM) + 16 + MUL + CONVERT;
    localparam APART = KEYS > 1 ? 2 : 1;  // cycles between a head's key and its value, at least
    localparam EVERY = BEATS >= 4 ? 4 : BEATS >= 2 ? 2 : 1;

    // ---- words ----
    wire valid = kv[KV_W-1];
    assign ends = valid && kv[KV_W-2];
    assign is_query = kv[KV_W-4];
    assign row = kv[KV_W-5 -: 8];
    wire unused_what = kv[KV_W-3];
    reg [15:0] word;
    wire [15:0] last_word = is_query ? QUERY_WORDS - 1 : 2 * KEYS - 1;
    assign row_ends = valid && word == last_word;
    always @(posedge clk) word <= reset || row_ends ? 16'd0 : valid ? word + 16'd1 : word;
    wire is_value = word >= KEYS;
    wire [15:0] of_vector = !is_query && is_value ? word - KEYS : word, heads_before = of_vector / BEATS * SLOTS;
    wire whole = valid && of_vector % BEATS == BEATS - 1;  // a head, or SLOTS of them, are here
    wire [32*ALL-1:0] x;
    genvar v, s;
    generate
        for (v = 0; v < V; v = v + 1) begin : gen_unit
            assign x[32*VL*v +: 32*VL] = kv[KV_W*v +: 32*VL];
            wire unused_marks = ^kv[KV_W*v + 32*VL +: 12];
        end
    endgenerate
    wire [W*SLOTS-1:0] full;
    generate
        if (BEATS > 1) begin : gen_collect
            reg [W-32*ALL-1:0] collected;
            assign full = {x, collected};
            always @(posedge clk) if (valid) collected <= full[W-1:32*ALL];
        end else begin : gen_whole
            assign full = x;
        end
    endgenerate

    // ---- keys and values ----
    wire [15:0] slot = {8'd0, head} - heads_before;
    wire is_own = slot < SLOTS;
    wire [W-1:0] own = full[W*(is_own ? slot : 16'd0) +: W];
    wire coded, coded_value;
    wire [8*HEAD_DIM-1:0] narrow, narrow_key;
    wire [31:0] scale;
    wire takes = whole && !is_query && is_own;
    roma_head_code #(.HEAD(HEAD_DIM), .LANES(HEAD_DIM), .BITS(8), .INTERVAL(APART), .MUL(MUL), .CONVERT(CONVERT)) of_page (
        .clk(clk), .reset(reset), .valid(takes), .last(1'b1), .x(own), .factor(32'd0), .done(coded), .codes(narrow), .scale(scale));
    roma_delay #(.W(1), .N(WAIT)) late_value (.clk(clk), .d(is_value), .q(coded_value));
    reg [8*HEAD_DIM-1:0] first_key;
    reg [31:0] first_scale;
    assign narrow_key = first_key;
    assign comes = coded && coded_value && !reset;
    always @(posedge clk) begin
        cached <= comes;
        if (coded && !coded_value) {first_key, first_scale} <= {narrow, scale};
        if (coded && coded_value) {key, k_scale, value, v_scale} <= {narrow_key, first_scale, narrow, scale};
    end

    // ---- queries ----
    wire [SLOTS-1:0] there;
    wire [Q*SLOTS-1:0] at;
    wire [16*HEAD_DIM*SLOTS-1:0] wide;
    wire [32*SLOTS-1:0] scales;
    generate
        for (s = 0; s < SLOTS; s = s + 1) begin : gen_slot
            wire [15:0] of_head = heads_before + s - {8'd0, head} * GROUP;
            wire [15:0] number = {8'd0, row - rows_from} * GROUP + of_head;
            wire takes_query = whole && is_query && of_head < GROUP;
            wire unused_number = ^number[15:Q];
            roma_head_code #(.HEAD(HEAD_DIM), .LANES(HEAD_DIM), .BITS(16), .INTERVAL(EVERY), .MUL(MUL), .CONVERT(CONVERT)) of_query (
                .clk(clk), .reset(reset), .valid(takes_query), .last(1'b1), .x(full[W*s +: W]), .factor(factor), .done(there[s]),
                .codes(wide[16*HEAD_DIM*s +: 16*HEAD_DIM]), .scale(scales[32*s +: 32]));
            roma_delay #(.W(Q), .N(WAIT)) late_number (.clk(clk), .d(number[Q-1:0]), .q(at[Q*s +: Q]));
        end
    endgenerate
    reg [16*HEAD_DIM-1:0] kept[0:QUERIES-1];
    reg [31:0] kept_scales[0:QUERIES-1];
    integer i;
    always @(posedge clk)
        for (i = 0; i < SLOTS; i = i + 1)
            if (there[i]) begin
                kept[at[Q*i +: Q]] <= wide[16*HEAD_DIM*i +: 16*HEAD_DIM];
                kept_scales[at[Q*i +: Q]] <= scales[32*i +: 32];
            end
    wire [16*HEAD_DIM-1:0] chosen = kept[query];
    assign codes = chosen[16*MAC*part +: 16*MAC];
    assign q_scale = kept_scales[query];
endmodule
