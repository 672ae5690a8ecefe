// Where results of matrix units go in a vector unit's memory: of what every unit sends, the elements that lie here, as the program has
// the products and rows of the embedding in order (docs/program-format.md). Channel res: valid, last, index 16, K FP32.
//   write, address, lane   for each of the U K values that may come in a cycle; they are written in the same cycle
//   ended                  the last one of an operation and block is there, at places to which adapters add nothing
module roma_arrivals #(
    parameter V = 4,
    parameter VL = 8,
    parameter U = 8,
    parameter N = 4,
    parameter G = 2,
    parameter F = 2,
    parameter K = 2,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3
) (
    input clk,
    input reset,
    input [15:0] unit,
    input go,
    input [7:0] rows,
    input logits,
    input [U*(18+32*K)-1:0] i_res,
    output [U*K-1:0] write,
    output [16*U*K-1:0] address,
    output [8*U*K-1:0] lane,
    output [15:0] slot,    // of the product whose rows come; FFFF: none
    output biased,         // its bias follows
    output group_comes,    // a row group of it is there
    output ended,
    output [7:0] ended_value,
    output [BLOCK_BITS-1:0] ended_block
);
    localparam W = 18 + 32 * K, ALL = V * VL, SHIFT = $clog2(ALL);
    localparam [31:0] LOG_OF_N = $clog2(N);
    localparam [4:0] LOG_N = LOG_OF_N[4:0];
    wire [319:0] record;
    wire unused_start;
    wire [7:0] unused_before0, unused_before1;
    wire [15:0] number;
    wire offers;
    wire [BLOCK_BITS-1:0] block;
    wire [7:0] rows_from, rows_count;
    wire [U-1:0] valid, last;
    reg [7:0] row;
    wire is_embed = record[63:59] == 5'd3;
    wire [15:0] row_groups = record[319:304];
    wire [23:0] matrix_rows = record[191:168];
    wire [19:0] columns = record[167:148];
    wire [4:0] inputs_log = 5'd4 - {3'd0, record[147:146]};  // of a word: 32 / bits
    wire [15:0] stride = is_embed ? embed_up[19:4] >> (SHIFT - 4) : rows_up[19:4] >> (SHIFT - 4);
    wire [19:0] embed_up = columns + ALL - 1, rows_up = matrix_rows[19:0] + ALL - 1;
    wire [15:0] base = record[95:80] + ({8'd0, rows_from} + {8'd0, row}) * stride;
    wire row_ends;
    assign ended = row_ends && row == rows_count - 8'd1;
    assign slot = offers && !is_embed ? record[79:64] : 16'hffff;
    assign biased = record[130];
    assign group_comes = offers && valid[0];
    assign ended_value = record[31:24];
    assign ended_block = block;
    // The head is not stored, and passed over. A record's last block is left behind when it has ended.
    wire unused_over;
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00000048), .HEAD(0), .WAITS(0), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(1'b0), .ended_value(8'd0), .ended_block({BLOCK_BITS{1'b0}}), .free(ended),
        .allowed(1'b1), .offers(offers), .start(unused_start), .record(record), .number(number), .block(block), .rows_from(rows_from), .rows_count(rows_count), .before0(unused_before0), .before1(unused_before1), .over(unused_over));
    always @(posedge clk) row <= reset || ended || go ? 8'd0 : row_ends ? row + 8'd1 : row;
    assign row_ends = offers && |last;
    genvar u, k;
    generate
        for (u = 0; u < U; u = u + 1) begin : gen_unit
            wire [15:0] index = i_res[W*u + 32*K +: 16];
            assign valid[u] = i_res[W*u + 32*K + 17];
            assign last[u] = valid[u] && i_res[W*u + 32*K + 16];
            for (k = 0; k < K; k = k + 1) begin : gen_value
                // of the embedding: input by input of a word of the L-Units, turn by turn (roma_matrix_unit)
                wire [31:0] at_word = {16'd0, index} * F + k, of_word = at_word >> inputs_log + LOG_N, input_now = (at_word >> LOG_N) - (of_word << inputs_log),
                            lunit_now = at_word % N, looked_up = (((of_word << LOG_N) + lunit_now) << inputs_log) + input_now;
                wire [31:0] element = is_embed ? looked_up : u * {16'd0, row_groups} * G + {16'd0, index} * G + k;
                wire is_one = is_embed ? k < F && element < {12'd0, columns} : k < G && element < {8'd0, matrix_rows};
                wire [31:0] of_unit = element / VL % V, at = {16'd0, base} + element / ALL, of_lane = element % VL;
                wire unused_at = ^{at[31:16], of_lane[31:8]};
                assign write[K*u + k] = offers && valid[u] && is_one && of_unit == {16'd0, unit};
                assign address[16*(K*u + k) +: 16] = at[15:0];
                assign lane[8*(K*u + k) +: 8] = of_lane[7:0];
            end
        end
    endgenerate
    wire unused_bits = ^{record, number, embed_up[3:0], rows_up[3:0]};
endmodule
