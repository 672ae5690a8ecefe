// What a matrix unit does by the program (docs/program-format.md, docs/cost-model.md 1.7 and 1.8): takes the codes of activations that the
// broadcast brings, and starts products and rows of the embedding on its roma_matrix_unit, whose ports these are but for the
// L-Units'. A product starts when its codes are there, and no earlier than lets its first row meet the scale: `first` cycles of it.
//   code     from each vector unit: valid, last, row 8, VL / 8 times {shift 3, eight codes}
//   scale    valid, soon, row 8, scale 32
//   step     go, valid, index 8, word 64
//   taken    the L-Units are taken by somebody else
module roma_products #(
    parameter UNIT = 0,
    parameter V = 4,
    parameter VL = 8,
    parameter N = 4,
    parameter LANES = 16,
    parameter F = 2,
    parameter LINK = 64,
    parameter COLUMNS = 4,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter PIPELINE = 3,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter ADDRESS = 11,
    parameter SCALE = 11,
    parameter PLACE = 3,
    parameter Z = 5,
    parameter WAVES = 16,
    parameter COUNT = 8,
    parameter MERGE = 2,
    parameter TREE = 3,
    parameter FILL = V * VL / 8,
    parameter CODE_W = 10 + VL / 8 * 67
) (
    input clk,
    input reset,
    input [73:0] step,
    input [V*CODE_W-1:0] code,
    input [41:0] scale,
    input taken,
    // roma_matrix_unit
    output fill,
    output reg fill_row,
    output [1:0] fill_bits,
    output [PLACE-1:0] fill_base,
    output [2:0] fill_group,
    output [Z-1:0] fill_z,
    output reg [COUNT-1:0] fill_index,
    output [64*FILL-1:0] fill_codes,
    output [3*FILL-1:0] fill_shifts,
    output start,
    output op_row,
    output [1:0] op_bits,
    output [8:0] op_zero,
    output [ADDRESS-1:0] op_address,
    output [SCALE-1:0] op_scale,
    output [PLACE+1:0] op_row_words,
    output [WAVES-1:0] op_waves,
    output [WAVES-1:0] op_cycles,
    output [MERGE-1:0] op_merge,
    output [PLACE+1:0] op_turns,
    output [Z-1:0] op_groups,
    output [TREE-1:0] op_levels,
    output op_minimum,
    output op_lookup,
    output [3:0] op_lookup_row,
    input last,
    // what the product is
    output starts,       // an operation of this unit kind begins, whether this unit has part in it or not
    output is_head,
    output [23:0] head_rows,
    output [23:0] unit_rows,
    output [15:0] number
);
    localparam G = LANES / 8, ALL = V * VL, SHIFT = $clog2(ALL), LOG_N = $clog2(N);
    localparam [7:0] SOON = CONVERT + MUL + ADD + 30 + MUL;
    function [4:0] log2(input [15:0] x);  // rounded up
        integer i;
        begin
            log2 = 5'd0;
            for (i = 0; i < 16; i = i + 1) if ({16'd0, x} > 32'd1 << i) log2 = i[4:0] + 5'd1;
        end
    endfunction

    // ---- the step ----
    reg [7:0] rows;
    reg logits;
    reg [31:0] token;
    always @(posedge clk)
        if (step[72]) begin
            if (step[71:64] == 8'd0) {logits, rows} <= step[8:0];
            if (step[71:64] == 8'd1) token <= step[63:32];
        end

    // ---- codes: of the values that records NORM and QUANTISE make, in their order ----
    wire codes_offer, unused_codes_start;
    wire [319:0] codes_record;
    wire [15:0] unused_codes_number;
    wire [BLOCK_BITS-1:0] codes_block;
    wire [7:0] unused_from, unused_count;
    wire codes_end = code[CODE_W-2];  // of vector unit 0: all send alike
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00000030), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS), .WAITS(0)) of_codes (
        .clk(clk), .reset(reset), .go(step[73]), .rows(rows), .logits(logits), .ended(1'b0), .ended_value(8'd0), .ended_block({BLOCK_BITS{1'b0}}),
        .free(codes_end), .allowed(1'b1), .offers(codes_offer), .start(unused_codes_start), .record(codes_record), .number(unused_codes_number),
        .block(codes_block), .rows_from(unused_from), .rows_count(unused_count));
    assign fill = code[CODE_W-1];
    always @(posedge clk) begin
        fill_index <= reset || codes_end ? {COUNT{1'b0}} : fill ? fill_index + {{(COUNT-1){1'b0}}, 1'b1} : fill_index;
        fill_row <= !reset && (fill_row ^ codes_end);
    end
    genvar v, k;
    generate
        for (v = 0; v < V; v = v + 1) begin : gen_unit
            for (k = 0; k < VL / 8; k = k + 1) begin : gen_sub
                assign {fill_shifts[3*(VL/8*v+k) +: 3], fill_codes[64*(VL/8*v+k) +: 64]} = code[CODE_W*v + 67*k +: 67];
            end
        end
    endgenerate

    // ---- the scale ----
    reg [7:0] left, promised, wanted;
    wire [7:0] left_now = scale[40] ? SOON : left;
    wire is_promise = scale[40] || scale[41];  // of QUANTISE there is no other word than the scale itself
    reg awaits;
    always @(posedge clk) begin
        left <= reset ? 8'd0 : left_now == 8'd0 ? 8'd0 : left_now - 8'd1;
        promised <= reset ? 8'd0 : promised + {7'd0, is_promise && !awaits};
        wanted <= reset ? 8'd0 : wanted + {7'd0, codes_end};
        awaits <= !reset && (scale[40] || awaits && !scale[41]);
    end
    wire [7:0] promised_now = promised + {7'd0, is_promise && !awaits}, wanted_now = wanted + {7'd0, codes_end};

    // ---- products ----
    wire [319:0] record;
    wire [BLOCK_BITS-1:0] unused_block;
    wire offers, begins;
    wire [7:0] unused_rows_from, unused_rows_count;
    wire is_embed = record[63:59] == 5'd3;
    wire [15:0] row_groups = record[319:304], row_words = record[303:288], groups = record[287:272], scale_words = record[271:256];
    wire [23:0] matrix_rows = record[191:168];
    wire [19:0] columns = record[167:148];
    wire [2:0] group_log = record[134:132];  // of inputs / 8
    wire [4:0] part_log = {2'd0, group_log} + {3'd0, record[147:146]} - 5'd1 + 5'd0;  // words of a group: inputs bits / 32
    assign op_bits = record[147:146];
    assign op_minimum = record[145];
    assign op_zero = record[143:135];
    assign {fill_bits, fill_group} = {op_bits, group_log};
    assign {fill_base, fill_z} = {(PLACE+Z){1'b0}};
    wire [4:0] merge = part_log < LOG_N ? part_log : LOG_N;
    wire is_over = part_log > LOG_N;
    assign op_merge = merge[MERGE-1:0];
    assign op_turns = is_over ? ~({(PLACE+2){1'b1}} << (part_log - LOG_N)) : {(PLACE+2){1'b0}};
    wire [15:0] last_group = groups - 16'd1;
    wire [4:0] levels = log2(groups);
    assign op_groups = last_group[Z-1:0];
    assign op_levels = levels[TREE-1:0];
    // cycles of a row group, of the gather, of the row (1.8)
    wire [31:0] leaves = ({16'd0, groups} * G + F - 1) / F, of_group = leaves > {16'd0, row_words} ? leaves : {16'd0, row_words};
    wire [31:0] of_rows = of_group * {16'd0, row_groups}, crossing = {8'd0, matrix_rows} + ALL - 1, column = ({8'd0, matrix_rows} + COLUMNS - 1) / COLUMNS;
    wire [31:0] edge_cycles = (4 * column + LINK - 1) / LINK, crossed = crossing >> SHIFT, gather = edge_cycles > crossed ? edge_cycles : crossed;
    wire [31:0] cycles = is_head || of_rows > gather ? of_rows : gather, waves = {16'd0, row_groups} * {16'd0, row_words}, lookups = {12'd0, columns} / F;
    wire [31:0] last_wave = is_embed ? lookups - 1 : waves - 1, last_cycle = is_embed ? lookups - 1 : cycles - 1;
    assign op_waves = last_wave[WAVES-1:0];
    assign op_cycles = last_cycle[WAVES-1:0];
    wire [15:0] last_word = row_words - 16'd1;
    assign op_row_words = last_word[PLACE+1:0];
    // the row of the embedding that a token chooses
    wire [31:0] group_rows = {16'd0, row_groups} * G, of_unit = token / group_rows, in_unit = token % group_rows, of_group_row = in_unit / G, lookup_row = in_unit % G;
    assign op_lookup = is_embed;
    assign op_lookup_row = lookup_row[3:0];
    wire [31:0] address = record[255:224] + (is_embed ? of_group_row * {16'd0, row_words} : 32'd0);
    wire [31:0] scales = record[223:192] + (is_embed ? of_group_row * {16'd0, scale_words} : 32'd0);
    assign op_address = address[ADDRESS-1:0];
    assign op_scale = scales[SCALE-1:0];
    assign is_head = record[57];
    assign head_rows = matrix_rows;
    assign unit_rows = group_rows[23:0];
    reg its_row;
    always @(posedge clk) if (codes_end) its_row <= fill_row;
    assign op_row = codes_end ? fill_row : its_row;
    // first (1.3, 1.8): from the start until the first row wants its scale
    wire [31:0] first = {16'd0, row_words} + PIPELINE + {27'd0, merge} + {31'd0, is_over} + CONVERT + MUL + (op_minimum ? ADD : 0) + {27'd0, levels} * ADD;
    wire allowed = is_embed || promised_now == wanted_now && {24'd0, left_now} <= first;
    reg working;
    always @(posedge clk) working <= !reset && (begins || working && !last_now);
    reg [WAVES-1:0] elsewhere;  // a lookup of another unit takes this one's time too
    wire last_now = is_mine ? last : elsewhere == {WAVES{1'b0}};
    reg is_mine;
    always @(posedge clk) begin
        if (begins) {is_mine, elsewhere} <= {!is_embed || of_unit == UNIT, op_cycles};
        else if (elsewhere != {WAVES{1'b0}}) elsewhere <= elsewhere - {{(WAVES-1){1'b0}}, 1'b1};
    end
    assign start = begins && (!is_embed || of_unit == UNIT);
    assign starts = begins;
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00000048), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS)) of_products (
        .clk(clk), .reset(reset), .go(step[73]), .rows(rows), .logits(logits), .ended(codes_offer && codes_end), .ended_value(codes_record[31:24]),
        .ended_block(codes_block), .free((!working || last_now) && !taken), .allowed(allowed), .offers(offers), .start(begins), .record(record),
        .number(number), .block(unused_block), .rows_from(unused_rows_from), .rows_count(unused_rows_count));
endmodule
