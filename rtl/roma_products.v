// What a matrix unit does by the program (docs/program-format.md, docs/cost-model.md 1.7 and 1.8): starts products and rows of the embedding on
// its roma_matrix_unit, whose ports these are but for the L-Units', row by row of each block. A product starts when its codes are there, and no
// earlier than lets its first row meet the scale: `first` cycles of it.
//   code, pulled, scale   as roma_fills takes them; pull: {valid, address of a row's codes in the vector units' memories 16, addresses 8}
//   step           go, valid, index 8, word 64
//   attend_last    an ATTEND, which takes the L-Units too, reads its last operand
module roma_products #(
    parameter V = 4,
    parameter VL = 8,
    parameter N = 4,
    parameter LANES = 16,
    parameter F = 2,
    parameter LINK = 64,
    parameter COLUMNS = 4,
    parameter ROWS = 8,
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
    parameter S = 3,
    parameter WAVES = 16,
    parameter COUNT = 8,
    parameter MERGE = 2,
    parameter TREE = 3,
    parameter FILL = V * VL / 8,
    parameter CODE_W = 11 + VL / 8 * 67,
    parameter PULLED_W = 2 + VL / 8 * 67
) (
    input clk,
    input reset,
    input [15:0] unit,
    input [73:0] step,
    input [V*CODE_W-1:0] code,
    input [V*PULLED_W-1:0] pulled,
    input [49:0] scale,
    input attend_last,
    output [24:0] pull,
    // roma_matrix_unit
    output fill,
    output [7:0] fill_step_row,   // of the step, and columns of its value
    output [19:0] fill_columns,
    output fill_row,
    output [1:0] fill_bits,
    output [2:0] fill_group,
    output [COUNT-1:0] fill_index,
    output [64*FILL-1:0] fill_codes,
    output [3*FILL-1:0] fill_shifts,
    output start,
    output op_row,
    output [S-1:0] op_scale_row,
    output [1:0] op_bits,
    output [8:0] op_zero,
    output [ADDRESS-1:0] op_address,
    output [SCALE-1:0] op_scale,
    output [PLACE+1:0] op_row_words,
    output [WAVES-1:0] op_reads,
    output [WAVES-1:0] op_cycles,
    output [MERGE-1:0] op_merge,
    output [PLACE+1:0] op_turns,
    output [Z-1:0] op_groups,
    output [TREE-1:0] op_levels,
    output op_minimum,
    output op_table,
    output [8:0] op_format,
    output op_lookup,
    output [3:0] op_lookup_row,
    input last,
    // what the product is
    output starts,       // an operation begins, whether this unit has part in it or not
    output passes,       // a block's last row begins, of a product with an adapter slot
    output is_head,
    output [23:0] head_rows,
    output [23:0] unit_rows,
    output reading,      // an operation's operands are read, in this unit or in another
    output row_last,     // the last ones of a row
    output reg [15:0] number,
    output reg [BLOCK_BITS-1:0] block
);
    localparam G = LANES / 8, ALL = V * VL, SHIFT = $clog2(ALL);
    localparam [31:0] LOG_OF_N = $clog2(N);
    localparam [4:0] LOG_N = LOG_OF_N[4:0];
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
    reg [32*ROWS-1:0] tokens;
    integer r;
    always @(posedge clk)
        if (step[72]) begin
            if (step[71:64] == 8'd0) {logits, rows} <= step[8:0];
            for (r = 0; r < ROWS; r = r + 1) if ({24'd0, step[71:64]} == r + 1) tokens[32*r +: 32] <= step[63:32];
        end

    // ---- the operation at hand: the one that runs as long as it has rows left, else the program's next ----
    reg [319:0] its_record;
    reg [7:0] its_row, rows_left;
    wire [319:0] front;
    wire [15:0] front_number;
    wire [BLOCK_BITS-1:0] front_block;
    wire [7:0] front_row, front_rows, front_before, unused_before1;
    wire offers, begins;
    wire more = rows_left != 8'd0;
    wire [319:0] record = more ? its_record : front;
    wire [7:0] row = more ? its_row + 8'd1 : front_row;
    wire is_embed = record[63:59] == 5'd3;

    // ---- its shape ----
    wire [15:0] row_groups = record[319:304], row_words = record[303:288], groups = record[287:272], scale_words = record[271:256];
    wire [23:0] matrix_rows = record[191:168];
    wire [19:0] columns = record[167:148];
    wire [2:0] group_log = record[134:132];  // of inputs / 8
    wire [4:0] part_log = {2'd0, group_log} + {3'd0, record[147:146]} - 5'd1;  // words of a group: inputs bits / 32
    assign op_bits = record[147:146];
    assign op_minimum = record[145];
    assign {op_table, op_format} = {record[144], record[56:48]};
    assign op_zero = record[143:135];
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
    wire [31:0] cycles = is_head || of_rows > gather ? of_rows : gather, lookups = {12'd0, columns} / F;
    wire [31:0] last_read = is_embed ? lookups - 1 : of_rows - 1, last_cycle = is_embed ? lookups - 1 : cycles - 1;
    assign op_reads = last_read[WAVES-1:0];
    assign op_cycles = last_cycle[WAVES-1:0];
    wire [15:0] last_word = row_words - 16'd1;
    assign op_row_words = last_word[PLACE+1:0];
    // the row of the embedding that a token chooses
    wire [31:0] token = tokens[32*row +: 32];
    wire [31:0] group_rows = {16'd0, row_groups} * G, of_unit = token / group_rows, in_unit = token % group_rows, of_group_row = in_unit / G, lookup_row = in_unit % G;
    assign op_lookup = is_embed;
    assign op_lookup_row = lookup_row[3:0];
    wire [31:0] address = record[255:224] + (is_embed ? of_group_row * {16'd0, row_words} : 32'd0);
    wire [31:0] scales = record[223:192] + (is_embed ? of_group_row * {16'd0, scale_words} : 32'd0);
    assign op_address = address[ADDRESS-1:0];
    assign op_scale = scales[SCALE-1:0];
    assign op_scale_row = row[S-1:0];
    assign is_head = record[57];
    assign head_rows = matrix_rows;
    assign unit_rows = group_rows[23:0];
    wire is_mine_now = !is_embed || of_unit == {16'd0, unit};
    // first (1.3, 1.8): from the start until the first row wants its scale
    wire [31:0] first = {16'd0, row_words} + PIPELINE + {27'd0, merge} + {31'd0, is_over} + CONVERT + MUL + (op_minimum ? ADD : 0) + {27'd0, levels} * ADD;

    // ---- its codes ----
    wire has, scaled, codes_ended, pulls;
    wire [7:0] codes_value;
    wire [BLOCK_BITS-1:0] codes_block;
    wire row_starts;
    roma_fills #(.V(V), .VL(VL), .ROWS(ROWS), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS), .SOON(CONVERT + MUL + ADD + 30 + MUL), .PROGRAM(PROGRAM),
        .WORDS(WORDS), .FIRST(FIRST), .COUNT(COUNT)) fills (
        .clk(clk), .reset(reset), .go(step[73]), .rows(rows), .logits(logits), .code(code), .pulled(pulled), .scale(scale),
        .wants((more || offers) && !is_embed), .is_front(!more), .want_value(record[47:40]), .want_before(front_before), .want_block(front_block),
        .want_row(row), .want_bits(op_bits), .want_group(group_log), .has(has), .has_buffer(op_row), .begins(row_starts && !is_embed), .pull(pulls),
        .ended(codes_ended), .ended_value(codes_value), .ended_block(codes_block), .scale_of(front_row + front_rows - 8'd1), .first(first), .scaled(scaled),
        .fill(fill), .fill_step_row(fill_step_row), .fill_row(fill_row), .fill_bits(fill_bits), .fill_group(fill_group), .fill_index(fill_index), .fill_codes(fill_codes),
        .fill_shifts(fill_shifts));
    wire [31:0] stride = ({12'd0, columns} + ALL - 1) >> SHIFT, pull_at = {16'd0, record[127:112]} + {24'd0, row} * stride;
    assign pull = {pulls, pull_at[15:0], stride[7:0]};

    // ---- rows, one behind the other ----
    reg working, is_mine;
    reg [WAVES-1:0] elsewhere;  // a lookup of another unit takes this one's time too
    wire last_now = working && (is_mine ? last : elsewhere == {WAVES{1'b0}});
    wire is_free = !working || last_now;
    assign row_starts = begins || more && is_free && (is_embed || has);
    assign start = row_starts && is_mine_now;
    assign starts = begins;
    assign passes = row_starts && !is_embed && record[79:64] != 16'hffff && (more ? rows_left == 8'd1 : front_rows == 8'd1);
    assign fill_columns = columns;
    assign reading = working;
    assign row_last = last_now;
    always @(posedge clk) begin
        working <= !reset && (row_starts || working && !last_now);
        if (row_starts) begin
            {is_mine, elsewhere} <= {is_mine_now, op_cycles};
            its_row <= row;
            rows_left <= more ? rows_left - 8'd1 : front_rows - 8'd1;
        end else if (elsewhere != {WAVES{1'b0}}) elsewhere <= elsewhere - {{(WAVES-1){1'b0}}, 1'b1};
        if (begins) {its_record, number, block} <= {front, front_number, front_block};
        if (reset) rows_left <= 8'd0;
    end

    // ---- ATTENDs, which take the L-Units too: what stands behind one in the program waits until it has read its last operand ----
    wire attend_offers, unused_attend;
    wire [319:0] unused_record;
    wire [15:0] attend_number;
    wire [BLOCK_BITS-1:0] unused_block;
    wire [7:0] attend_from, unused_attend_count, unused_attend0, unused_attend1;
    wire unused_over0, unused_over1;
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00001000), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS), .WAITS(0)) of_attends (
        .clk(clk), .reset(reset), .go(step[73]), .rows(rows), .logits(logits), .ended(1'b0), .ended_value(8'd0), .ended_block({BLOCK_BITS{1'b0}}),
        .free(attend_last), .allowed(1'b1), .offers(attend_offers), .start(unused_attend), .record(unused_record), .number(attend_number),
        .block(unused_block), .rows_from(attend_from), .rows_count(unused_attend_count), .before0(unused_attend0), .before1(unused_attend1), .over(unused_over0));
    wire last_attend = attend_last && {24'd0, rows} <= {24'd0, attend_from} + BLOCK_ROWS;
    wire is_taken = attend_offers && attend_number < front_number && !last_attend;

    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00000048), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS)) sequencer (
        .clk(clk), .reset(reset), .go(step[73]), .rows(rows), .logits(logits), .ended(codes_ended), .ended_value(codes_value),
        .ended_block(codes_block), .free(is_free && !more && !is_taken), .allowed(is_embed || has && scaled), .offers(offers), .start(begins),
        .record(front), .number(front_number), .block(front_block), .rows_from(front_row), .rows_count(front_rows), .before0(front_before),
        .before1(unused_before1), .over(unused_over1));
    wire unused_bits = ^{step[31:9], record, last_group, last_read, last_cycle, last_word, lookup_row, address, scales, pull_at, stride, group_rows};
endmodule
