// The root's part of adapters (docs/cost-model.md 1.8): sums of downs come from the H-Units in the program's order, h and its codes are made, and
// go back to all of them.
//   part        from the network, merged: valid, last of a row, LEAVES integers or FP32
//   begins      NORM or QUANTISE begins on rows_now rows from row from_now on: their scales are made anew
//   scale       as it is sent: valid, soon, row of `soon` 8, row 8, scale 32
//   load        valid, unit 16, address 32, data 64: for unit FFFE (docs/program-format.md, "Adapters")
//   o_down      valid, place of the codes in the H-Units 8, t 32, codes
module roma_downs #(
    parameter U = 8,
    parameter ROWS = 8,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter LINK = 64,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter MAC = 32,
    parameter RANK = 16,
    parameter PLACES = 2,
    parameter SLOTS = 21,
    parameter ENTRIES = 84,
    parameter LEAVES = 4,
    parameter PART_W = 2 + 32 * LEAVES,
    parameter DOWN_W = 41 + 16 * RANK
) (
    input clk,
    input reset,
    input [73:0] step,
    input [PART_W-1:0] part,
    input begins,
    input [7:0] from_now, rows_now,
    input [49:0] scale,
    input [112:0] load,
    output [DOWN_W-1:0] o_down
);
    localparam ROOM = (SLOTS + 63) / 64 * 64, ENTRY = $clog2(ENTRIES), PLACE = PLACES > 1 ? $clog2(PLACES) : 1, TAG = 8 + ENTRY + PLACE + 8;
    localparam RUN = ROWS > 1 ? $clog2(ROWS) : 1, LOG = $clog2(LEAVES), LEVEL = LOG > 0 ? $clog2(LOG + 1) : 1, COUNT = $clog2($clog2(RANK) + 1);
    wire go = step[73];
    reg [7:0] rows;
    reg logits;
    always @(posedge clk) if (step[72] && step[71:64] == 8'd0) {logits, rows} <= step[8:0];
    wire [3:0] sixteens;
    wire [PLACES*ROOM-1:0] parts;
    wire [32*PLACES-1:0] factors;
    wire [16*PLACES-1:0] entries;
    roma_riders #(.PLACES(PLACES), .SLOTS(SLOTS)) riders (
        .clk(clk), .reset(reset), .step(step), .rank(sixteens), .parts(parts), .factors(factors), .entries(entries));

    // ---- what the host wrote ----
    wire [TAG-1:0] take_tag, t_tag, done_tag;
    wire [ENTRY-1:0] take_entry = take_tag[8+PLACE +: ENTRY], t_entry = t_tag[8+PLACE +: ENTRY];
    reg [31:0] targets [0:(1<<ENTRY)-1];
    wire [32*RANK-1:0] a_scales;
    wire is_load = load[112] && load[111:96] == 16'hfffe;
    wire [31:0] load_at = {4'd0, load[91:64]}, load_entry = load_at / (RANK / 2), load_pair = load_at % (RANK / 2);
    always @(posedge clk) if (is_load && load[95:92] == 4'd0) targets[load_at[ENTRY-1:0]] <= load[31:0];
    genvar i;
    generate
        for (i = 0; i < RANK / 2; i = i + 1) begin : gen_pair
            reg [63:0] two [0:(1<<ENTRY)-1];
            always @(posedge clk) if (is_load && load[95:92] == 4'd1 && load_pair == i) two[load_entry[ENTRY-1:0]] <= load[63:0];
            assign a_scales[64*i +: 64] = two[take_entry];
        end
    endgenerate

    // ---- scales of activations ----
    reg [32*ROWS-1:0] scales;
    reg [ROWS-1:0] has_scale;
    integer r;
    always @(posedge clk)
        for (r = 0; r < ROWS; r = r + 1) begin
            if (scale[49] && {24'd0, scale[39:32]} == r) scales[32*r +: 32] <= scale[31:0];
            has_scale[r] <= !reset && (scale[49] && {24'd0, scale[39:32]} == r
                || has_scale[r] && !(begins && r >= {24'd0, from_now} && r < {24'd0, from_now} + {24'd0, rows_now}));
        end

    // ---- whose sums come: the products of layers in order, of each block place by place, row by row ----
    wire [319:0] record;
    wire offers, unused_start, unused_over;
    wire [7:0] unused_before0, unused_before1;
    wire [15:0] unused_number;
    wire [BLOCK_BITS-1:0] unused_block;
    wire [7:0] rows_from, rows_count;
    wire [15:0] slot = record[79:64];
    wire [1:0] of_group = record[129:128];
    reg [5:0] at;
    reg [7:0] row;
    wire [PLACES-1:0] has;
    genvar p;
    generate
        for (p = 0; p < PLACES; p = p + 1) begin : gen_place
            wire [ROOM-1:0] its_parts = parts[ROOM*p +: ROOM];
            localparam [6:0] BEHIND = p + 1;
            assign has[p] = offers && slot != 16'hffff && its_parts[slot[$clog2(ROOM)-1:0]] && {1'b0, at} < BEHIND;
        end
    endgenerate
    integer n;
    reg [5:0] place;
    always @* begin
        place = 6'd0;
        for (n = PLACES - 1; n >= 0; n = n - 1) if (has[n]) place = n[5:0];
    end
    wire comes = part[PART_W-1], row_ends = comes && part[PART_W-2], is_last = row_ends && row == rows_count - 8'd1;
    wire is_any = |has;
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00000040), .HEAD(0), .WAITS(0), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(1'b0), .ended_value(8'd0), .ended_block({BLOCK_BITS{1'b0}}),
        .free(!is_any), .allowed(1'b1), .offers(offers), .start(unused_start), .record(record), .number(unused_number), .block(unused_block),
        .rows_from(rows_from), .rows_count(rows_count), .before0(unused_before0), .before1(unused_before1), .over(unused_over));
    always @(posedge clk) begin
        row <= reset || go || is_last ? 8'd0 : row_ends ? row + 8'd1 : row;
        at <= reset || go || !is_any ? 6'd0 : is_last ? place + 6'd1 : at;
    end

    // ---- h, codes, t ----
    wire [4:0] unused_c, unused_group, width, levels;
    wire is_float;
    wire [19:0] groups, unused_first, unused_count;
    roma_adapter_shape #(.U(U), .MAC(MAC)) shape (
        .unit(16'd0), .columns(record[167:148]), .c_log(unused_c), .group_log(unused_group), .width(width), .is_float(is_float), .groups(groups),
        .levels(levels), .first(unused_first), .count(unused_count));
    localparam [31:0] ALL_LANES = MAC;
    wire [31:0] together = ALL_LANES >> width, ranks = is_float ? 32'd1 : together, link = ({28'd0, sixteens} * {12'd0, groups} * 64 + LINK - 1) / LINK;
    wire [2:0] rank_log = sixteens > 4'd8 ? 3'd4 : sixteens > 4'd4 ? 3'd3 : sixteens > 4'd2 ? 3'd2 : sixteens > 4'd1 ? 3'd1 : 3'd0;
    wire [3:0] rank_levels = 4'd4 + {1'b0, rank_log};
    wire [7:0] row_now = rows_from + row;
    wire [31:0] kept = ({30'd0, of_group} * PLACES + {26'd0, place}) * ROWS + {24'd0, row_now};
    wire [ENTRY-1:0] entry = entries[16*place +: ENTRY] + slot[ENTRY-1:0];
    wire take;
    wire [7:0] take_row = take_tag[7:0];
    wire [PLACE-1:0] t_place = t_tag[8 +: PLACE];
    roma_adapter_root #(.RANK(RANK), .LEAVES(LEAVES), .TAG(TAG), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT)) root (
        .clk(clk), .reset(reset), .valid(comes), .last(part[PART_W-2]), .is_float(is_float), .levels(levels[LEVEL-1:0]), .ranks(ranks[LOG:0]),
        .leaves(part[32*LEAVES-1:0]), .tag({kept[7:0], entry, place[PLACE-1:0], row_now}), .link(link[7:0]), .take(take), .take_tag(take_tag),
        .ready(has_scale[take_row[RUN-1:0]]), .scale(scales[32*take_row +: 32]), .a_scales(a_scales), .rank_levels(rank_levels[COUNT-1:0]),
        .t_tag(t_tag), .target(targets[t_entry]), .factor(factors[32*t_place +: 32]), .done(o_down[DOWN_W-1]), .done_tag(done_tag),
        .codes(o_down[16*RANK-1:0]), .t(o_down[16*RANK +: 32]));
    assign o_down[DOWN_W-2 -: 8] = done_tag[TAG-1 -: 8];
    wire unused_bits = ^{record, scale, load_entry, levels, ranks, link, rank_levels, kept, take_tag, t_tag, done_tag, take};
endmodule
