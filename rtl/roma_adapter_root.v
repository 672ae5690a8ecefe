// Root of adapters' downs (docs/numerics.md 3.4 steps 1 and 2, docs/cost-model.md 1.8): h of rows of activations, one behind the other, their codes,
// and t.
//   valid, last    values of the row's next ranks are there, `ranks` of them, each the 2^levels neighbouring leaves of A's groups, lowest first;
//                  last: of the row. What is behind the last group or rank is 0
//   is_float       leaves are FP32, sums of a unit's own groups, and converted already; otherwise the integers of groups
//   tag            of the row, with its last values
//   link           with them: cycles, 1 at least, that the row's values are on their way to where h is made
//   take           then, and when `ready` says of the row take_tag that its scale is there, h is made with it, and with a_scales: scale_A, 0 from
//                  the rank on
//   rank_levels    hops until the largest is found, clog2 of the largest rank: the same for all rows under way
//   t_tag          of the row for which target and factor stand (the target's scale, the request's factor)
//   codes, t       with done, done_tag: 16 bits each
// Latency from the last leaves: CONVERT (of integers) + levels ADD + link + 2 MUL + rank_levels HOP + 16 + MUL + CONVERT: the law's but for the
// ways from the units and to them. Interval 1; a row of fewer levels may not catch up with the one before it.
module roma_adapter_root #(
    parameter RANK = 16,
    parameter LEAVES = 4,
    parameter TAG = 4,
    parameter WAITING = 3,  // log2 of the rows that wait for a scale
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1,
    parameter LOG = $clog2(LEAVES),
    parameter LEVEL = LOG > 0 ? $clog2(LOG + 1) : 1,
    parameter RANKS = $clog2(RANK),
    parameter COUNT = $clog2(RANKS + 1)
) (
    input clk,
    input reset,
    input valid,
    input last,
    input is_float,
    input [LEVEL-1:0] levels,
    input [LOG:0] ranks,
    input [32*LEAVES-1:0] leaves,
    input [TAG-1:0] tag,
    input [7:0] link,
    output take,
    output [TAG-1:0] take_tag,
    input ready,
    input [31:0] scale,
    input [32*RANK-1:0] a_scales,
    input [COUNT-1:0] rank_levels,
    output [TAG-1:0] t_tag,
    input [31:0] target,
    input [31:0] factor,
    output done,
    output [TAG-1:0] done_tag,
    output [16*RANK-1:0] codes,
    output [31:0] t
);
    genvar k, i;

    // ---- trees over A's groups ----
    localparam INFO = LOG + 9 + TAG, MARK = 2 + LEVEL + INFO;
    wire [MARK-1:0] mark_late;
    roma_delay #(.W(MARK), .N(CONVERT)) delay_leaf (.clk(clk), .d({valid & ~is_float & ~reset, last, levels, ranks, link, tag}), .q(mark_late));
    wire float_now = valid & is_float & ~reset;
    generate
        for (k = 0; k <= LOG; k = k + 1) begin : gen_level
            localparam [LEVEL-1:0] HERE = k;
            wire [32*(LEAVES>>k)-1:0] q;
            wire [MARK-1:0] mark;  // valid, last, levels, ranks, link, tag
            wire here = mark[MARK-1] & mark[INFO+:LEVEL] == HERE;
            wire [32*LEAVES+MARK-1:0] out;
            if (k == 0) begin : gen_leaves
                assign mark = float_now ? {1'b1, last, levels, ranks, link, tag} : mark_late;
                assign out = {mark, q} & {32 * LEAVES + MARK{here}};
                for (i = 0; i < LEAVES; i = i + 1) begin : gen_leaf
                    wire [31:0] converted;
                    roma_int_to_fp #(.LATENCY(CONVERT)) convert (.clk(clk), .x(leaves[32*i+:32]), .y(converted));
                    assign q[32*i+:32] = float_now ? leaves[32*i+:32] : converted;
                end
            end else begin : gen_pairs
                roma_delay #(.W(MARK), .N(ADD)) delay_mark (
                    .clk(clk), .d({gen_level[k-1].mark[MARK-1] & ~gen_level[k-1].here & ~reset, gen_level[k-1].mark[MARK-2:0]}), .q(mark));
                assign out[32*LEAVES+MARK-1:32*LEAVES] = gen_level[k-1].out[32*LEAVES+MARK-1:32*LEAVES] | mark & {MARK{here}};
                for (i = 0; i < LEAVES; i = i + 1) begin : gen_sum
                    if (i < (LEAVES >> k)) begin : gen_pair
                        roma_fp_add #(.LATENCY(ADD)) add (
                            .clk(clk), .a(gen_level[k-1].q[64*i+:32]), .b(gen_level[k-1].q[64*i+32+:32]), .y(q[32*i+:32]));
                        assign out[32*i+:32] = gen_level[k-1].out[32*i+:32] | q[32*i+:32] & {32{here}};
                    end else begin : gen_below
                        assign out[32*i+:32] = gen_level[k-1].out[32*i+:32];
                    end
                end
            end
        end
    endgenerate
    wire comes, row_ends;
    wire [LEVEL-1:0] unused_levels;
    wire [LOG:0] its_ranks;
    wire [7:0] its_link;
    wire [TAG-1:0] its_tag;
    wire [32*LEAVES-1:0] values;
    assign {comes, row_ends, unused_levels, its_ranks, its_link, its_tag, values} = gen_level[LOG].out;

    // ---- a row's values come together, and wait until the link has brought them and their scale is there ----
    localparam AT = RANKS + 1, ROWS = 1 << WAITING;
    wire [32*RANK-1:0] row_values;
    reg [TAG-1:0] tags[0:ROWS-1];
    reg [15:0] due[0:ROWS-1];
    reg [AT-1:0] at, filled[0:ROWS-1];
    reg [WAITING-1:0] put, get;
    reg [15:0] now;
    wire [AT-1:0] many = {{AT - LOG - 1{1'b0}}, its_ranks};
    wire [AT-1:0] next = at + many;
    wire [15:0] over = now - due[get];
    wire [14:0] unused_over = over[14:0];
    assign take = put != get & ~over[15] & ready;
    assign take_tag = tags[get];
    generate
        for (i = 0; i < RANK; i = i + 1) begin : gen_place
            // value number i - at, if it is there
            localparam [AT-1:0] I = i;
            wire [AT-1:0] which = I - at;
            wire is_there = comes & I >= at & which < many;
            wire [32*LEAVES-1:0] moved = values >> {which, 5'd0};
            wire [31:0] value;
            if (LEAVES > 1) begin : gen_many
                wire [32*LEAVES-33:0] unused_moved = moved[32*LEAVES-1:32];
            end
            assign value = moved[31:0];
            reg [31:0] rows[0:ROWS-1];
            always @(posedge clk) if (is_there) rows[put] <= value;
            assign row_values[32*i+:32] = rows[get];
        end
    endgenerate
    localparam [WAITING-1:0] ONE = 1;
    always @(posedge clk) begin
        now <= reset ? 16'd0 : now + 16'd1;
        at <= reset | comes & row_ends ? {AT{1'b0}} : comes ? next : at;
        if (comes & row_ends) begin
            filled[put] <= next;
            tags[put] <= its_tag;
            due[put] <= now + {8'd0, its_link};
        end
        put <= reset ? {WAITING{1'b0}} : comes & row_ends ? put + ONE : put;
        get <= reset ? {WAITING{1'b0}} : take ? get + ONE : get;
    end

    // ---- h, the largest, codes ----
    wire [32*RANK-1:0] h;
    wire h_valid, divide, divided;
    wire [TAG-1:0] h_tag;
    wire [32*RANK-1:0] h_now;
    wire [31:0] largest, reciprocal;
    roma_delay #(.W(1 + TAG), .N(2 * MUL)) delay_h (.clk(clk), .d({take & ~reset, take_tag}), .q({h_valid, h_tag}));
    generate
        for (i = 0; i < RANK; i = i + 1) begin : gen_h
            localparam [AT-1:0] I = i;
            wire [31:0] value = row_values[32*i+:32] & {32{I < filled[get]}};
            roma_fp_mul3 #(.MUL(MUL)) scaled (.clk(clk), .a(value), .b(scale), .c(a_scales[32*i+:32]), .y(h[32*i+:32]));
        end
        for (k = 0; k <= RANKS; k = k + 1) begin : gen_most
            localparam [COUNT-1:0] HERE = k;
            wire [31*(RANK>>k)-1:0] q;
            wire [TAG:0] mark;
            wire [31+TAG:0] out;
            wire [31+TAG:0] now_here = {mark, q[30:0]} & {32 + TAG{rank_levels == HERE}};
            if (k == 0) begin : gen_all
                assign mark = {h_valid, h_tag};
                for (i = 0; i < RANK; i = i + 1) begin : gen_magnitude
                    assign q[31*i+:31] = h[32*i+:31];
                end
                assign out = now_here;
            end else begin : gen_larger
                roma_delay #(.W(1 + TAG), .N(HOP)) delay_mark (
                    .clk(clk), .d({gen_most[k-1].mark[TAG] & ~reset, gen_most[k-1].mark[TAG-1:0]}), .q(mark));
                for (i = 0; i < (RANK >> k); i = i + 1) begin : gen_pair
                    wire [30:0] a = gen_most[k-1].q[62*i+:31];
                    wire [30:0] b = gen_most[k-1].q[62*i+31+:31];
                    roma_delay #(.W(31), .N(HOP)) hop (.clk(clk), .d(a > b ? a : b), .q(q[31*i+:31]));
                end
                assign out = gen_most[k-1].out | now_here;
            end
        end
    endgenerate
    assign {divide, t_tag, largest[30:0]} = gen_most[RANKS].out;
    assign largest[31] = 1'b0;
    wire is_tiny = largest < 32'h0D800000;  // 2^-100
    wire is_huge = largest >= 32'h71800000;  // 2^100
    roma_fp_div #(.INTERVAL(1)) divider (
        .clk(clk), .reset(reset), .start(divide), .a(32'h46FFFE00), .b(largest), .done(divided), .y(reciprocal));

    // rows whose largest is being found and divided
    reg [32*RANK-1:0] ring[0:31];
    reg [4:0] ring_put, ring_get;
    always @(posedge clk) begin
        if (h_valid) ring[ring_put] <= h;
        ring_put <= reset ? 5'd0 : ring_put + {4'd0, h_valid};
        ring_get <= reset ? 5'd0 : ring_get + {4'd0, divided};
    end
    assign h_now = ring[ring_get];
    wire no_codes, no_codes_late;
    wire [TAG-1:0] divided_tag;
    roma_delay #(.W(1 + TAG), .N(16)) delay_kind (.clk(clk), .d({is_tiny | is_huge, t_tag}), .q({no_codes, divided_tag}));
    roma_delay #(.W(2 + TAG), .N(MUL + CONVERT)) delay_code (.clk(clk), .d({divided & ~reset, no_codes, divided_tag}), .q({done, no_codes_late, done_tag}));
    generate
        for (i = 0; i < RANK; i = i + 1) begin : gen_code
            wire [31:0] v;
            wire [15:0] code;
            roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a(h_now[32*i+:32]), .b(reciprocal), .y(v));
            roma_fp_to_int #(.W(16), .LATENCY(CONVERT)) near (.clk(clk), .x(v), .scale(9'd0), .y(code));
            assign codes[16*i+:16] = code & {16{~no_codes_late}};
        end
    endgenerate

    // ---- t = fl(sh fl(target factor)), sh = fl(largest / 32767) ----
    wire [31:0] both, sh_product, sh, t_early;
    wire tiny_late, huge_late;
    roma_fp_mul #(.LATENCY(MUL)) mul_factor (.clk(clk), .a(target), .b(factor), .y(both));
    roma_fp_mul #(.LATENCY(MUL)) mul_sh (.clk(clk), .a(largest), .b(32'h38000100), .y(sh_product));
    roma_delay #(.W(2), .N(MUL)) delay_sh (.clk(clk), .d({is_tiny, is_huge}), .q({tiny_late, huge_late}));
    assign sh = huge_late ? 32'h7FC00000 : sh_product & {32{~tiny_late}};
    roma_fp_mul #(.LATENCY(MUL)) mul_t (.clk(clk), .a(sh), .b(both), .y(t_early));
    roma_delay #(.W(32), .N(16 + CONVERT - MUL)) delay_t (.clk(clk), .d(t_early), .q(t));
endmodule
