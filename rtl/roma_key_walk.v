// The order of an attention's first pass (docs/cost-model.md 1.9): round after round of pages, in each position after position, and query after query
// of those that see the position, in PARTS parts. All H-Units of a KV head walk alike, as the one with page 0 does: it has page P round, and what
// this walk calls `here` is the position in that page. Rows of the block attend position + row and all before.
//   start    the first item is there; one a cycle
//   first    the position's first query; ends: an item is the last of its position, last: of the pass
//   enters   the next item is of another position: its place in the page, its round
module roma_key_walk #(
    parameter PARTS = 1,
    parameter GROUP = 2,  // query heads
    parameter P = 4,
    parameter ROUND = 2,  // bits
    parameter ROW = 2,
    parameter G = 1,
    parameter PART = 1
) (
    input clk,
    input reset,
    input start,
    input [15:0] position,
    input [ROW:0] count,
    output valid,
    output reg [ROUND-1:0] round,
    output reg [15:0] here,
    output reg [ROW-1:0] row,
    output reg [G-1:0] head,
    output reg [PART-1:0] part,
    output first,
    output [ROUND-1:0] next_round,
    output [4:0] next_at,
    output last
);
    reg active;
    wire [ROW:0] last_row = count - {{ROW{1'b0}}, 1'b1};
    wire [15:0] last_position = position + {{(15-ROW){1'b0}}, last_row};
    wire ends_part = {{(32-PART){1'b0}}, part} == PARTS - 1, ends_head = ends_part && {{(32-G){1'b0}}, head} == GROUP - 1;
    wire ends = ends_head && row == last_row[ROW-1:0];
    wire ends_page = &here[4:0] || here == last_position;
    wire [31:0] after = {16'd0, here[15:5], 5'd0} + 32 * P;
    wire [15:0] next_page = after[15:0], next_here = ends_page ? next_page : here + 16'd1;
    wire [15:0] behind = here - position, next_behind = next_here - position;
    wire [ROW-1:0] first_row = here > position ? behind[ROW-1:0] : {ROW{1'b0}}, next_row = next_here > position ? next_behind[ROW-1:0] : {ROW{1'b0}};
    wire unused_high = ^{after[31:16], behind[15:ROW], next_behind[15:ROW]};
    wire is_end = ends && ends_page && next_page > last_position;
    assign valid = (start || active) && !reset;
    assign first = row == first_row && head == {G{1'b0}};
    assign next_round = ends_page ? round + {{(ROUND-1){1'b0}}, 1'b1} : round;
    assign next_at = next_here[4:0];
    assign last = valid && is_end;
    always @(posedge clk) begin
        active <= valid && !is_end;
        if (reset || last) begin
            {round, here, row, head, part} <= {(ROUND+16+ROW+G+PART){1'b0}};
        end else if (valid) begin
            part <= ends_part ? {PART{1'b0}} : part + {{(PART-1){1'b0}}, 1'b1};
            if (ends_part) head <= ends_head ? {G{1'b0}} : head + {{(G-1){1'b0}}, 1'b1};
            if (ends_head) row <= ends ? next_row : row + {{(ROW-1){1'b0}}, 1'b1};
            if (ends) {round, here} <= {next_round, next_here};
        end
    end
endmodule
