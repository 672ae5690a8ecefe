// Activations that an L-Unit meets: the codes of its words' inputs with their shifts, filled by the broadcast, two rows (docs/placement.md).
//   fill_*   FILL sub-groups of 8 inputs of a row, those from fill_index * FILL on; L-Unit `index` of N keeps the inputs of words index,
//            index + N, ... of codes of 2, 4 or 8 bits (fill_bits 0, 1, 2), from place fill_base on
//   read_*   the inputs of word `read_word` of its own (N * read_word + index of the row), as roma_lunit takes them, one cycle later
//   one_hot  instead of them 1 at input `one_input` of the word, else 0: then the L-Unit's sums are that input's codes
// A place has 16 inputs. What is written in a cycle can be read in the next.
module roma_codes #(
    parameter N = 4,
    parameter FILL = 4,
    parameter INPUTS = 128,
    parameter PLACE = $clog2(INPUTS / 16),  // bits of a place
    parameter COUNT = 8  // bits of fill_index
) (
    input clk,
    input [$clog2(N)-1:0] index,
    input fill,
    input fill_row,
    input [1:0] fill_bits,
    input [PLACE-1:0] fill_base,
    input [COUNT-1:0] fill_index,
    input [64*FILL-1:0] fill_codes,
    input [3*FILL-1:0] fill_shifts,
    input read_row,
    input [1:0] read_bits,
    input [PLACE-1:0] read_base,
    input [PLACE+1:0] read_word,
    input one_hot,
    input [3:0] one_input,
    output [127:0] codes,
    output [5:0] shifts
);
    /* verilator no_inline_module */
    localparam LOG = $clog2(N);
    localparam HALF = COUNT + $clog2(FILL) + 1;  // bits of a half's number
    localparam OWN = HALF + PLACE + 2;
    // quarters of a place: 4 codes and the shift of their sub-group
    reg [34:0] memory[0:8*(INPUTS/16)-1];

    // Where half h of the sub-groups (4 inputs) lies: which L-Unit has it, and in which quarter of its own.
    genvar h;
    generate
        for (h = 0; h < 2 * FILL; h = h + 1) begin : gen_half
            localparam [HALF-COUNT-1:0] H = h;
            wire [HALF-1:0] half = {fill_index, H};
            wire [HALF-1:0] word = fill_bits == 2'd0 ? half >> 2 : fill_bits == 2'd1 ? half >> 1 : half;
            wire [OWN-1:0] own = {{PLACE + 2{1'b0}}, word} >> LOG;
            wire [OWN-PLACE-1:0] unused_own = own[OWN-1:PLACE];
            wire [PLACE+1:0] quarter = fill_bits == 2'd0 ? {own[PLACE-1:0], half[1:0]} :
                fill_bits == 2'd1 ? {own[PLACE:0], half[0]} : own[PLACE+1:0];
            wire [PLACE+1:0] at = quarter + {fill_base, 2'd0};
            wire mine = fill & word[LOG-1:0] == index;
            always @(posedge clk) if (mine) memory[{fill_row, at}] <= {fill_shifts[3*(h/2)+:3], fill_codes[32*h+:32]};
        end
    endgenerate

    wire [PLACE-1:0] place = read_base +
        (read_bits == 2'd0 ? read_word[PLACE-1:0] : read_bits == 2'd1 ? read_word[PLACE:1] : read_word[PLACE+1:2]);
    wire [139:0] quarters = {
        memory[{read_row, place, 2'd3}], memory[{read_row, place, 2'd2}], memory[{read_row, place, 2'd1}], memory[{read_row, place, 2'd0}]};
    wire [69:0] half_place = read_word[0] ? quarters[139:70] : quarters[69:0];
    wire [34:0] quarter_place = read_word[1] ? (read_word[0] ? quarters[139:105] : quarters[104:70]) :
        (read_word[0] ? quarters[69:35] : quarters[34:0]);
    wire is2 = read_bits == 2'd0;
    wire [69:0] low = is2 ? quarters[69:0] : read_bits == 2'd1 ? half_place : {2{quarter_place}};
    wire [5:0] unused_shift = {low[69:67], quarters[139:137]};
    wire [127:0] stored = {quarters[136:105], quarters[101:70], low[66:35], low[31:0]};
    wire [127:0] one = 128'd1 << {one_input, 3'd0};
    reg [127:0] codes_now;
    reg [5:0] shifts_now;
    always @(posedge clk) begin
        codes_now <= one_hot ? one : stored;
        shifts_now <= one_hot ? 6'd0 : {quarters[104:102], low[34:32]};
    end
    assign codes = codes_now;
    assign shifts = shifts_now;
endmodule
