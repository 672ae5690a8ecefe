// The order of an attention's second pass, of weights and, with PARTS, of values (docs/cost-model.md 1.9): round after round of pages, in each query
// after query, and the positions of the page that it sees, PARTS times. As roma_key_walk walks, and all H-Units alike: `here` is the
// position in the page of the unit with page 0.
//   start      the first item is there; one a cycle while `steps`
//   first, ends              an item is the first, the last of its query's page and part
//   ends_query, ends_row     it is the last of the query's page; of the row's heads, in the last page that the row sees
//   ends_round, last         it is the last of the round; of the pass
//   pages      of the round's P pages those that the row sees; last_page: it sees none after them
module roma_page_walk #(
    parameter PARTS = 1,
    parameter GROUP = 2,
    parameter P = 4,
    parameter ROUND = 2,  // bits
    parameter ROW = 2,
    parameter G = 1,
    parameter PART = 1,
    parameter SEEN = 3
) (
    input clk,
    input reset,
    input start,
    input steps,
    input [15:0] position,
    input [ROW:0] count,
    output valid,
    output reg [ROUND-1:0] round,
    output reg [15:0] here,
    output reg [ROW-1:0] row,
    output reg [G-1:0] head,
    output reg [PART-1:0] part,
    output [SEEN-1:0] pages,
    output last_page,
    output first, ends, ends_query, ends_row, ends_round, last
);
    reg active;
    wire [31:0] sum = {16'd0, here[15:5], 5'd0} + 32 * P, seen = {21'd0, left[15:5]} + 1;
    wire [ROW:0] last_row = count - {{ROW{1'b0}}, 1'b1};
    wire [15:0] mine = position + {{(16-ROW){1'b0}}, row}, last_position = position + {{(15-ROW){1'b0}}, last_row};
    wire [15:0] page = {here[15:5], 5'd0}, next_page = sum[15:0], after = next_page - position;
    wire [ROW-1:0] next_row = next_page > position ? after[ROW-1:0] : {ROW{1'b0}};
    wire [15:0] left = mine - page;
    wire [31:0] least = seen < P ? seen : P;
    wire unused_high = ^{sum[31:16], after[15:ROW], left[4:0], least[31:SEEN]};
    wire ends_part = {{(32-PART){1'b0}}, part} == PARTS - 1, ends_head = ends_query && {{(32-G){1'b0}}, head} == GROUP - 1;
    assign valid = (start || active) && steps && !reset;
    assign pages = least[SEEN-1:0];
    assign first = here[4:0] == 5'd0;
    assign ends = &here[4:0] || here == mine;
    assign ends_query = ends && ends_part;
    assign last_page = next_page > mine;
    assign ends_row = ends_head && last_page;
    assign ends_round = ends_head && row == last_row[ROW-1:0];
    assign last = valid && ends_round && next_page > last_position;
    always @(posedge clk) begin
        active <= (start || active) && !last && !reset;
        if (reset || last) begin
            {round, here, row, head, part} <= {(ROUND+16+ROW+G+PART){1'b0}};
        end else if (valid) begin
            here <= ends_round ? next_page : ends ? page : here + 16'd1;
            if (ends) part <= ends_part ? {PART{1'b0}} : part + {{(PART-1){1'b0}}, 1'b1};
            if (ends_query) head <= ends_head ? {G{1'b0}} : head + {{(G-1){1'b0}}, 1'b1};
            if (ends_head) row <= ends_round ? next_row : row + {{(ROW-1){1'b0}}, 1'b1};
            if (ends_round) round <= round + {{(ROUND-1){1'b0}}, 1'b1};
        end
    end
endmodule
