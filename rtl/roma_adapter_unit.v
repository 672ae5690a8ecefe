// Adapters in an H-Unit: its columns of A, its rows of B (docs/numerics.md 3.4, docs/placement.md, docs/cost-model.md 1.8 and 1.11). Outside lie the
// multiply-adds (roma_mac, which attention uses too), the SRAM of adapters, and the network.
//
// Activations, by the broadcast that the matrix unit sees too: FILL sub-groups a cycle, cycle fill_index of row fill_run of a block. Those of
// the columns of the unit, from sub-group own_first on, own_count of them, are kept. Codes of h and t of a row come from roma_adapter_root by the network:
// CODES of them a cycle, from number code_index * CODES on; t with t_valid.
//
// A down or an up begins with `start`; the ports op_* are taken over with it, and another start may come with `last`, which is told while the last word
// is asked for. In the cycle after start the first word of LANES int8 codes is asked for, one a cycle without a pause; words and operands
// of roma_mac stand a cycle after the address:
//   op_up                 B times codes of h, else A times activations
//   op_address            the first word's
//   op_blocks, op_waves   rows of the matrix that is there, in blocks of LANES >> op_width, - 1, and words of a block - 1: 2^op_width lanes have
//                         the columns of a row one after the other, lanes' groups the rows of a block. It is 8 at least in a down
//   op_runs               rows of activations - 1, one after the other; each reads the matrix
//   op_levels             clog2 of a row's words; with op_leaves of a group's
//   op_leaves, op_groups  of a down whose units have several groups of a row (c > group) and add their leaves: log2 of the groups of a unit, else 0;
//                         words of a group as ones (0, 1, 3 ...)
// A down's sums leave as integers with down_valid, LANES >> op_width a cycle in the order of the rank, MUL + red(columns) after the last operands;
// or, with op_leaves, one FP32 number a row after CONVERT and op_leaves ADD more. The network adds integers of one group, and brings
// numbers to the root. An up's leave with up_valid, v scale_B t of the rows of a block, MUL + red(rank) + CONVERT + 2 MUL after the last operands;
// scale_block is the block whose scale_B stands at scales a cycle later. y := fl(y + up) is done where y lies.
// Steps with fewer hops start as much later as the one before them has more.
module roma_adapter_unit #(
    parameter LANES = 32,
    parameter LEAST = 2,  // log2 of what divides every rank
    parameter COLUMNS = 64,  // of A in a unit
    parameter RANK = 16,
    parameter RUNS = 4,  // rows of a block
    parameter FILL = 4,
    parameter CODES = 16,  // a cycle
    parameter ADDRESS = 11,
    parameter BLOCKS = 8,  // bits of op_blocks
    parameter WAVES = 3,  // most of op_levels
    parameter LEAVES = 2,  // most of op_leaves
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1,
    parameter COUNT = 8,  // bits of fill_index
    parameter LOG = $clog2(LANES),
    parameter WIDTH = $clog2(LOG + 1),
    parameter RUN = $clog2(RUNS),
    parameter ROWS = LANES >> LEAST
) (
    input clk,
    input reset,
    input fill,
    input [RUN-1:0] fill_run,
    input [COUNT-1:0] fill_index,
    input [64*FILL-1:0] fill_codes,
    input [3*FILL-1:0] fill_shifts,
    input [COUNT+3:0] own_first,
    input [COUNT+3:0] own_count,
    input code_valid,
    input [RUN-1:0] code_run,
    input [$clog2(RANK/CODES+1)-1:0] code_index,
    input [16*CODES-1:0] codes,
    input t_valid,
    input [31:0] t,
    input start,
    input op_up,
    input [ADDRESS-1:0] op_address,
    input [BLOCKS-1:0] op_blocks,
    input [WAVES-1:0] op_waves,
    input [RUN-1:0] op_runs,
    input [WIDTH-1:0] op_width,
    input [$clog2(WAVES+1)-1:0] op_levels,
    input [WAVES-1:0] op_groups,
    input [$clog2(LEAVES+1)-1:0] op_leaves,
    output reading,
    output last,
    output [ADDRESS-1:0] address,
    output [16*LANES-1:0] operands,
    input [24*LANES-1:0] products,
    output down_valid,
    output down_last,
    output [RUN-1:0] down_run,
    output [32*ROWS-1:0] down_sums,
    output [BLOCKS-1:0] scale_block,
    input [32*ROWS-1:0] scales,
    output up_valid,
    output up_last,
    output [RUN-1:0] up_run,
    output [32*ROWS-1:0] ups
);
    localparam LEVEL = $clog2(WAVES + 1);
    localparam LEAF = $clog2(LEAVES + 1);

    // ---- words of the step ----
    localparam OP = 1 + ADDRESS + BLOCKS + 2 * WAVES + RUN + WIDTH + LEVEL + LEAF;
    reg [OP-1:0] op;
    always @(posedge clk)
        if (start) op <= {op_up, op_address, op_blocks, op_waves, op_runs, op_width, op_levels, op_groups, op_leaves};
    wire is_up;
    wire [ADDRESS-1:0] base;
    wire [BLOCKS-1:0] blocks;
    wire [WAVES-1:0] waves, group_mask;
    wire [RUN-1:0] runs;
    wire [WIDTH-1:0] width;
    wire [LEVEL-1:0] levels;
    wire [LEAF-1:0] leaf_levels;
    assign {is_up, base, blocks, waves, runs, width, levels, group_mask, leaf_levels} = op;
    reg is_on;
    reg [ADDRESS-1:0] offset;
    reg [BLOCKS-1:0] block;
    reg [WAVES-1:0] wave;
    reg [RUN-1:0] run;
    wire block_ends = wave == waves;
    wire run_ends = block_ends & block == blocks;
    wire is_float = |leaf_levels;
    wire sum_ends = is_float ? &(wave | ~group_mask) : block_ends;
    assign reading = is_on;
    assign last = is_on & run_ends & run == runs;
    assign address = base + offset;
    always @(posedge clk) begin
        is_on <= (start | is_on & ~last) & ~reset;
        if (start) begin
            offset <= {ADDRESS{1'b0}};
            block <= {BLOCKS{1'b0}};
            wave <= {WAVES{1'b0}};
            run <= {RUN{1'b0}};
        end else if (is_on) begin
            offset <= run_ends ? {ADDRESS{1'b0}} : offset + {{ADDRESS - 1{1'b0}}, 1'b1};
            wave <= block_ends ? {WAVES{1'b0}} : wave + {{WAVES - 1{1'b0}}, 1'b1};
            if (block_ends) block <= run_ends ? {BLOCKS{1'b0}} : block + {{BLOCKS - 1{1'b0}}, 1'b1};
            if (run_ends) run <= run + {{RUN - 1{1'b0}}, 1'b1};
        end
    end

    // ---- what the words meet: activations with their shifts, or codes of h ----
    localparam PLACES = COLUMNS / 8;
    localparam PLACE = $clog2(PLACES);
    reg [66:0] activations[0:RUNS*PLACES-1];
    reg [15:0] h_codes[0:RUNS*RANK-1];
    genvar i;
    generate
        for (i = 0; i < FILL; i = i + 1) begin : gen_fill
            localparam [COUNT+3:0] I = i;
            wire [COUNT+3:0] mine = {4'd0, fill_index} * FILL + I - own_first;
            wire is_mine = fill & mine < own_count;
            wire [COUNT+3-PLACE:0] unused_mine = mine[COUNT+3:PLACE];
            always @(posedge clk)
                if (is_mine) activations[{fill_run, mine[PLACE-1:0]}] <= {fill_shifts[3*i+:3], fill_codes[64*i+:64]};
        end
        for (i = 0; i < CODES; i = i + 1) begin : gen_code
            localparam [31:0] I = i;
            wire [31:0] at = code_index * CODES + I;
            wire [31-$clog2(RANK):0] unused_at = at[31:$clog2(RANK)];
            always @(posedge clk) if (code_valid) h_codes[{code_run, at[$clog2(RANK)-1:0]}] <= codes[16*i+:16];
        end
        // lane i of a block of 2^k columns has column i mod 2^k of them
        for (i = 0; i < LANES; i = i + 1) begin : gen_operand
            localparam [31:0] I = i;
            wire [15:0] chosen;
            wire [31:0] inner = I & ((32'd1 << width) - 32'd1);
            wire [31:0] column = ({{32 - WAVES{1'b0}}, wave} << width) + inner;
            wire [31:0] unused_column = column;
            wire [66:0] eight = activations[{run, column[PLACE+2:3]}];
            wire [7:0] code = eight[8*(i%8)+:8];
            wire [15:0] shifted = {{8{code[7]}}, code} << eight[66:64];
            wire unused_eight = ^eight;
            assign chosen = is_up ? h_codes[{run, column[$clog2(RANK)-1:0]}] : shifted;
            roma_cut #(.W(16)) cut (.clk(clk), .d(chosen), .q(operands[16*i+:16]));
        end
    endgenerate

    // ---- sums ----
    localparam TAG = 3 + LEAF + RUN + BLOCKS;
    localparam MARK = 2 + WIDTH + LEVEL + TAG;
    wire [MARK-1:0] mark;
    wire [TAG-1:0] tag;
    wire done;
    wire [32*ROWS-1:0] sums;
    roma_delay #(.W(MARK), .N(1 + MUL)) delay_mark (
        .clk(clk), .d({is_on & ~reset, sum_ends, width, levels, is_up, is_float, run_ends, leaf_levels, run, block}), .q(mark));
    wire row_end;
    roma_delay #(.W(1), .N(1 + MUL)) delay_row (.clk(clk), .d(block_ends), .q(row_end));
    wire tag_row_end;
    roma_chunk_sum #(.LANES(LANES), .LEAST(LEAST), .WAVES(WAVES), .TAG(TAG + 1), .HOP(HOP)) chunks (
        .clk(clk), .reset(reset), .valid(mark[MARK-1]), .last(mark[MARK-2]), .width(mark[LEVEL+TAG+:WIDTH]), .waves(mark[TAG+:LEVEL]),
        .tag({row_end, mark[TAG-1:0]}), .products(products), .done(done), .tag_out({tag_row_end, tag}), .sums(sums));
    wire sum_up, sum_float, sum_last;
    wire [LEAF-1:0] sum_levels;
    wire [RUN-1:0] sum_run;
    wire [BLOCKS-1:0] sum_block;
    assign {sum_up, sum_float, sum_last, sum_levels, sum_run, sum_block} = tag;

    // ---- of an up: v scale_B t; of a down of several groups: leaves ----
    reg [31:0] ts[0:RUNS-1];
    always @(posedge clk) if (t_valid) ts[code_run] <= t;
    wire [RUN-1:0] late_run;
    wire late_last, late_up, late_float;
    wire [LEAF-1:0] late_levels;
    wire late_row_end;
    roma_delay #(.W(4 + LEAF + RUN), .N(CONVERT)) delay_float (
        .clk(clk), .d({done & sum_up & ~reset, done & sum_float & ~reset, sum_last, tag_row_end, sum_levels, sum_run}),
        .q({late_up, late_float, late_last, late_row_end, late_levels, late_run}));
    roma_delay #(.W(BLOCKS), .N(CONVERT - 1)) delay_block (.clk(clk), .d(sum_block), .q(scale_block));
    wire [32*ROWS-1:0] floats;
    generate
        for (i = 0; i < ROWS; i = i + 1) begin : gen_row
            roma_int_to_fp #(.LATENCY(CONVERT)) convert (.clk(clk), .x(sums[32*i+:32]), .y(floats[32*i+:32]));
            roma_fp_mul3 #(.MUL(MUL)) scaled (
                .clk(clk), .a(floats[32*i+:32]), .b(scales[32*i+:32]), .c(ts[late_run]), .y(ups[32*i+:32]));
        end
    endgenerate
    roma_delay #(.W(2 + RUN), .N(2 * MUL)) delay_up (.clk(clk), .d({late_up & ~reset, late_last, late_run}), .q({up_valid, up_last, up_run}));
    wire tree_done, tree_last;
    wire [RUN-1:0] tree_run;
    wire [31:0] tree_sum;
    roma_tree #(.LEVELS(LEAVES), .ADD(ADD), .TAG(1 + RUN)) tree (
        .clk(clk), .reset(reset), .valid(late_float), .last(late_row_end), .levels(late_levels), .many(1'b0), .tag({late_last, late_run}),
        .leaves(floats[31:0]), .done(tree_done), .tag_out({tree_last, tree_run}), .y(tree_sum));
    wire is_integer = done & ~sum_up & ~sum_float;
    assign down_valid = is_integer | tree_done;
    assign down_last = is_integer ? sum_last : tree_last;
    assign down_run = is_integer ? sum_run : tree_run;
    assign down_sums = is_integer ? sums : {{ROWS - 1{32'd0}}, tree_sum};
endmodule
