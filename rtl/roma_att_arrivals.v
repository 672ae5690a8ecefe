// Where what attention gives goes in a vector unit's memory: the first H-Unit of each KV head sends the heads that share it, V VL / KV
// elements a cycle, rounded up, all of them side by side. Channel att: valid, last of the row, row 8, as many FP32.
module roma_att_arrivals #(
    parameter V = 4,
    parameter VL = 8,
    parameter KV = 2,
    parameter HEADS = 4,
    parameter HEAD_DIM = 32,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter A = (V * VL + KV - 1) / KV
) (
    input clk,
    input reset,
    input [15:0] unit,
    input go,
    input [7:0] rows,
    input logits,
    input [KV*(10+32*A)-1:0] i_att,
    output write,
    output [KV*A-1:0] here,
    output [16*KV*A-1:0] address,
    output [8*KV*A-1:0] lane,
    output ended,
    output [7:0] ended_value,
    output [BLOCK_BITS-1:0] ended_block
);
    localparam ALL = V * VL, W = 10 + 32 * A, OF_HEAD = HEADS / KV * HEAD_DIM, STRIDE = (HEADS * HEAD_DIM + ALL - 1) / ALL;
    wire [319:0] record;
    wire unused_start, offers;
    wire [7:0] unused_before0, unused_before1;
    wire [15:0] number;
    wire [BLOCK_BITS-1:0] block;
    wire [7:0] rows_from, rows_count;
    reg [7:0] row;
    reg [15:0] word;
    assign write = offers && i_att[W-1];
    wire row_ends = write && i_att[W-2];
    assign ended = row_ends && row == rows_count - 8'd1;
    assign ended_value = record[31:24];
    assign ended_block = block;
    wire unused_over;
    wire unused_fields = ^{record[319:96], record[79:32], record[23:0], number};
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00001000), .WAITS(0), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(1'b0), .ended_value(8'd0), .ended_block({BLOCK_BITS{1'b0}}), .free(ended),
        .allowed(1'b1), .offers(offers), .start(unused_start), .record(record), .number(number), .block(block), .rows_from(rows_from), .rows_count(rows_count), .before0(unused_before0), .before1(unused_before1), .over(unused_over));
    always @(posedge clk) begin
        row <= reset || ended || go ? 8'd0 : row_ends ? row + 8'd1 : row;
        word <= reset || row_ends || go ? 16'd0 : write ? word + 16'd1 : word;
    end
    genvar h, j;
    generate
        for (h = 0; h < KV; h = h + 1) begin : gen_head
            for (j = 0; j < A; j = j + 1) begin : gen_value
                wire [31:0] of_head = {16'd0, word} * A + j, element = h * OF_HEAD + of_head;
                wire [31:0] of_unit = element / VL % V, at = {16'd0, record[95:80]} + ({24'd0, rows_from} + {24'd0, row}) * STRIDE + element / ALL;
                wire [31:0] its_lane = element % VL;
                wire unused_high = ^{at[31:16], its_lane[31:8]};
                assign lane[8*(h*A + j) +: 8] = its_lane[7:0];
                assign here[h*A + j] = of_unit == {16'd0, unit} && of_head < OF_HEAD;
                assign address[16*(h*A + j) +: 16] = at[15:0];
            end
        end
    endgenerate
endmodule
