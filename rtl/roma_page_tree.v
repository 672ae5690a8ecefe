// Tree of pages (docs/numerics.md 4, step 6, and 3.2), of LANES dimensions and ROWS queries and parts of a head at once: adjacent pairs, level by
// level, an odd last one moving up. Leaves come page by page, from page 0 on, the rows of a page in any order.
//   valid, page, last, row   the leaf of a page comes for a row in the next cycle; it is the row's last page
//   leaf                     LANES values, a cycle later
//   levels                   clog2 of the pages of the row that has most, the same until all have left
//   done, done_row, y        the row's sum
// Latency levels * ADD from a row's last leaf; interval 1, a row not twice within two cycles. Up to 2^LEVELS pages. What of the tree lies between
// H-Units is sums of pairs too.
module roma_page_tree #(
    parameter LANES = 8,
    parameter ROWS = 8,
    parameter LEVELS = 4,
    parameter ADD = 3
) (
    input clk,
    input reset,
    input valid,
    input last,
    input [LEVELS-1:0] page,
    input [$clog2(ROWS)-1:0] row,
    input [32*LANES-1:0] leaf,
    input [$clog2(LEVELS+1)-1:0] levels,
    output done,
    output [$clog2(ROWS)-1:0] done_row,
    output [32*LANES-1:0] y
);
    localparam ROW = $clog2(ROWS);
    localparam MARK = 2 + LEVELS + ROW;  // valid, last, number of the node, row: a cycle before the values
    wire [MARK*(LEVELS+1)-1:0] marks;
    wire [32*LANES*(LEVELS+1)-1:0] values;
    assign marks[MARK-1:0] = {valid & ~reset, last, page, row};
    assign values[32*LANES-1:0] = leaf;
    genvar k, i;
    generate
        for (k = 0; k < LEVELS; k = k + 1) begin : gen_level
            wire coming, is_last;
            wire [LEVELS-1:0] node;
            wire [ROW-1:0] coming_row;
            assign {coming, is_last, node, coming_row} = marks[MARK*k+:MARK];
            reg here;
            reg [ROW-1:0] here_row;
            reg [32*LANES-1:0] memory[0:ROWS-1];
            reg [32*LANES-1:0] held;
            always @(posedge clk) begin
                here <= coming;
                here_row <= coming_row;
                if (here) memory[here_row] <= values[32*LANES*k+:32*LANES];
                // an odd last one goes through the adder with -0, which changes nothing
                held <= node[0] ? memory[coming_row] : {LANES{32'h80000000}};
            end
            for (i = 0; i < LANES; i = i + 1) begin : gen_lane
                roma_fp_add #(.LATENCY(ADD)) add (
                    .clk(clk), .a(held[32*i+:32]), .b(values[32*(LANES*k+i)+:32]), .y(values[32*(LANES*(k+1)+i)+:32]));
            end
            roma_delay #(.W(MARK), .N(ADD)) delay_mark (
                .clk(clk), .d({coming & (node[0] | is_last) & ~reset, is_last, node >> 1, coming_row}), .q(marks[MARK*(k+1)+:MARK]));
        end
    endgenerate
    wire [MARK-1:0] tap = marks[MARK*levels+:MARK];
    wire [LEVELS-1:0] unused_node = tap[ROW+:LEVELS];
    roma_delay #(.W(ROW + 1), .N(1)) delay_done (.clk(clk), .d({tap[MARK-1] & tap[MARK-2] & ~reset, tap[ROW-1:0]}), .q({done, done_row}));
    assign y = values[32*LANES*levels+:32*LANES];
endmodule
