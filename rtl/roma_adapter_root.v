// Root of an adapter's down (docs/numerics.md 3.4 steps 1 and 2, docs/cost-model.md 1.8): h of a row of activations, its codes, and t.
//   valid, last    values of the row's next ranks are there, LEAVES >> levels of them, each the 2^levels neighbouring leaves of A's groups, lowest
//                  first; last: of the row. What is behind the last group or rank is 0
//   is_float       leaves are FP32, sums of a unit's own groups; otherwise the integers of groups
//   link           cycles, 1 at least, that the values are on their way to where h is made
//   take           in this cycle the row's scale stands at scale
//   a_scales       scale_A, 0 from the rank on; rank_levels: clog2 of the rank. These and target, factor (the target's scale, the request's factor)
//                  stand from the first value until done
//   codes, t       with done: 16 bits each
// Latency from the last leaves: CONVERT + levels ADD + link + 2 MUL + rank_levels HOP + 16 + MUL + CONVERT: the law's but for the ways from the
// units and to them. Interval: rows INTERVAL cycles apart, and `link`.
module roma_adapter_root #(
    parameter RANK = 16,
    parameter LEAVES = 4,
    parameter INTERVAL = 4,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1,
    parameter LOG = $clog2(LEAVES),
    parameter LEVEL = $clog2(LOG + 1),
    parameter RANKS = $clog2(RANK),
    parameter COUNT = $clog2(RANKS + 1)
) (
    input clk,
    input reset,
    input valid,
    input last,
    input is_float,
    input [LEVEL-1:0] levels,
    input [32*LEAVES-1:0] leaves,
    input [7:0] link,
    output take,
    input [31:0] scale,
    input [32*RANK-1:0] a_scales,
    input [COUNT-1:0] rank_levels,
    input [31:0] target,
    input [31:0] factor,
    output done,
    output [16*RANK-1:0] codes,
    output [31:0] t
);
    genvar k, i;

    // ---- trees over A's groups ----
    wire valid_late, last_late, float_late;
    wire [LEVEL-1:0] levels_late;
    roma_delay #(.W(3 + LEVEL), .N(CONVERT)) delay_leaf (
        .clk(clk), .d({valid & ~reset, last, is_float, levels}), .q({valid_late, last_late, float_late, levels_late}));
    generate
        for (k = 0; k <= LOG; k = k + 1) begin : gen_level
            localparam [LEVEL-1:0] HERE = k;
            wire [32*(LEAVES>>k)-1:0] q;
            wire [LEVEL+1:0] mark;  // valid, last, levels
            wire here = mark[LEVEL+1] & mark[LEVEL-1:0] == HERE;
            wire [32*LEAVES+1:0] out;
            if (k == 0) begin : gen_leaves
                assign mark = {valid_late, last_late, levels_late};
                assign out = {here, last_late & here, q & {32 * LEAVES{here}}};
                for (i = 0; i < LEAVES; i = i + 1) begin : gen_leaf
                    wire [31:0] converted, passed;
                    roma_int_to_fp #(.LATENCY(CONVERT)) convert (.clk(clk), .x(leaves[32*i+:32]), .y(converted));
                    roma_delay #(.W(32), .N(CONVERT)) pass (.clk(clk), .d(leaves[32*i+:32]), .q(passed));
                    assign q[32*i+:32] = float_late ? passed : converted;
                end
            end else begin : gen_pairs
                roma_delay #(.W(LEVEL + 2), .N(ADD)) delay_mark (
                    .clk(clk), .d({gen_level[k-1].mark[LEVEL+1] & ~reset, gen_level[k-1].mark[LEVEL:0]}), .q(mark));
                assign out[32*LEAVES+1:32*LEAVES] = gen_level[k-1].out[32*LEAVES+1:32*LEAVES] | {here, mark[LEVEL] & here};
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
    wire [32*LEAVES-1:0] values;
    assign {comes, row_ends, values} = gen_level[LOG].out;
    wire [LEVEL-1:0] all_levels = gen_level[LOG].mark[LEVEL-1:0];
    wire unused_levels = ^all_levels;

    // ---- a row's values come together, two rows in turn ----
    localparam AT = RANKS + 1;
    localparam [31:0] LEAVES_NOW = LEAVES;
    reg [32*RANK-1:0] rows[0:1];
    reg fill, ready_row;
    reg [AT-1:0] at, filled[0:1];
    reg [7:0] wait_for;
    reg waits;
    wire [AT-1:0] many = LEAVES_NOW[AT-1:0] >> levels;
    wire [AT-1:0] next = at + many;
    assign take = waits & wait_for == 8'd1;
    generate
        for (i = 0; i < RANK; i = i + 1) begin : gen_place
            // value number i - at, if it is there
            localparam [AT-1:0] I = i;
            wire [AT-1:0] which = I - at;
            wire is_there = comes & I >= at & which < many;
            wire [32*LEAVES-1:0] moved = values >> {which[LOG-1:0], 5'd0};
            wire [32*LEAVES-33:0] unused_moved = moved[32*LEAVES-1:32];
            always @(posedge clk) if (is_there) rows[fill][32*i+:32] <= moved[31:0];
        end
    endgenerate
    always @(posedge clk) begin
        at <= reset | comes & row_ends ? {AT{1'b0}} : comes ? next : at;
        fill <= (fill ^ (comes & row_ends)) & ~reset;
        if (comes & row_ends) begin
            filled[fill] <= next;
            ready_row <= fill;
        end
        waits <= (comes & row_ends | waits & ~take) & ~reset;
        wait_for <= comes & row_ends ? link : wait_for - 8'd1;
    end

    // ---- h, the largest, codes ----
    wire [32*RANK-1:0] h;
    wire h_valid, divide, divided;
    wire [32*RANK-1:0] h_now;
    wire [31:0] largest, reciprocal;
    localparam BEFORE = 2 * MUL;
    roma_delay #(.W(1), .N(BEFORE)) delay_h (.clk(clk), .d(take & ~reset), .q(h_valid));
    generate
        for (i = 0; i < RANK; i = i + 1) begin : gen_h
            localparam [AT-1:0] I = i;
            wire [31:0] value = rows[ready_row][32*i+:32] & {32{I < filled[ready_row]}};
            roma_fp_mul3 #(.MUL(MUL)) scaled (.clk(clk), .a(value), .b(scale), .c(a_scales[32*i+:32]), .y(h[32*i+:32]));
        end
        for (k = 0; k <= RANKS; k = k + 1) begin : gen_most
            localparam [COUNT-1:0] HERE = k;
            wire [31*(RANK>>k)-1:0] q;
            wire mark;
            wire [31:0] out;
            if (k == 0) begin : gen_all
                assign mark = h_valid;
                for (i = 0; i < RANK; i = i + 1) begin : gen_magnitude
                    assign q[31*i+:31] = h[32*i+:31];
                end
                assign out = {mark, q[30:0]} & {32{rank_levels == HERE}};
            end else begin : gen_larger
                roma_delay #(.W(1), .N(HOP)) delay_mark (.clk(clk), .d(gen_most[k-1].mark & ~reset), .q(mark));
                for (i = 0; i < (RANK >> k); i = i + 1) begin : gen_pair
                    wire [30:0] a = gen_most[k-1].q[62*i+:31];
                    wire [30:0] b = gen_most[k-1].q[62*i+31+:31];
                    roma_delay #(.W(31), .N(HOP)) hop (.clk(clk), .d(a > b ? a : b), .q(q[31*i+:31]));
                end
                assign out = gen_most[k-1].out | {mark, q[30:0]} & {32{rank_levels == HERE}};
            end
        end
    endgenerate
    assign divide = gen_most[RANKS].out[31];
    assign largest = {1'b0, gen_most[RANKS].out[30:0]};
    wire is_tiny = largest < 32'h0D800000;  // 2^-100
    wire is_huge = largest >= 32'h71800000;  // 2^100
    roma_fp_div #(.INTERVAL(INTERVAL)) divider (
        .clk(clk), .reset(reset), .start(divide), .a(32'h46FFFE00), .b(largest), .done(divided), .y(reciprocal));

    // rows whose largest is being divided
    reg [32*RANK-1:0] ring[0:7];
    reg [2:0] put, get;
    always @(posedge clk) begin
        if (h_valid) ring[put] <= h;
        put <= reset ? 3'd0 : put + {2'd0, h_valid};
        get <= reset ? 3'd0 : get + {2'd0, divided};
    end
    assign h_now = ring[get];
    wire no_codes, no_codes_late;
    roma_delay #(.W(1), .N(16)) delay_kind (.clk(clk), .d(is_tiny | is_huge), .q(no_codes));
    roma_delay #(.W(2), .N(MUL + CONVERT)) delay_code (.clk(clk), .d({divided & ~reset, no_codes}), .q({done, no_codes_late}));
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
