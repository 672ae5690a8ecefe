// Adapters in an H-Unit: its columns of A, its rows of B (docs/numerics.md 3.4, docs/program-format.md, docs/cost-model.md 1.8). Outside lie
// the multiply-adds (roma_mac, which attention uses too), the SRAM of adapters, and the network.
//
// Activations, by the broadcast that the matrix unit sees too: FILL sub-groups a cycle, cycle fill_index of row fill_row of the step. Those of
// the columns of the unit, from sub-group own_first on, own_count of them, are kept. Codes of h and t of a row come from the root
// together, for place code_at of those that are kept.
//
// A down or an up begins with `start`; the ports op_* are taken over with it, and another start may come with `last`, which is told with the last
// word. In the cycle after start the first word of LANES int8 codes is multiplied, one a cycle without a pause; its address stands
// a cycle before it:
//   op_up                 B times codes of h, else A times activations
//   op_address            the first word's; op_scale: of an up's first word of scale_B
//   op_blocks, op_waves   rows of words - 1, and words of each - 1: 2^op_width lanes have the columns of a row one after the other, lanes'
//                         groups the rows of a row of words. It is 4 in an up
//   op_from, op_runs      row of the step, or place of codes of h, of the first row of activations; such rows - 1: each reads the matrix
//   op_columns            sub-groups of activations that a down has here
//   op_levels             hops of the sums (roma_chunk_sum)
//   op_leaves, op_groups  of a down whose units have several groups of a row (c > group) and add their leaves: log2 of the groups of a unit, else 0;
//                         words of a group as ones (0, 1, 3 ...)
// A down's sums leave as integers with down_valid, LANES >> op_width a cycle in the order of the rank, MUL + op_levels after their operands;
// or, with op_leaves, one FP32 number a row after CONVERT and op_leaves ADD more. The network adds integers of one group, and brings
// numbers to the root. An up's leave with up_valid, v scale_B t of the rows of a word, MUL + op_levels + CONVERT + 2 MUL after the last operands;
// CONVERT after its sums scale_address is asked for scale_B. y := fl(y + up) is done where y lies.
module roma_adapter_unit #(
    parameter LANES = 32,
    parameter LEAST = 3,  // log2 of the columns that lie together at least
    parameter COLUMNS = 64,  // of A in a unit
    parameter RANK = 16,
    parameter ROWS = 8,  // of a step
    parameter ENTRIES = 64,  // rows of codes of h that are kept
    parameter FILL = 4,
    parameter ADDRESS = 11,
    parameter SCALE = 10,  // bits of op_scale
    parameter BLOCKS = 8,  // bits of op_blocks
    parameter WAVES = 3,  // bits of op_waves
    parameter LEVELS = 6,  // most of op_levels
    parameter LEAVES = 2,  // most of op_leaves
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1,
    parameter COUNT = 16,  // bits of fill_index
    parameter LOG = $clog2(LANES),
    parameter WIDTH = $clog2(LOG + 1),
    parameter RUN = ROWS > 1 ? $clog2(ROWS) : 1,
    parameter ENTRY = $clog2(ENTRIES),
    parameter SUMS = LANES >> LEAST,
    parameter UPS = LANES > 16 ? LANES / 16 : 1,
    parameter LEVEL = $clog2(LEVELS + 1),
    parameter LEAF = $clog2(LEAVES + 1),
    parameter PLACE = COLUMNS > 8 ? $clog2(COLUMNS / 8) : 1
) (
    input clk,
    input reset,
    input fill,
    input [RUN-1:0] fill_row,
    input [COUNT-1:0] fill_index,
    input [64*FILL-1:0] fill_codes,
    input [3*FILL-1:0] fill_shifts,
    input [COUNT+3:0] own_first,
    input [COUNT+3:0] own_count,
    input code_valid,
    input [ENTRY-1:0] code_at,
    input [16*RANK-1:0] codes,
    input [31:0] t,
    input start,
    input op_up,
    input [ADDRESS-1:0] op_address,
    input [SCALE-1:0] op_scale,
    input [BLOCKS-1:0] op_blocks,
    input [WAVES-1:0] op_waves,
    input [ENTRY-1:0] op_from,
    input [RUN-1:0] op_runs,
    input [PLACE:0] op_columns,
    input [WIDTH-1:0] op_width,
    input [LEVEL-1:0] op_levels,
    input [WAVES-1:0] op_groups,
    input [LEAF-1:0] op_leaves,
    output reading,
    output last,
    output [ADDRESS-1:0] address,
    output [16*LANES-1:0] operands,
    input [24*LANES-1:0] products,
    output down_valid,
    output down_last,
    output [32*SUMS-1:0] down_sums,
    output [SCALE-1:0] scale_address,
    input [32*UPS-1:0] scales,
    output up_valid,
    output up_last,
    output [ENTRY-1:0] up_from,
    output [32*UPS-1:0] ups
);
    // ---- words of the step ----
    localparam OP = 2 + ADDRESS + SCALE + BLOCKS + 2 * WAVES + ENTRY + RUN + PLACE + WIDTH + LEVEL + LEAF;
    reg [OP-1:0] op;
    always @(posedge clk)
        if (start)
            op <= {op_up, op_address, op_scale, op_blocks, op_waves, op_from, op_runs, op_columns, op_width, op_levels, op_groups, op_leaves};
    wire is_up;
    wire [ADDRESS-1:0] base;
    wire [SCALE-1:0] scale_base;
    wire [BLOCKS-1:0] blocks;
    wire [WAVES-1:0] waves, group_mask;
    wire [ENTRY-1:0] from;
    wire [RUN-1:0] runs;
    wire [PLACE:0] places;
    wire [WIDTH-1:0] width;
    wire [LEVEL-1:0] levels;
    wire [LEAF-1:0] leaf_levels;
    assign {is_up, base, scale_base, blocks, waves, from, runs, places, width, levels, group_mask, leaf_levels} = op;
    reg is_on;
    reg [ADDRESS-1:0] offset;
    reg [BLOCKS-1:0] block;
    reg [WAVES-1:0] wave;
    reg [RUN-1:0] run;
    wire block_ends = wave == waves;
    wire run_ends = block_ends & block == blocks;
    wire is_float = |leaf_levels;
    wire sum_ends = is_float ? &(wave | ~group_mask) : block_ends;
    wire [ADDRESS-1:0] next = run_ends ? {ADDRESS{1'b0}} : offset + {{ADDRESS - 1{1'b0}}, 1'b1};
    assign reading = is_on;
    assign last = is_on & run_ends & run == runs;
    assign address = start ? op_address : base + next;
    always @(posedge clk) begin
        is_on <= (start | is_on & ~last) & ~reset;
        if (start) begin
            offset <= {ADDRESS{1'b0}};
            block <= {BLOCKS{1'b0}};
            wave <= {WAVES{1'b0}};
            run <= {RUN{1'b0}};
        end else if (is_on) begin
            offset <= next;
            wave <= block_ends ? {WAVES{1'b0}} : wave + {{WAVES - 1{1'b0}}, 1'b1};
            if (block_ends) block <= run_ends ? {BLOCKS{1'b0}} : block + {{BLOCKS - 1{1'b0}}, 1'b1};
            if (run_ends) run <= run + {{RUN - 1{1'b0}}, 1'b1};
        end
    end

    // ---- what the words meet: activations with their shifts, or codes of h ----
    localparam PLACES = 1 << PLACE;
    reg [66:0] activations[0:(1<<RUN)*PLACES-1];
    reg [16*RANK-1:0] h_codes[0:(1<<ENTRY)-1];
    reg [31:0] ts[0:(1<<ENTRY)-1];
    wire [ENTRY-1:0] entry = from + {{ENTRY - RUN{1'b0}}, run};
    wire [16*RANK-1:0] h_now = h_codes[entry];
    always @(posedge clk)
        if (code_valid) begin
            h_codes[code_at] <= codes;
            ts[code_at] <= t;
        end
    genvar i;
    generate
        for (i = 0; i < FILL; i = i + 1) begin : gen_fill
            localparam [31:0] I = i, FILL_NOW = FILL;
            wire [COUNT+3:0] mine = {4'd0, fill_index} * FILL_NOW[COUNT+3:0] + I[COUNT+3:0] - own_first;
            wire is_mine = fill & mine < own_count;
            wire [COUNT+3-PLACE:0] unused_mine = mine[COUNT+3:PLACE];
            always @(posedge clk)
                if (is_mine) activations[{fill_row, mine[PLACE-1:0]}] <= {fill_shifts[3*i+:3], fill_codes[64*i+:64]};
        end
        // lane i of a word of 2^k columns has column i mod 2^k of them
        for (i = 0; i < LANES; i = i + 1) begin : gen_operand
            localparam [31:0] I = i;
            wire [31:0] inner = I & ((32'd1 << width) - 32'd1);
            wire [31:0] column = ({{32 - WAVES{1'b0}}, wave} << width) + inner;
            wire [31:0] unused_column = column;
            wire is_there = column[PLACE+3:3] < places;
            wire [66:0] eight = is_there ? activations[{entry[RUN-1:0], column[PLACE+2:3]}] : 67'd0;
            wire [7:0] code = eight[8*(i%8)+:8];
            wire [15:0] shifted = {{8{code[7]}}, code} << eight[66:64];
            wire unused_eight = ^eight;
            assign operands[16*i+:16] = is_up ? h_now[16*column[$clog2(RANK)-1:0]+:16] : shifted;
        end
    endgenerate

    // ---- sums ----
    localparam TAG = 3 + LEAF + ENTRY + SCALE;
    localparam MARK = 3 + WIDTH + LEVEL + TAG;
    wire [SCALE-1:0] scale_at = scale_base + {{SCALE - BLOCKS{1'b0}}, block};
    wire [MARK-1:0] mark;
    wire [TAG-1:0] down_tag, up_tag;
    wire down_done, up_done;
    wire [32*SUMS-1:0] sums, up_sums;
    wire [32*(SUMS-UPS):0] unused_sums = {1'b0, up_sums[32*SUMS-1:32*UPS]};
    roma_delay #(.W(MARK), .N(MUL)) delay_mark (
        .clk(clk), .d({is_on & ~reset, sum_ends, is_up, width, levels, is_float, run_ends, block_ends, leaf_levels, entry, scale_at}), .q(mark));
    roma_chunk_sum #(.LANES(LANES), .LEAST(LEAST), .LEVELS(LEVELS), .TAG(TAG), .HOP(HOP)) chunks (
        .clk(clk), .reset(reset), .valid(mark[MARK-1]), .last(mark[MARK-2]), .is_up(mark[MARK-3]), .width(mark[LEVEL+TAG+:WIDTH]), .levels(mark[TAG+:LEVEL]),
        .tag(mark[TAG-1:0]), .products(products), .down_done(down_done), .down_tag(down_tag), .down_sums(sums), .up_done(up_done), .up_tag(up_tag),
        .up_sums(up_sums));

    // ---- of a down: integers, or leaves of several groups ----
    wire sum_float, sum_last, sum_row_end;
    wire [LEAF-1:0] sum_levels, late_levels;
    wire [ENTRY+SCALE-1:0] unused_down;
    assign {sum_float, sum_last, sum_row_end, sum_levels, unused_down} = down_tag;
    wire late_float, late_last, late_row_end, tree_done, tree_last;
    wire [31:0] leaf, tree_sum;
    roma_delay #(.W(3 + LEAF), .N(CONVERT)) delay_float (
        .clk(clk), .d({down_done & sum_float & ~reset, sum_last, sum_row_end, sum_levels}), .q({late_float, late_last, late_row_end, late_levels}));
    roma_int_to_fp #(.LATENCY(CONVERT)) convert_leaf (.clk(clk), .x(sums[31:0]), .y(leaf));
    roma_tree #(.LEVELS(LEAVES), .ADD(ADD), .TAG(1)) tree (
        .clk(clk), .reset(reset), .valid(late_float), .last(late_row_end), .levels(late_levels), .many(1'b0), .tag(late_last), .leaves(leaf),
        .done(tree_done), .tag_out(tree_last), .y(tree_sum));
    wire is_integer = down_done & ~sum_float;
    assign down_valid = is_integer | tree_done;
    assign down_last = is_integer ? sum_last : tree_last;
    assign down_sums = is_integer ? sums : {{SUMS - 1{32'd0}}, tree_sum};

    // ---- of an up: v scale_B t ----
    wire up_late, up_end, unused_row_end, unused_float;
    wire [LEAF-1:0] unused_leaves;
    wire [ENTRY-1:0] late_entry;
    roma_delay #(.W(TAG + 1), .N(CONVERT)) delay_up (
        .clk(clk), .d({up_done & ~reset, up_tag}), .q({up_late, unused_float, up_end, unused_row_end, unused_leaves, late_entry, scale_address}));
    generate
        for (i = 0; i < UPS; i = i + 1) begin : gen_row
            wire [31:0] value;
            roma_int_to_fp #(.LATENCY(CONVERT)) convert (.clk(clk), .x(up_sums[32*i+:32]), .y(value));
            roma_fp_mul3 #(.MUL(MUL)) scaled (.clk(clk), .a(value), .b(scales[32*i+:32]), .c(ts[late_entry]), .y(ups[32*i+:32]));
        end
    endgenerate
    roma_delay #(.W(2 + ENTRY), .N(2 * MUL)) delay_ups (.clk(clk), .d({up_late & ~reset, up_end, late_entry}), .q({up_valid, up_last, up_from}));
endmodule
