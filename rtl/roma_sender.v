// Sends to H-Units what CACHE and ATTEND read of a vector unit's memory, a word a cycle: keys, then values; queries. Their first operand
// is read here, so it is here that they start. Channel kv: valid, last, what 2 (0 key and value, 1 query), row 8, VL FP32.
// A row of CACHE takes as long as the H-Units need to write it, WIDE bytes a cycle, if that is longer: then its values wait.
//   tok      {the cache has ended, H-Units are free}
//   cached   an operation CACHE has ended, of this block
module roma_sender #(
    parameter ALL = 32,
    parameter VL = 8,
    parameter KV = 2,
    parameter HEAD_DIM = 32,
    parameter WIDE = 32,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter EVENTS = 1
) (
    input clk,
    input reset,
    input go,
    input [7:0] rows,
    input logits,
    input [EVENTS-1:0] ended,
    input [8*EVENTS-1:0] ended_value,
    input [BLOCK_BITS*EVENTS-1:0] ended_block,
    input [1:0] tok,
    output [15:0] number,  // of the operation that is next; allowed: it may begin
    input allowed,
    output [15:0] address,
    input [32*VL-1:0] word,
    output [12+32*VL-1:0] o_kv,
    output cached,
    output reg [BLOCK_BITS-1:0] cached_block
);
    localparam KEYS = (KV * HEAD_DIM + ALL - 1) / ALL, WRITES = 2 * HEAD_DIM / WIDE + 1;
    localparam [31:0] PAUSE_32 = WRITES > 2 * KEYS ? WRITES - 2 * KEYS : 0;  // of a row of CACHE
    localparam [15:0] PAUSE = PAUSE_32[15:0];
    wire [319:0] record;
    wire unused_offers, start;
    wire [7:0] unused_before0, unused_before1;
    wire [BLOCK_BITS-1:0] block;
    wire [7:0] rows_from, rows_count;
    reg active, is_attend, attends, second, pauses;
    reg [7:0] row, count, from;
    reg [15:0] at0, at1, i, groups;
    wire ends_vector = i == groups - 16'd1 && !pauses, ends_row = ends_vector && (is_attend || second), last = active && ends_row && row == count - 8'd1;
    // An attention keeps the H-Units until they say so; a CACHE until its last word is read, which is here.
    wire h_free = !attends || tok[0];
    wire unused_over;
    wire unused_fields = ^{record[319:168], record[147:128], record[95:64], record[58:0], block, words[31:16], last_block};
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00001800), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS), .EVENTS(EVENTS)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(ended), .ended_value(ended_value), .ended_block(ended_block),
        .free((!active || last) && h_free), .allowed(allowed), .offers(unused_offers), .start(start), .record(record), .number(number), .block(block),
        .rows_from(rows_from), .rows_count(rows_count), .before0(unused_before0), .before1(unused_before1), .over(unused_over));
    wire [31:0] elements = {12'd0, record[167:148]}, words = (elements + ALL - 1) / ALL;
    wire [15:0] row_at = ({8'd0, from} + {8'd0, row}) * groups + i;
    assign address = (second ? at1 : at0) + row_at;
    assign o_kv = {active && !pauses, last, 1'b0, is_attend, from + row, word};
    assign cached = tok[1];
    wire [7:0] last_block = (rows - 8'd1) / BLOCK_ROWS;
    wire is_last_block = cached_block == last_block[BLOCK_BITS-1:0];
    always @(posedge clk) begin
        if (reset || go) cached_block <= {BLOCK_BITS{1'b0}};
        else if (tok[1]) cached_block <= is_last_block ? {BLOCK_BITS{1'b0}} : cached_block + {{(BLOCK_BITS-1){1'b0}}, 1'b1};
        if (reset) begin
            {active, attends} <= 2'b00;
        end else begin
            if (tok[0]) attends <= 1'b0;
            if (start) begin
                {active, second, pauses, row, i} <= {1'b1, 26'd0};
                {is_attend, at0, at1, from, count} <= {record[63:59] == 5'd12, record[127:96], rows_from, rows_count};
                groups <= words[15:0];
                if (record[63:59] == 5'd12) attends <= 1'b1;
            end else if (active) begin
                i <= ends_vector || pauses && i == PAUSE - 16'd1 ? 16'd0 : i + 16'd1;
                if (ends_vector && !is_attend) second <= !second;
                pauses <= ends_vector && !ends_row && PAUSE != 16'd0 || pauses && i != PAUSE - 16'd1;
                if (ends_row) row <= row + 8'd1;
                if (last) active <= 1'b0;
            end
        end
    end
endmodule
