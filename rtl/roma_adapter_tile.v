// Adapters in a matrix tile (docs/cost-model.md 1.2, 1.3, 1.8): downs and ups of the adapters that ride, in the program's order, on the H-Unit's
// multiply-adds and SRAM. A down starts when its product's last row begins, or as soon after as the scale comes in time; an up when
// the codes of h are there; both when the one before them reads its last operand.
//   fill ...     codes of activations on their way to the matrix unit: fill_row of the step, of a value with fill_columns
//   passes       a product of a layer begins with the last row of its block in the next cycle
//   scale        channel: valid, soon, row of `soon` 8, row 8, scale 32
//   load         channel: valid, unit 16, address 32, data 64 (docs/program-format.md, "Adapters")
//   i_down       channel from the root: valid, place 8 of codes that are kept, t 32, codes of h
//   o_part       channel to the root: valid, last of a row, LEAVES integers or FP32: of each rank all groups, lowest first
//   o_add        channel: valid, last of a row, place 3, index of the word 16, UPS FP32
//   reads        address is that of the SRAM's word that is multiplied with operands in the next cycle, in which adds says so
//   starts       a down or an up (is_up) begins, of place `at_place`: a down for the product of record `number`, an up for product `product` of the
//                group that ends there
//   sixteens     of the step's largest rank
module roma_adapter_tile #(
    parameter V = 4,
    parameter VL = 8,
    parameter U = 8,
    parameter LANES = 16,
    parameter ROWS = 8,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter DEEP = 3,
    parameter LINK = 64,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter MAC = 32,
    parameter RANK = 16,
    parameter PLACES = 2,
    parameter SLOTS = 21,
    parameter ENTRIES = 84,  // of the directory
    parameter SCALES = 256,  // words of scale_B
    parameter COLUMNS = 64,
    parameter LEAVES = 4,
    parameter A = 11,
    parameter COUNT = 16,
    parameter FILL = V * VL / 8,
    parameter UPS = MAC > 16 ? MAC / 16 : 1,
    parameter PART_W = 2 + 32 * LEAVES,
    parameter DOWN_W = 41 + 16 * RANK,
    parameter ADD_W = 21 + 32 * UPS
) (
    input clk,
    input reset,
    input [15:0] unit,
    input [73:0] step,
    input fill,
    input [7:0] fill_row,
    input [COUNT-1:0] fill_index,
    input [64*FILL-1:0] fill_codes,
    input [3*FILL-1:0] fill_shifts,
    input [19:0] fill_columns,
    input passes,
    input [49:0] scale,
    input [112:0] load,
    input [DOWN_W-1:0] i_down,
    output [PART_W-1:0] o_part,
    output [ADD_W-1:0] o_add,
    output reads,
    output [A-1:0] address,
    output adds,
    output [16*MAC-1:0] operands,
    input [24*MAC-1:0] products,
    output starts,
    output is_up,
    output [15:0] number,
    output [BLOCK_BITS-1:0] block,
    output [1:0] product,
    output [7:0] at_place,
    output [3:0] sixteens
);
    localparam G = LANES / 8, ROOM = (SLOTS + 63) / 64 * 64, RUN = ROWS > 1 ? $clog2(ROWS) : 1, KEPT = 4 * PLACES * ROWS, KEPT_LOG = $clog2(KEPT);
    localparam ENTRY = $clog2(ENTRIES), SCALE = $clog2(SCALES), LOG = $clog2(MAC), WIDTH = $clog2(LOG + 1), SUMS = MAC > 8 ? MAC / 8 : 1;
    localparam C_LOG = $clog2(COLUMNS), R_LOG = $clog2(RANK), LEVELS = C_LOG > R_LOG ? C_LOG : R_LOG, LEVEL = $clog2(LEVELS + 1);
    localparam WAVES = LEVELS > 3 ? LEVELS - 3 : 1, BLOCKS = 10, SCALED = SCALE > BLOCKS ? SCALE : BLOCKS, FLOATS = C_LOG > 6 ? C_LOG - 5 : 1;
    localparam LEAF = $clog2(FLOATS + 1), PLACE = COLUMNS > 8 ? $clog2(COLUMNS / 8) : 1, UP_WIDTH = LOG < 4 ? LOG : 4;
    localparam [7:0] SOON = CONVERT + MUL + ADD + 30 + MUL;
    wire go = step[73];

    // ---- the step, and what rides ----
    reg [7:0] rows;
    reg logits;
    always @(posedge clk) if (step[72] && step[71:64] == 8'd0) {logits, rows} <= step[8:0];
    wire [PLACES*ROOM-1:0] parts;
    wire [32*PLACES-1:0] unused_factors;
    wire [16*PLACES-1:0] entries;
    roma_riders #(.PLACES(PLACES), .SLOTS(SLOTS)) riders (
        .clk(clk), .reset(reset), .step(step), .rank(sixteens), .parts(parts), .factors(unused_factors), .entries(entries));
    reg [63:0] directory [0:(1<<ENTRY)-1];
    reg [32*UPS-1:0] b_scales [0:(1<<SCALE)-1];
    wire is_load = load[112] && (load[111:96] == unit || load[111:96] == 16'hffff);
    wire [3:0] memory = load[95:92];
    wire [27:0] load_at = load[91:64];
    wire [27:0] unused_load_at = load_at;
    always @(posedge clk) if (is_load && memory == 4'd1) directory[load_at[ENTRY-1:0]] <= load[63:0];
    generate
        if (UPS > 1) begin : gen_pieces
            localparam PIECE = UPS > 2 ? $clog2(UPS / 2) : 0;
            localparam [27:0] MASK = (1 << PIECE) - 1;
            wire [27:0] piece = load_at & MASK, word = load_at >> PIECE;
            wire [27:0] unused_word = word;
            always @(posedge clk) if (is_load && memory == 4'd2) b_scales[word[SCALE-1:0]][64*piece +: 64] <= load[63:0];
        end else begin : gen_one
            always @(posedge clk) if (is_load && memory == 4'd2) b_scales[load_at[SCALE-1:0]] <= load[31:0];
        end
    endgenerate

    // ---- when scales come: cycles that are left of each row's ----
    reg [8*ROWS-1:0] left;
    wire with_it = scale[49] && scale[39:32] == scale[47:40];
    wire [7:0] promised = with_it ? 8'd0 : SOON;
    wire [31:0] unused_scale = scale[31:0];
    integer r;
    always @(posedge clk)
        for (r = 0; r < ROWS; r = r + 1) begin
            if (scale[48] && {24'd0, scale[47:40]} == r) left[8*r +: 8] <= promised == 8'd0 ? 8'd0 : promised - 8'd1;
            else if (reset || left[8*r +: 8] == 8'd0) left[8*r +: 8] <= 8'd0;
            else left[8*r +: 8] <= left[8*r +: 8] - 8'd1;
        end

    // ---- products and biases of layers, in order; those of a group ----
    wire [319:0] record;
    wire offers, advances;
    wire [7:0] rows_from, rows_count;
    wire is_linear = record[63:59] == 5'd6, has_ups = record[131];
    wire [15:0] slot = record[79:64];
    wire has_slot = slot != 16'hffff;
    wire [1:0] of_group = record[129:128];
    wire is_product = offers && is_linear && has_slot;
    reg [15:0] group_slot [0:3];
    reg [15:0] group_words [0:3];  // of B's rows, UPS at a time
    wire [15:0] its_words = record[319:304] * G / UPS;
    always @(posedge clk) if (is_product) {group_slot[of_group], group_words[of_group]} <= {slot, its_words};

    // ---- the next down or up of the record: downs place by place, then ups product by product, place by place ----
    localparam N = 5 * PLACES;
    reg [5:0] at;
    wire [N-1:0] has;
    genvar g, p;
    generate
        for (p = 0; p < PLACES; p = p + 1) begin : gen_place
            wire [ROOM-1:0] its_parts = parts[ROOM*p +: ROOM];
            localparam [5:0] HERE = p;
            assign has[p] = is_product && its_parts[slot[$clog2(ROOM)-1:0]] && at <= HERE;
            for (g = 0; g < 4; g = g + 1) begin : gen_product
                localparam [1:0] GROUP = g;
                localparam [5:0] BEHIND = PLACES + PLACES * g + p;
                wire [15:0] its_slot = is_linear && of_group == GROUP ? slot : group_slot[g];
                wire [15-$clog2(ROOM):0] unused_slot = its_slot[15:$clog2(ROOM)];
                assign has[PLACES + PLACES * g + p] =
                    offers && has_slot && has_ups && {1'b0, of_group} + 3'd1 > {1'b0, GROUP} && its_parts[its_slot[$clog2(ROOM)-1:0]] && at <= BEHIND;
            end
        end
    endgenerate
    integer n;
    reg [5:0] which;
    always @* begin
        which = 6'd0;
        for (n = N - 1; n >= 0; n = n - 1) if (has[n]) which = n[5:0];
    end
    localparam [5:0] DOWNS = PLACES;
    wire is_any = |has;
    assign is_up = which >= DOWNS;
    wire [5:0] of_ups = which - DOWNS, up_product = of_ups / DOWNS, up_place = of_ups % DOWNS;
    assign product = is_up ? up_product[1:0] : of_group;
    wire [5:0] place = is_up ? up_place : which;
    wire [15:0] op_slot = is_up && !(is_linear && of_group == product) ? group_slot[product] : slot;
    wire [15:0] words = is_linear && of_group == product ? its_words : group_words[product];
    wire [63:0] entry = directory[entries[16*place +: ENTRY] + op_slot[ENTRY-1:0]];
    wire [7:0] rank = entry[63:56];

    // ---- its shape ----
    wire [4:0] c_log, group_log, width, levels, fill_c, unused_log0, unused_log1, unused_levels;
    wire is_float, unused_float;
    wire [19:0] groups, unused_groups, unused_first, own_first, count, unused_count;
    roma_adapter_shape #(.U(U), .MAC(MAC)) shape (
        .unit(unit), .columns(record[167:148]), .c_log(c_log), .group_log(group_log), .width(width), .is_float(is_float), .groups(groups), .levels(levels),
        .first(unused_first), .count(count));
    roma_adapter_shape #(.U(U), .MAC(MAC)) fill_shape (
        .unit(unit), .columns(fill_columns), .c_log(fill_c), .group_log(unused_log0), .width(unused_log1), .is_float(unused_float), .groups(unused_groups),
        .levels(unused_levels), .first(own_first), .count(unused_count));
    wire [19:0] own_count = (20'd1 << fill_c) >> 3;
    localparam [31:0] ALL_LANES = MAC;
    wire [31:0] together = ALL_LANES >> width, down_blocks = ({24'd0, rank} + together - 1) / together, down_waves = 32'd1 << (c_log - width);
    wire [31:0] up_waves = ({24'd0, rank} + 15) / 16, group_waves = 32'd1 << (group_log - width);
    wire [31:0] blocks = is_up ? {16'd0, words} : down_blocks, waves = is_up ? up_waves : down_waves;
    wire [31:0] last_block = blocks - 1, last_wave = waves - 1, last_of_group = group_waves - 1;
    wire [7:0] last_run = rows_count - 8'd1;
    wire [4:0] down_levels = is_float ? group_log : c_log, leaf_levels = is_float ? c_log - group_log : 5'd0;
    wire [2:0] rank_log = sixteens > 4'd8 ? 3'd4 : sixteens > 4'd4 ? 3'd3 : sixteens > 4'd2 ? 3'd2 : sixteens > 4'd1 ? 3'd1 : 3'd0;
    localparam [4:0] UP_LEVELS = UP_WIDTH[4:0];
    wire [4:0] up_levels = UP_LEVELS + {2'd0, rank_log};
    wire [4:0] its_levels = is_up ? up_levels : down_levels, its_width = is_up ? UP_LEVELS : width;
    wire [31:0] kept = ({30'd0, product} * PLACES + {26'd0, place}) * ROWS + {24'd0, rows_from};
    wire [31:0] from = is_up ? kept : {24'd0, rows_from}, last_kept = kept + {24'd0, last_run};
    // 1.8: `first`, from the start until the block's last row wants its scale
    wire [31:0] adds_of = {27'd0, levels} + {27'd0, leaf_levels};
    wire [31:0] first = {24'd0, rows_count} * down_blocks * down_waves + MUL + {27'd0, down_levels} + DEEP + CONVERT + adds_of * ADD
        + (({28'd0, sixteens} * {12'd0, groups} * 64 + LINK - 1) / LINK);

    // ---- it starts ----
    reg signed [15:0] passed;  // products whose last row began, less those left behind
    reg [KEPT-1:0] arrived;
    wire reading, last;
    wire is_free = !reading || last;
    wire signed [15:0] passed_now = passed + $signed({15'd0, passes});
    wire has_passed = passed_now > 16'sd0;
    wire [7:0] last_row = rows_from + last_run;
    wire [7:0] left_now = scale[48] && scale[47:40] == last_row ? promised : left[8*last_row +: 8];
    wire comes = i_down[DOWN_W-1];
    wire [7:0] down_at = i_down[DOWN_W-2 -: 8];
    wire is_there = arrived[last_kept[KEPT_LOG-1:0]] || comes && {24'd0, down_at} == last_kept;
    assign starts = is_any && is_free && (is_up ? is_there : has_passed && {24'd0, left_now} <= first);
    assign at_place = {2'd0, place};
    assign advances = offers && !is_any;
    wire unused_start, unused_over;
    wire [7:0] unused_before0, unused_before1;
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h000000c0), .HEAD(0), .WAITS(0), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(1'b0), .ended_value(8'd0), .ended_block({BLOCK_BITS{1'b0}}),
        .free(advances), .allowed(1'b1), .offers(offers), .start(unused_start), .record(record), .number(number), .block(block), .rows_from(rows_from),
        .rows_count(rows_count), .before0(unused_before0), .before1(unused_before1), .over(unused_over));
    always @(posedge clk) begin
        at <= reset || go || advances ? 6'd0 : starts ? which + 6'd1 : at;
        passed <= reset || go ? 16'sd0 : passed + {15'd0, passes} - {15'd0, advances && is_product};
        if (starts && !is_up) arrived[last_kept[KEPT_LOG-1:0]] <= 1'b0;
        if (comes) arrived[down_at[KEPT_LOG-1:0]] <= 1'b1;
    end

    // ---- the unit ----
    wire down_valid, down_last, up_valid, up_last;
    wire [32*SUMS-1:0] sums;
    wire [KEPT_LOG-1:0] up_from;
    wire [SCALED-1:0] scale_address;
    wire [32*UPS-1:0] ups;
    wire [A-1:0] op_address = is_up ? entry[16 +: A] : entry[36 +: A];
    roma_adapter_unit #(.LANES(MAC), .COLUMNS(COLUMNS), .RANK(RANK), .ROWS(ROWS), .ENTRIES(KEPT), .FILL(FILL), .ADDRESS(A), .SCALE(SCALED), .BLOCKS(BLOCKS),
        .WAVES(WAVES), .LEVELS(LEVELS), .LEAVES(FLOATS), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .COUNT(COUNT)) adapter (
        .clk(clk), .reset(reset), .fill(fill), .fill_row(fill_row[RUN-1:0]), .fill_index(fill_index), .fill_codes(fill_codes), .fill_shifts(fill_shifts),
        .own_first(own_first[COUNT+3:0]), .own_count(own_count[COUNT+3:0]), .code_valid(comes), .code_at(down_at[KEPT_LOG-1:0]),
        .codes(i_down[16*RANK-1:0]), .t(i_down[16*RANK +: 32]), .start(starts), .op_up(is_up), .op_address(op_address), .op_scale(entry[SCALED-1:0]),
        .op_blocks(last_block[BLOCKS-1:0]), .op_waves(last_wave[WAVES-1:0]), .op_from(from[KEPT_LOG-1:0]), .op_runs(last_run[RUN-1:0]),
        .op_columns(count[PLACE:0]), .op_width(its_width[WIDTH-1:0]), .op_levels(its_levels[LEVEL-1:0]),
        .op_groups(is_float && !is_up ? last_of_group[WAVES-1:0] : {WAVES{1'b0}}), .op_leaves(is_up ? {LEAF{1'b0}} : leaf_levels[LEAF-1:0]),
        .reading(reading), .last(last), .address(address), .operands(operands), .products(products), .down_valid(down_valid), .down_last(down_last),
        .down_sums(sums), .scale_address(scale_address), .scales(b_scales[scale_address[SCALE-1:0]]), .up_valid(up_valid), .up_last(up_last),
        .up_from(up_from), .ups(ups));
    assign reads = starts || reading && !last;
    assign adds = reading;

    // ---- sums leave, each in its group's field; those of an up ----
    reg [4:0] its_log, its_values, its_together;
    reg [31:0] mine;
    reg has_columns;
    wire [31:0] of_group_now = is_float ? {16'd0, unit} : {16'd0, unit} >> (group_log - c_log);
    always @(posedge clk) if (starts && !is_up) {its_log, its_values, its_together, mine, has_columns} <= {levels, 5'd1 << levels, together[4:0], of_group_now, |count};
    wire [4:0] unused_log = its_log;
    generate
        for (p = 0; p < LEAVES; p = p + 1) begin : gen_field
            localparam [31:0] HERE = p;
            wire [31:0] sum_of = HERE >> its_log, value_of = HERE & ({27'd0, its_values} - 32'd1);
            wire is_here = has_columns && value_of == mine && sum_of < {27'd0, its_together};
            wire [32*SUMS-1:0] moved = sums >> {sum_of[3:0], 5'd0};
            wire [32*SUMS-1:0] unused_moved = moved;
            assign o_part[32*p +: 32] = is_here && down_valid ? moved[31:0] : 32'd0;
        end
    endgenerate
    assign o_part[PART_W-1 -: 2] = {down_valid, down_valid && down_last};
    reg [15:0] index;
    always @(posedge clk) index <= reset || up_valid && up_last ? 16'd0 : up_valid ? index + 16'd1 : index;
    localparam [31:0] ROWS_OF = ROWS, PLACES_OF = PLACES;
    wire [31:0] add_place = {{32-KEPT_LOG{1'b0}}, up_from} / ROWS_OF % PLACES_OF;
    wire unused_bits = ^{fill_row, record, up_product, op_slot, entry, last_block, last_wave, last_of_group, its_levels, its_width, from, add_place, scale_address};
    assign o_add = {up_valid, up_last, add_place[2:0], index, ups};
endmodule
