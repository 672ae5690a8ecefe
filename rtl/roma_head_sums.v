// What the first H-Unit of a KV head has beside the others (docs/numerics.md 4, step 6, docs/cost-model.md 1.9, lat): the tree of pages, 1/D, and
// the heads' outputs on their way to the vector units, OUT FP32 a cycle.
//   begins          a block's values begin: its rows, their first position and number in the step, the unit with page 0
//   leaf, tag       WIDE leaves of each of the P units, as roma_leaf_queue sends them; tag: round, row, head, part, pages, last_page, beat
//   den             sums of weights of all units, a row a cycle: valid, G sums
//   row_values      with a row's last value in the sequence of all units: its outputs leave as many cycles later as the law says
//   att             valid, last of the row, row 8, OUT FP32
// The last outputs of a row leave in the law's cycle, where a head takes fewer words too (all lanes no multiple of the heads).
// Outputs wait for their sums and all quotients of their row, which are there in time by the law.
module roma_head_sums #(
    parameter HEAD_DIM = 8,
    parameter MAC = 4,
    parameter P = 2,
    parameter BLOCK_ROWS = 2,
    parameter GROUP = 2,
    parameter ROUNDS = 3,
    parameter LINK = 16,
    parameter OUT = 4,
    parameter CROSS = 4,  // cycles in which all heads' outputs of a row leave
    parameter WIDE = 4,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter DIV = 16,
    parameter REACH = 3,
    parameter INTERVAL = 2,
    parameter ROUND = 2,
    parameter ROW = 1,
    parameter G = 1,
    parameter PART = 1,
    parameter SEEN = 2,
    parameter BEAT = 1,
    parameter TAG = ROUND + ROW + G + PART + SEEN + 1 + BEAT,
    parameter DEN_W = 1 + 64 * GROUP,
    parameter ATT_W = 10 + 32 * OUT
) (
    input clk,
    input reset,
    input begins,
    input [15:0] position,
    input [ROW:0] count,
    input [7:0] rows_from,
    input [7:0] first,
    input leaf,
    input [TAG-1:0] tag,
    input [32*WIDE*P-1:0] leaves,
    input [DEN_W-1:0] den,
    input row_values,
    output [ATT_W-1:0] att
);
    localparam PARTS = HEAD_DIM / MAC, BEATS = MAC / WIDE, WORDS = (GROUP * HEAD_DIM + OUT - 1) / OUT, LOG_P = $clog2(P);
    localparam MOST = $clog2(ROUNDS * P), LEVEL = $clog2(MOST + 2), TREE = ROUNDS > 1 ? $clog2(ROUNDS) : 1, TREE_L = $clog2(TREE + 1);
    localparam TREE_ROW = ROW + G + PART + BEAT, SEND = (4 * HEAD_DIM + LINK - 1) / LINK;
    function integer tail(input integer levels);  // from a row's last value to its first output
        integer by_tree, by_quotient;
        begin
            by_tree = MUL + 5 + CONVERT + levels * ADD + (levels < LOG_P ? levels : LOG_P) * SEND;
            by_quotient = CONVERT + 1 + DIV - MUL;
            tail = 1 + (by_tree > by_quotient ? by_tree : by_quotient) + REACH + CROSS - WORDS;
        end
    endfunction

    // ---- the block ----
    reg [7:0] from, first_unit;
    reg [LEVEL-1:0] levels;
    wire [15:0] last_page = (position + {{(15-ROW){1'b0}}, count} - 16'd1) >> 5;
    reg [LEVEL-1:0] levels_d;
    integer n;
    always @* begin
        levels_d = {LEVEL{1'b0}};
        for (n = 0; n < MOST; n = n + 1) if (last_page >> n != 16'd0) levels_d = n[LEVEL-1:0] + {{(LEVEL-1){1'b0}}, 1'b1};
    end
    always @(posedge clk) begin
        if (begins) {from, first_unit} <= {rows_from, first};
        if (begins || reset) levels <= reset ? {LEVEL{1'b0}} : levels_d;  // before the first block too the tree has a level whose marks count
    end

    // ---- the tree ----
    wire units_done;
    wire [TAG-1:0] units_tag;
    wire [32*WIDE-1:0] units_sum;
    roma_unit_tree #(.P(P), .WIDE(WIDE), .TAG(TAG), .SEEN(SEEN), .LEVEL(LEVEL), .ADD(ADD)) units (
        .clk(clk), .reset(reset), .valid(leaf), .pages(tag[BEAT+1 +: SEEN]), .first(first_unit), .levels(levels), .tag(tag), .leaves(leaves),
        .done(units_done), .done_tag(units_tag), .y(units_sum));
    wire [ROUND-1:0] its_round;
    wire [ROW-1:0] its_row;
    wire [G-1:0] its_head;
    wire [PART-1:0] its_part;
    wire [SEEN-1:0] unused_pages;
    wire its_last;
    wire [BEAT-1:0] its_beat;
    assign {its_round, its_row, its_head, its_part, unused_pages, its_last, its_beat} = units_tag;
    reg [32*WIDE-1:0] round_sum;
    always @(posedge clk) round_sum <= units_sum;
    wire [31:0] all_levels = {{(32-LEVEL){1'b0}}, levels}, above = all_levels > LOG_P ? all_levels - LOG_P : 32'd0;
    wire unused_above = ^above[31:TREE_L];
    wire done;
    wire [ROW-1:0] done_row;
    wire [G-1:0] done_head;
    wire [PART-1:0] done_part;
    wire [BEAT-1:0] done_beat;
    wire [32*WIDE-1:0] sum;
    wire [TREE-1:0] its_page;
    wire [TREE_L-1:0] tree_levels = above[TREE_L-1:0];
    generate
        if (TREE > ROUND) begin : gen_more
            assign its_page = {{(TREE-ROUND){1'b0}}, its_round};
        end else begin : gen_same
            assign its_page = its_round[TREE-1:0];
        end
    endgenerate
    roma_page_tree #(.LANES(WIDE), .ROWS(1 << TREE_ROW), .LEVELS(TREE), .ADD(ADD)) rounds (
        .clk(clk), .reset(reset), .valid(units_done), .last(its_last), .page(its_page), .row({its_row, its_head, its_part, its_beat}),
        .leaf(round_sum), .levels(tree_levels), .done(done), .done_row({done_row, done_head, done_part, done_beat}), .y(sum));
    reg [32*HEAD_DIM*GROUP-1:0] outputs[0:BLOCK_ROWS-1];
    wire [31:0] place = ({{(32-G){1'b0}}, done_head} * PARTS + {{(32-PART){1'b0}}, done_part}) * BEATS + {{(32-BEAT){1'b0}}, done_beat};
    always @(posedge clk) if (done) outputs[done_row][32*WIDE*place +: 32*WIDE] <= sum;
    reg [15:0] summed;  // words of sums
    always @(posedge clk) summed <= reset || begins ? 16'd0 : done ? summed + 16'd1 : summed;

    // ---- 1/D ----
    reg [64*GROUP-1:0] totals[0:BLOCK_ROWS-1];
    reg [ROW:0] total_row, divide_row;
    reg [G-1:0] divide_head;
    reg [3:0] pause;
    reg divides;
    reg [63:0] chosen;
    wire [64*GROUP-1:0] of_row = totals[divide_row[ROW-1:0]];
    wire can = divide_row != total_row && pause == 4'd0;
    wire divided;
    wire [31:0] inverse;
    reg [32*GROUP-1:0] inverses[0:BLOCK_ROWS-1];
    reg [ROW:0] inverse_row;
    reg [G-1:0] inverse_head;
    wire is_last_head = {{(32-G){1'b0}}, divide_head} == GROUP - 1, is_last_inverse = {{(32-G){1'b0}}, inverse_head} == GROUP - 1;
    always @(posedge clk) begin
        if (den[DEN_W-1]) totals[total_row[ROW-1:0]] <= den[DEN_W-2:0];
        chosen <= of_row[64*divide_head +: 64];
        divides <= can && !reset;
        pause <= reset ? 4'd0 : can ? INTERVAL - 1 : pause != 4'd0 ? pause - 4'd1 : 4'd0;
        if (divided) inverses[inverse_row[ROW-1:0]][32*inverse_head +: 32] <= inverse;
        if (reset || ready_all) begin
            {total_row, divide_row, divide_head, inverse_row, inverse_head} <= {(3*ROW+3+2*G){1'b0}};
        end else begin
            if (den[DEN_W-1]) total_row <= total_row + {{ROW{1'b0}}, 1'b1};
            if (can) divide_head <= is_last_head ? {G{1'b0}} : divide_head + {{(G-1){1'b0}}, 1'b1};
            if (can && is_last_head) divide_row <= divide_row + {{ROW{1'b0}}, 1'b1};
            if (divided) inverse_head <= is_last_inverse ? {G{1'b0}} : inverse_head + {{(G-1){1'b0}}, 1'b1};
            if (divided && is_last_inverse) inverse_row <= inverse_row + {{ROW{1'b0}}, 1'b1};
        end
    end
    roma_inverse #(.CONVERT(CONVERT), .INTERVAL(INTERVAL)) quotient (
        .clk(clk), .reset(reset), .start(divides), .sum(chosen), .done(divided), .y(inverse));

    // ---- outputs: a row waits as long as the way of its last leaf is by the law ----
    localparam TAIL = tail(MOST);
    reg [TAIL-1:0] way;  // bit k: a row's last value was k + 1 cycles ago
    reg [TAIL-1:0] arrives;
    integer m;
    always @* begin
        arrives = {TAIL{1'b0}};
        for (m = 0; m <= MOST; m = m + 1) if ({{(32-LEVEL){1'b0}}, levels} == m) arrives = {{(TAIL-1){1'b0}}, 1'b1} << (tail(m) - 1);
    end
    always @(posedge clk) way <= reset ? {TAIL{1'b0}} : {way[TAIL-2:0], row_values};
    wire arrives_now = |(way & arrives);
    reg [ROW:0] due;  // rows that may leave
    reg [ROW:0] row;
    reg [15:0] word;
    reg [ROW:0] rows;
    wire [ROW:0] due_now = due + {{ROW{1'b0}}, arrives_now};
    wire [31:0] of_words = ({16'd0, word} + 1) * OUT + WIDE - 1, all_sums = GROUP * PARTS * BEATS;
    wire [31:0] sums_wanted = {{(31-ROW){1'b0}}, row} * all_sums + (of_words / WIDE < all_sums ? of_words / WIDE : all_sums);
    wire sends = due_now != {(ROW+1){1'b0}} && inverse_row > row && {16'd0, summed} >= sums_wanted;
    wire row_ends = sends && {16'd0, word} == WORDS - 1, ready_all = row_ends && row + {{ROW{1'b0}}, 1'b1} == rows;
    always @(posedge clk) begin
        if (begins) rows <= count;
        word <= reset || row_ends ? 16'd0 : sends ? word + 16'd1 : word;
        row <= reset || ready_all ? {(ROW+1){1'b0}} : row_ends ? row + {{ROW{1'b0}}, 1'b1} : row;
        due <= reset ? {(ROW+1){1'b0}} : due_now - {{ROW{1'b0}}, row_ends};
    end
    wire [32*HEAD_DIM*GROUP-1:0] row_sums = outputs[row[ROW-1:0]];
    wire [32*GROUP-1:0] row_inverses = inverses[row[ROW-1:0]];
    genvar i;
    generate
        for (i = 0; i < OUT; i = i + 1) begin : gen_out
            wire [31:0] number = {16'd0, word} * OUT + i, element = number < GROUP * HEAD_DIM ? number : 32'd0, head = element / HEAD_DIM;
            roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a(row_sums[32*element +: 32]), .b(row_inverses[32*head +: 32]), .y(att[32*i +: 32]));
        end
    endgenerate
    roma_delay #(.W(10), .N(MUL)) late_mark (.clk(clk), .d({sends, row_ends, from + {{(7-ROW){1'b0}}, row}}), .q(att[ATT_W-1 -: 10]));
endmodule
