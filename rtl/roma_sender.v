// Sends to H-Units what CACHE and ATTEND read of a vector unit's memory, a word a cycle: keys, then values; queries. Their first operand
// is read here, so it is here that they start. Channel kv: valid, last, what 2 (0 key and value, 1 query), row 8, VL FP32.
//   tok      {the cache has ended, H-Units are free}
//   cached   an operation CACHE has ended, of this block
module roma_sender #(
    parameter ALL = 32,
    parameter VL = 8,
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
    output [15:0] address,
    input [32*VL-1:0] word,
    output [12+32*VL-1:0] o_kv,
    output cached,
    output reg [BLOCK_BITS-1:0] cached_block
);
    localparam SHIFT = $clog2(ALL);
    localparam [19:0] ROUND = ALL - 1;
    wire [319:0] record;
    wire [15:0] unused_number;
    wire unused_offers, start;
    wire [7:0] unused_before0, unused_before1;
    wire [BLOCK_BITS-1:0] block;
    wire [7:0] rows_from, rows_count;
    reg active, is_attend, attends, second;
    reg [7:0] row, count, from;
    reg [15:0] at0, at1, i, groups;
    wire is_last_word = i == groups - 16'd1 && (is_attend || second), last = active && is_last_word && row == count - 8'd1;
    // An attention keeps the H-Units until they say so; a CACHE until its last word is read, which is here.
    wire h_free = !attends || tok[0];
    wire unused_over;
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00001800), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS), .EVENTS(EVENTS)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(ended), .ended_value(ended_value), .ended_block(ended_block),
        .free((!active || last) && h_free), .allowed(1'b1), .offers(unused_offers), .start(start), .record(record), .number(unused_number), .block(block),
        .rows_from(rows_from), .rows_count(rows_count), .before0(unused_before0), .before1(unused_before1), .over(unused_over));
    wire [19:0] up = record[167:148] + ROUND;
    wire [15:0] row_at = ({8'd0, from} + {8'd0, row}) * groups + i;
    assign address = (second ? at1 : at0) + row_at;
    assign o_kv = {active, last, 1'b0, is_attend, from + row, word};
    assign cached = tok[1];
    always @(posedge clk) begin
        if (reset || go) cached_block <= {BLOCK_BITS{1'b0}};
        else if (tok[1]) cached_block <= cached_block + {{(BLOCK_BITS-1){1'b0}}, 1'b1};
        if (reset) begin
            {active, attends} <= 2'b00;
        end else begin
            if (tok[0]) attends <= 1'b0;
            if (start) begin
                {active, second, row, i} <= {1'b1, 25'd0};
                {is_attend, at0, at1, from, count} <= {record[63:59] == 5'd12, record[127:96], rows_from, rows_count};
                groups <= up[19:4] >> (SHIFT - 4);
                if (record[63:59] == 5'd12) attends <= 1'b1;
            end else if (active) begin
                i <= i == groups - 16'd1 ? 16'd0 : i + 16'd1;
                if (i == groups - 16'd1 && !is_attend) second <= !second;
                if (is_last_word) row <= row + 8'd1;
                if (last) active <= 1'b0;
            end
        end
    end
endmodule
