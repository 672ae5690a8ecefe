// Matrix unit without its memories: the products of the rows that it has of a matrix (docs/numerics.md 3, docs/placement.md, docs/cost-model.md
// 1.8), and rows of the embedding. Outside lie its N L-Units with their ROMs, which share one address, and the ROM of scales beside the leaf units.
//
// Activations, by the broadcast: FILL sub-groups of 8 inputs a cycle, cycle fill_index of the row, from fill_codes' low bits on; what is behind
// the row's end is 0. Two rows are kept. They are laid out for codes of fill_bits (0, 1, 2: 2, 4, 8 bits), places of 16 inputs of each L-Unit from
// fill_base on, and summed for groups of 8 << fill_group inputs, Z of the first at fill_z. What comes in a cycle can be multiplied by a product
// whose first address is read in the next one. From LUNIT + clog2(N) cycles after the last address of its products on, a row may be overwritten.
// Its scale comes by itself, and stays until another one comes for scale_row; it may come in the cycle in which a result wants it.
//
// A product begins with `start`; the ports op_* are taken over with it, the first address is read in the cycle after, and another start may
// come with `last`, which is told while the last one is read:
//   op_row, op_base, op_z   where its activations, its first place and first Z are; op_scale_row: which of the SCALES kept scales is theirs
//   op_bits, op_zero        of its codes; the zero point, for 8-bit codes with 128 added
//   op_address, op_scale    its first address in the L-Units' ROMs, and in the ROM of scales
//   op_row_words            addresses of a row group, - 1
//   op_reads, op_cycles     cycles that the words and leaves of all row groups take (1.8: row groups times `group`), - 1; cycles that the law has
//                           for them (1.8: row), - 1
//   op_merge, op_turns      log2 of m, the L-Units that a group has in a wave, at least 1; of the waves that it has, as ones (1, 3, 7 ...)
//   op_groups, op_levels    groups of a row, - 1; clog2 of them
//   op_minimum              there are minima. A word of scales has those of the leaves that end at an address, group by group, row by row,
//                           16 bits each, or 32 with the minimum in the upper half
// An address read in cycle t has its words and, at codes and shifts, their inputs in cycle t + 1, and `sums` in cycle t + 1 + LUNIT.
// A word of scales comes one cycle after its address.
//
// result: g = LANES / 8 rows are there, in order, result_last the last of them. Latency from the last address of a row group:
// 1 + LUNIT + red(m) + leaf + clog2(groups) ADD + MUL, where 1 + LUNIT is lunit.pipeline, red(m) = op_merge and 1 more over several waves: an
// address that ends more leaves than there are leaf units is read once for each share of them, its row's last ones in the last. A product with a
// smaller latency up to the leaf or in the tree starts as much later than the one before it.
//
// op_lookup makes rows of the embedding of it, which are not multiplied: F = g WIDE elements of row op_lookup_row of the row group at op_address
// a cycle, `elements`. op_reads and op_cycles are both cols / F - 1. Elements come word by word, of N / F turns each: input by input of a word, in
// each turn by turn, those of F neighbouring L-Units. Latency 1 + LUNIT + leaf.
//
// LUNIT at least 2, N at least 2 and at least F for lookups; WIDE = F / g. Nothing here knows the model but widths of ports.
module roma_matrix_unit #(
    parameter N = 4,  // L-Units
    parameter LANES = 16,  // of an L-Unit
    parameter WIDE = 1,  // leaf units a row
    parameter FILL = 4,  // sub-groups that the broadcast brings a cycle
    parameter INPUTS = 128,  // of a row, in an L-Unit's buffer
    parameter GROUPS = 32,  // Z kept of a row
    parameter SCALES = 2,  // of rows of activations that are kept
    parameter CODE = 8,  // bits of the widest code, or of a level of a table - 1
    parameter GROUP = 256,  // inputs of the widest group
    parameter SUM = 25,  // bits of an L-Unit's sum
    parameter MINIMUM = 1,
    parameter LEVELS = 5,  // of the tree
    parameter ADDRESS = 11,
    parameter SCALE = 11,
    parameter SCALE_BITS = 64,
    parameter LUNIT = 2,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter WAVES = 16,  // bits of op_reads
    parameter COUNT = 8,  // bits of fill_index
    parameter ROWS = LANES / 8,
    parameter F = ROWS * WIDE,
    parameter LOG = $clog2(N),
    parameter MERGE = $clog2(LOG + 1),
    parameter PLACE = $clog2(INPUTS / 16),
    parameter Z = $clog2(GROUPS),
    parameter S = $clog2(SCALES),
    parameter TREE = $clog2(LEVELS + 1)
) (
    input clk,
    input reset,
    input fill,
    input fill_row,
    input [1:0] fill_bits,
    input [PLACE-1:0] fill_base,
    input [2:0] fill_group,
    input [Z-1:0] fill_z,
    input [COUNT-1:0] fill_index,
    input [64*FILL-1:0] fill_codes,
    input [3*FILL-1:0] fill_shifts,
    input scale_valid,
    input [S-1:0] scale_row,
    input [31:0] scale,
    input start,
    input op_row,
    input [S-1:0] op_scale_row,
    input [PLACE-1:0] op_base,
    input [Z-1:0] op_z,
    input [1:0] op_bits,
    input [8:0] op_zero,
    input [ADDRESS-1:0] op_address,
    input [SCALE-1:0] op_scale,
    input [PLACE+1:0] op_row_words,
    input [WAVES-1:0] op_reads,
    input [WAVES-1:0] op_cycles,
    input [MERGE-1:0] op_merge,
    input [PLACE+1:0] op_turns,
    input [Z-1:0] op_groups,
    input [TREE-1:0] op_levels,
    input op_minimum,
    input op_lookup,
    input [3:0] op_lookup_row,
    output reading,
    output last,
    output [ADDRESS-1:0] address,
    output [1:0] bits,
    output [128*N-1:0] codes,
    output [6*N-1:0] shifts,
    input [SUM*ROWS*N-1:0] sums,
    output [SCALE-1:0] scale_address,
    input [SCALE_BITS-1:0] scale_word,
    output result,
    output result_last,
    output [32*ROWS-1:0] results,
    output element,
    output element_last,
    output [32*F-1:0] elements
);
    localparam SLOTS = N / 2;  // groups that may end at an address
    localparam ACC = 1 + $clog2(((1 << CODE) - 1) * 16256 * GROUP + 1);
    localparam STAGES = 2 + LUNIT + LOG;  // from an address to the sums of its groups, at most
    localparam STAGE = $clog2(STAGES + 1);
    localparam TURNS = F < N ? N / F : 1;
    localparam PARTS = SLOTS > WIDE ? SLOTS / WIDE : 1;  // of the leaves that end at an address, at most
    localparam TURN = TURNS > PARTS ? $clog2(TURNS) : PARTS > 1 ? $clog2(PARTS) : 1;
    localparam [31:0] LAST_TURN = TURNS - 1;
    localparam [31:0] LOG_N = LOG;
    localparam [31:0] LOG_WIDE = $clog2(WIDE);
    localparam [3:0] ALL_SLOTS = LOG_N[3:0];
    localparam [3:0] ALL_WIDE = LOG_WIDE[3:0];

    // ---- the product that is read ----
    localparam OP = 22 + S + 3 * PLACE + 2 * Z + ADDRESS + SCALE + 2 * WAVES + MERGE + TREE;
    reg [OP-1:0] op;
    always @(posedge clk)
        if (start)
            op <= {op_row, op_scale_row, op_base, op_z, op_bits, op_zero, op_address, op_scale, op_row_words, op_reads, op_cycles, op_merge, op_turns,
                op_groups, op_levels, op_minimum, op_lookup, op_lookup_row};
    wire row, minimum, lookup;
    wire [S-1:0] scale_of_row;
    wire [PLACE-1:0] base;
    wire [Z-1:0] z_base, groups;
    wire [1:0] its_bits;
    wire [8:0] zero;
    wire [ADDRESS-1:0] first_address;
    wire [SCALE-1:0] first_scale;
    wire [PLACE+1:0] row_words, turns;
    wire [WAVES-1:0] reads, cycles;
    wire [MERGE-1:0] merge;
    wire [TREE-1:0] levels;
    wire [3:0] lookup_row;
    assign {row, scale_of_row, base, z_base, its_bits, zero, first_address, first_scale, row_words, reads, cycles, merge, turns, groups, levels, minimum,
        lookup, lookup_row} = op;
    wire is_over = |turns;
    wire [3:0] slots = is_over ? 4'd0 : ALL_SLOTS - {{4 - MERGE{1'b0}}, merge};  // log2 of the groups that end at an address
    wire [PLACE+1:0] word;
    wire [SCALE-1:0] its_scale;
    wire [Z-1:0] group;
    wire group_first, group_ends, row_end;
    wire [3:0] one_input;
    wire [TURN-1:0] turn;
    wire [Z-1:0] left = groups - group;  // groups of the row behind the wave's first one
    wire [Z+2:0] most = {{Z{1'b0}}, 3'd1} << slots, others = {3'd0, left} < most ? {3'd0, left} : most - {{Z + 2{1'b0}}, 1'b1};
    wire [Z+2:0] shares = others >> ALL_WIDE;  // of the leaves that end at the address, - 1
    wire unused_shares = ^shares;
    wire counts;
    roma_waves #(.ADDRESS(ADDRESS), .SCALE(SCALE), .WAVES(WAVES), .WORD(PLACE + 2), .GROUP(Z), .TURN(TURN)) counters (
        .clk(clk), .reset(reset), .start(start), .base(first_address), .scale_base(first_scale), .reads(reads), .cycles(cycles),
        .row_words(row_words), .turn_mask(turns), .slots(slots), .is_lookup(lookup),
        .inputs(its_bits == 2'd0 ? 4'd15 : its_bits == 2'd1 ? 4'd7 : 4'd3), .turns(lookup ? LAST_TURN[TURN-1:0] : shares[TURN-1:0]), .reading(reading), .counts(counts),
        .address(address), .word(word), .scale_address(its_scale), .group(group), .first(group_first), .ends(group_ends),
        .row_end(row_end), .last(last), .one_input(one_input), .turn(turn));
    roma_cut #(.W(2)) cut_bits (.clk(clk), .d(its_bits), .q(bits));

    // ---- activations, and Z of their groups ----
    genvar i, k, r, w;
    generate
        for (i = 0; i < N; i = i + 1) begin : gen_codes
            localparam [LOG-1:0] I = i;
            roma_codes #(.N(N), .FILL(FILL), .INPUTS(INPUTS), .COUNT(COUNT)) buffer (
                .clk(clk), .index(I), .fill(fill), .fill_row(fill_row), .fill_bits(fill_bits), .fill_base(fill_base), .fill_index(fill_index),
                .fill_codes(fill_codes), .fill_shifts(fill_shifts), .read_row(row), .read_bits(its_bits), .read_base(base),
                .read_word(word), .one_hot(lookup), .one_input(one_input), .codes(codes[128*i+:128]), .shifts(shifts[6*i+:6]));
        end
    endgenerate
    wire z_done, z_row;
    wire [COUNT+3:0] z_group;
    wire [23*FILL-1:0] z_new;
    wire [Z-1:0] z_first;
    wire [2:0] z_size;
    roma_group_sum #(.FILL(FILL), .COUNT(COUNT)) group_sum (
        .clk(clk), .reset(reset), .valid(fill), .index(fill_index), .size(fill_group), .codes(fill_codes), .shifts(fill_shifts),
        .done(z_done), .group(z_group), .z(z_new));
    roma_delay #(.W(Z + 4), .N(2)) delay_z (.clk(clk), .d({fill_row, fill_z, fill_group}), .q({z_row, z_first, z_size}));
    wire [COUNT+Z+3:0] z_at = {{Z{1'b0}}, z_group} + {{COUNT + 4{1'b0}}, z_first};
    wire [COUNT+3:0] unused_z_at = z_at[COUNT+Z+3:Z];
    reg [22:0] z_memory[0:2*GROUPS-1];
    generate
        for (i = 0; i < FILL; i = i + 1) begin : gen_z
            localparam [Z-1:0] I = i;
            localparam [31:0] MOST = (FILL - 1) / (i == 0 ? 1 : i);  // sub-groups of a group of which a cycle brings more than i
            wire [Z-1:0] at = z_at[Z-1:0] + I;
            wire is_there = z_done & (i == 0 | 32'd1 << z_size <= MOST);
            always @(posedge clk) if (is_there) z_memory[{z_row, at}] <= z_new[23*i+:23];
        end
    endgenerate

    // ---- what goes with a wave until its groups are summed ----
    localparam INFO = 22 + S + TREE + 2 * Z + TURN + SCALE;
    localparam MARK = 1 + STAGE + INFO;
    localparam [31:0] NEAREST_OF = 1 + LUNIT;
    localparam [STAGE-1:0] NEAREST = NEAREST_OF[STAGE-1:0];
    wire [STAGE-1:0] merges = {{STAGE - MERGE{1'b0}}, merge} + {{STAGE - 1{1'b0}}, is_over};
    wire [STAGE-1:0] arrives = NEAREST + (lookup ? {STAGE{1'b0}} : merges);
    generate
        for (k = 0; k <= STAGES; k = k + 1) begin : gen_stage
            wire [MARK-1:0] mark;
            wire is_next;  // its groups are summed in the next cycle
            wire [INFO:0] arrived;
            wire [SCALE-1:0] scales;
            if (k == 0) begin : gen_read
                assign mark = {counts & (group_ends | lookup) & ~reset, arrives,
                    last, row_end, row, minimum, lookup, scale_of_row, levels, slots, left, z_base + group, turn, zero, lookup_row, its_scale};
                assign is_next = 1'b0;
                assign arrived = {INFO + 1{1'b0}};
                assign scales = {SCALE{1'b0}};
            end else begin : gen_later
                wire [MARK-1:0] was = gen_stage[k-1].mark;
                wire is_here;
                localparam [STAGE-1:0] NEXT = k + 1;
                roma_cut #(.W(MARK + 1)) cut (
                    .clk(clk), .d({gen_stage[k-1].is_next & ~reset, was[MARK-1] & ~reset, was[MARK-2:0]}), .q({is_here, mark}));
                assign is_next = mark[MARK-1] & mark[INFO+:STAGE] == NEXT;
                assign arrived = {is_here, mark[INFO-1:0] & {INFO{is_here}}} | gen_stage[k-1].arrived;
                assign scales = mark[SCALE-1:0] & {SCALE{is_next}} | gen_stage[k-1].scales;
            end
        end
    endgenerate
    assign scale_address = gen_stage[STAGES].scales;

    // ---- sums of groups; a zero point's part is made of Z meanwhile ----
    wire [SLOTS*ACC-1:0] offsets;
    wire [MERGE+3:0] merge_mark;
    wire [SLOTS*ROWS*ACC-1:0] totals;
    wire unused_merged;
    roma_delay #(.W(MERGE + 4), .N(1 + LUNIT)) delay_merge (
        .clk(clk), .d({counts & ~lookup & ~reset, is_over, group_first, group_ends, merge}), .q(merge_mark));
    roma_merge #(.N(N), .ROWS(ROWS), .W(SUM), .ACC(ACC)) merging (
        .clk(clk), .reset(reset), .valid(merge_mark[MERGE+3]), .levels(merge_mark[MERGE-1:0]), .is_over(merge_mark[MERGE+2]),
        .first(merge_mark[MERGE+1]), .last(merge_mark[MERGE]), .sums(sums), .offset(offsets), .done(unused_merged), .totals(totals));
    wire [8:0] zero1;
    wire row1;
    wire [Z-1:0] z1;
    roma_cut #(.W(10 + Z)) cut_zero (.clk(clk), .d({zero, row, z_base + group}), .q({zero1, row1, z1}));
    generate
        for (i = 0; i < SLOTS; i = i + 1) begin : gen_offset
            localparam [Z-1:0] I = i;
            wire [Z-1:0] at = z1 + I, behind = at - z_at[Z-1:0];
            wire is_new = z_done && z_row == row1 && {{32-Z{1'b0}}, behind} << z_size < FILL;  // Z is written in this cycle
            wire [31:0] offset;
            roma_zero zero_part (.clk(clk), .zero(zero1), .z(is_new ? z_new[23*behind +: 23] : z_memory[{row1, at}]), .offset(offset));
            roma_delay #(.W(ACC), .N(LUNIT - 2)) late (.clk(clk), .d(offset[ACC-1:0]), .q(offsets[ACC*i+:ACC]));
            wire [32-ACC:0] unused_offset = offset[31:ACC-1];
        end
    endgenerate

    // ---- leaves: F of an address a cycle ----
    localparam HALVES = SCALE_BITS > 32 * SLOTS * ROWS ? SCALE_BITS : 32 * SLOTS * ROWS;
    localparam MANY = $clog2($clog2(WIDE) + 2);
    wire is_now, now_last, now_row_end, now_row, now_minimum, now_lookup;
    wire [S-1:0] now_scale_row;
    wire [TREE-1:0] now_levels;
    wire [3:0] now_slots;
    wire [Z-1:0] now_left, now_z;
    wire [TURN-1:0] now_turn;
    wire [8:0] now_zero;
    wire [3:0] now_lookup_row;
    wire [SCALE-1:0] unused_scale;
    assign {is_now, now_last, now_row_end, now_row, now_minimum, now_lookup, now_scale_row, now_levels, now_slots, now_left, now_z, now_turn, now_zero,
        now_lookup_row, unused_scale} = gen_stage[STAGES].arrived;
    wire [TURN-1:0] part = now_lookup ? {TURN{1'b0}} : now_turn;

    localparam EARLY = CONVERT + MUL;
    localparam LEAF = 5 + S + TREE + MANY + WIDE;
    wire [3:0] now_many = {1'b0, now_slots} + 5'd1 > {1'b0, ALL_WIDE} ? ALL_WIDE : now_slots;
    wire [3:0] unused_many = now_many;
    wire [WIDE-1:0] behind_end;  // no such group
    wire [HALVES-1:0] halves;
    wire [32*F-1:0] plain, with_minimum;
    wire [LEAF-1:0] leaf_mark, late_mark;
    generate
        if (HALVES > SCALE_BITS) begin : gen_padded
            assign halves = {{HALVES - SCALE_BITS{1'b0}}, scale_word};
        end else begin : gen_whole
            assign halves = scale_word;
        end
        for (w = 0; w < WIDE; w = w + 1) begin : gen_slot
            localparam [Z+2:0] W = w;
            wire [Z+2:0] slot = ({{Z + 3 - TURN{1'b0}}, part} << ALL_WIDE) + W;
            wire [Z+3:0] after = {4'd0, now_left} - {1'b0, slot};
            assign behind_end[w] = after[Z+3];
            wire unused_after = |after;
            wire [Z-1:0] z_at_slot = now_z + slot[Z-1:0];
            wire [22:0] z = z_memory[{now_row, z_at_slot}];
            for (r = 0; r < ROWS; r = r + 1) begin : gen_leaf
                localparam FROM = w * ROWS + r;
                localparam [31:0] NUMBER = FROM;
                // of a lookup: the L-Unit, whose sum is a code
                wire [31:0] lunit = {{32 - TURN{1'b0}}, now_turn} * F + NUMBER;
                wire [31:0] at = now_lookup ? (lunit >> (ALL_SLOTS - now_slots)) * ROWS + {28'd0, now_lookup_row} :
                    {{32 - TURN{1'b0}}, part} * F + NUMBER;
                wire [SUM-1:0] code = sums[SUM*(lunit*ROWS+{28'd0, now_lookup_row})+:SUM];
                wire [ACC-1:0] total = totals[ACC*({{32-TURN{1'b0}},part}*F+NUMBER)+:ACC];
                wire [10:0] level = code[10:0] - {{2{now_zero[8]}}, now_zero};
                wire [SUM-12:0] unused_code = code[SUM-1:11];
                wire [31:0] value = now_lookup ? {{21{level[10]}}, level} :
                    {{33 - ACC{total[ACC-1]}}, total[ACC-2:0]};
                wire [31:0] pair = halves[32*at+:32];
                wire [15:0] single = halves[16*at+:16];
                wire [31:0] scale_float, minimum_float;
                roma_half_to_fp #(.LATENCY(0)) scale_of (.clk(clk), .x(now_minimum ? pair[15:0] : single), .y(scale_float));
                roma_half_to_fp #(.LATENCY(0)) minimum_of (.clk(clk), .x(pair[31:16]), .y(minimum_float));
                roma_leaf #(.MINIMUM(MINIMUM), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT)) leaf (
                    .clk(clk), .sum(value), .scale(scale_float), .z(now_lookup ? 23'd1 : z), .minimum(minimum_float),
                    .product(plain[32*FROM+:32]), .y(with_minimum[32*FROM+:32]));
            end
        end
    endgenerate
    wire [LEAF-1:0] mark_d = {
        is_now & ~reset, now_row_end, now_last, now_minimum, now_lookup, now_scale_row, now_levels, now_many[MANY-1:0],
        behind_end};
    roma_delay #(.W(LEAF), .N(EARLY)) delay_leaf (.clk(clk), .d(mark_d), .q(leaf_mark));
    generate
        if (MINIMUM != 0) begin : gen_late
            roma_delay #(.W(LEAF), .N(ADD)) delay_late (.clk(clk), .d(leaf_mark), .q(late_mark));
        end else begin : gen_never
            wire unused_late = &with_minimum;
            assign late_mark = {LEAF{1'b0}};
        end
    endgenerate
    wire is_plain = leaf_mark[LEAF-1] & ~(leaf_mark[LEAF-4] & MINIMUM != 0);
    wire is_late = late_mark[LEAF-1] & late_mark[LEAF-4];
    wire [LEAF-1:0] chosen = is_late ? late_mark : leaf_mark;
    wire [32*F-1:0] leaves = is_late ? with_minimum : plain;
    wire is_leaf = is_plain | is_late;
    wire leaf_row_end, leaf_last, leaf_lookup;
    wire [S-1:0] leaf_scale_row;
    wire [1:0] unused_leaf;
    wire [TREE-1:0] leaf_levels;
    wire [MANY-1:0] leaf_many;
    wire [WIDE-1:0] leaf_behind;
    assign {unused_leaf[1], leaf_row_end, leaf_last, unused_leaf[0], leaf_lookup, leaf_scale_row, leaf_levels, leaf_many, leaf_behind} = chosen;
    assign element = is_leaf & leaf_lookup;
    assign element_last = leaf_last;
    assign elements = leaves;

    // ---- trees, and the scale of the activations ----
    reg [31:0] scales[0:(1<<S)-1];
    always @(posedge clk) if (scale_valid) scales[scale_row] <= scale;
    wire [ROWS-1:0] tree_done, tree_last;
    wire [S*ROWS-1:0] tree_row;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : gen_row
            wire [32*WIDE-1:0] row_leaves;
            for (w = 0; w < WIDE; w = w + 1) begin : gen_of_row
                assign row_leaves[32*w+:32] = leaf_behind[w] ? 32'h80000000 : leaves[32*(w*ROWS+r)+:32];
            end
            wire [31:0] sum;
            roma_tree #(.LEVELS(LEVELS), .ADD(ADD), .WIDE(WIDE), .TAG(1 + S)) tree (
                .clk(clk), .reset(reset), .valid(is_leaf & ~leaf_lookup), .last(leaf_row_end), .levels(leaf_levels), .many(leaf_many),
                .tag({leaf_last, leaf_scale_row}), .leaves(row_leaves), .done(tree_done[r]), .tag_out({tree_last[r], tree_row[S*r+:S]}), .y(sum));
            wire [S-1:0] kept = tree_row[S*r+:S];
            wire comes_now = scale_valid & scale_row == kept;
            roma_fp_mul #(.LATENCY(MUL)) scaled (.clk(clk), .a(comes_now ? scale : scales[kept]), .b(sum), .y(results[32*r+:32]));
        end
    endgenerate
    wire unused_tree = &{tree_done, tree_last};
    roma_delay #(.W(2), .N(MUL)) delay_result (.clk(clk), .d({tree_done[0] & ~reset, tree_last[0]}), .q({result, result_last}));
endmodule
