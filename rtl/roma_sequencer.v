// Issues the operations of some kinds to a unit that takes one after the other (docs/program-format.md): record by record, and of each
// record block by block, `start` in the cycle before the first operand is read. A record for rows whose logits are wanted sees the
// last row alone, and is passed over in a step that wants none; so is one with the bit for the head if HEAD is 0.
//   go        the step's cycles begin with the next one; rows of the step and logits are there
//   free      the unit is idle, or reads its last operand; allowed: what else the unit asks for, of the record and block at hand
//   rows_from, rows_count: of the block, within the step; before0, before1: writes to what it reads that stand before it
module roma_sequencer #(
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter KINDS = 0,
    parameter HEAD = 1,
    parameter WAITS = 1,  // 0: for what a record reads nobody waits, who follows what others do
    parameter VALUES = 32,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
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
    input free,
    input allowed,
    output offers,  // a record and block of this step
    output start,
    output [319:0] record,
    output [15:0] number,
    output [BLOCK_BITS-1:0] block,
    output [7:0] rows_from, rows_count,
    output [7:0] before0, before1,
    output over  // no record of the step is left
);
    wire valid, round, there;
    reg its_round, running;
    reg [BLOCK_BITS-1:0] at;
    assign over = valid && running && !go && round != its_round;
    wire now_round = go ? ~its_round : its_round;
    wire is_now = valid && (running || go) && round == now_round;
    wire last_only = record[58], is_head = record[57];
    wire skips = is_now && (last_only && !logits || HEAD == 0 && is_head);
    wire [7:0] last_block = (rows - 8'd1) / BLOCK_ROWS;
    assign block = last_only ? last_block[BLOCK_BITS-1:0] : at;
    wire is_last_block = last_only || {{(8-BLOCK_BITS){1'b0}}, at} == last_block;
    wire [7:0] first_row = {{(8-BLOCK_BITS){1'b0}}, at} * BLOCK_ROWS, left = rows - first_row;
    assign rows_from = last_only ? rows - 8'd1 : first_row;
    assign rows_count = last_only ? 8'd1 : left < BLOCK_ROWS ? left : BLOCK_ROWS;
    assign offers = is_now && !skips;
    assign start = offers && (there || WAITS == 0) && free && allowed;
    roma_walker #(.FILE(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(KINDS), .VALUES(VALUES)) walker (
        .clk(clk), .reset(reset), .take(start && is_last_block || skips), .valid(valid), .round(round), .record(record), .number(number),
        .before0(before0), .before1(before1));
    roma_scoreboard #(.VALUES(VALUES), .BLOCK_BITS(BLOCK_BITS), .EVENTS(EVENTS)) scoreboard (
        .clk(clk), .clear(reset || go), .ended(ended), .value(ended_value), .block(ended_block), .in0(record[47:40]), .in1(record[39:32]),
        .before0(before0), .before1(before1), .in_block(block), .there(there));
    always @(posedge clk) begin
        if (reset) begin
            {its_round, running, at} <= {1'b1, 1'b0, {BLOCK_BITS{1'b0}}};
        end else begin
            if (go) {its_round, running} <= {~its_round, 1'b1};
            if (start && !last_only) at <= is_last_block ? {BLOCK_BITS{1'b0}} : at + {{(BLOCK_BITS-1){1'b0}}, 1'b1};
        end
    end
endmodule
