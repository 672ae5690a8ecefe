// Codes of activations in a matrix unit's two buffers, and when their scales come (docs/cost-model.md 1.3, 1.8). A block's first row is
// taken as the broadcast brings it while it is made, if the buffer that nobody multiplies is free for it. All other rows are pulled from the
// vector units' memory when the row before them begins to be multiplied; who is told to wait for a row asks `has`.
//   code     from each vector unit: valid (first row of a block), row_end, last (of the operation and block), row 8 (of the step), and VL / 8
//            times {shift 3, eight codes}; from unit 0 the flags: all send alike
//   pulled   from each vector unit: valid, last, and the same codes
//   scale    valid, soon, row of `soon` 8, row of the scale 8, scale 32; `soon` comes SOON cycles before the scale, or with it
//   wants    the row that is multiplied next, of value want_value, as codes of want_bits and groups of want_group: `has` in buffer
//            has_buffer, also if its last codes come in this cycle
//   is_front it is the first row of an operation that has not begun (want_before: the writes to its value that the program has before it);
//            is it not, its codes lie in the vector units' memory
//   begins   of the row wanted
//   ended    the codes of an operation and block are there
//   scaled   the scale of row scale_of comes within `first` cycles, or is there
module roma_fills #(
    parameter V = 4,
    parameter VL = 8,
    parameter ROWS = 8,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
    parameter SOON = 41,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter COUNT = 16,
    parameter FILL = V * VL / 8,
    parameter CODES = VL / 8 * 67,
    parameter CODE_W = 11 + CODES,
    parameter PULLED_W = 2 + CODES
) (
    input clk,
    input reset,
    input go,
    input [7:0] rows,
    input logits,
    input [V*CODE_W-1:0] code,
    input [V*PULLED_W-1:0] pulled,
    input [49:0] scale,
    input wants,
    input is_front,
    input [7:0] want_value,
    input [7:0] want_before,
    input [BLOCK_BITS-1:0] want_block,
    input [7:0] want_row,
    input [1:0] want_bits,
    input [2:0] want_group,
    output has,
    output has_buffer,
    input begins,
    output pull,
    output ended,
    output [7:0] ended_value,
    output [BLOCK_BITS-1:0] ended_block,
    input [7:0] scale_of,
    input [31:0] first,
    output scaled,
    // roma_matrix_unit
    output fill,
    output [7:0] fill_step_row,  // of the step
    output fill_row,
    output [1:0] fill_bits,
    output [2:0] fill_group,
    output [COUNT-1:0] fill_index,
    output [64*FILL-1:0] fill_codes,
    output [3*FILL-1:0] fill_shifts
);
    localparam TAG = 8 + 8 + 2 + 3;
    wire [CODE_W-1:0] code0 = code[CODE_W-1:0];
    wire [PULLED_W-1:0] pulled0 = pulled[PULLED_W-1:0];
    wire comes = code0[CODE_W-1], row_end = comes && code0[CODE_W-2], codes_last = code0[CODE_W-3];
    wire [7:0] code_row = code0[CODES +: 8];
    wire pull_comes = pulled0[PULLED_W-1], pull_end = pull_comes && pulled0[PULLED_W-2];

    // ---- which codes come: those of NORM and QUANTISE, in the program's order ----
    wire offers, unused_start;
    wire [319:0] record;
    wire [15:0] unused_number;
    wire [7:0] unused_from, unused_count, unused_before0, unused_before1;
    wire unused_over;
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h00000030), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS), .WAITS(0)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(1'b0), .ended_value(8'd0), .ended_block({BLOCK_BITS{1'b0}}),
        .free(codes_last), .allowed(1'b1), .offers(offers), .start(unused_start), .record(record), .number(unused_number),
        .block(ended_block), .rows_from(unused_from), .rows_count(unused_count), .before0(unused_before0), .before1(unused_before1), .over(unused_over));
    assign ended = offers && codes_last;
    assign ended_value = record[31:24];
    wire is_stored;
    roma_scoreboard #(.BLOCK_BITS(BLOCK_BITS)) first_rows (
        .clk(clk), .clear(reset || go), .ended(row_end), .value(ended_value), .block(ended_block), .in0(want_value), .in1(8'd255),
        .before0(want_before), .before1(8'd0), .in_block(want_block), .there(is_stored));

    // ---- two buffers: what is in them, which one is multiplied ----
    reg current;
    reg [1:0] holds;
    reg [TAG-1:0] tag0, tag1;
    wire [TAG-1:0] want = {want_value, want_row, want_bits, want_group};
    wire in0 = holds[0] && tag0 == want, in1 = holds[1] && tag1 == want;
    reg pulling, taking;   // a row that was asked for; one that is taken as it comes
    reg [TAG-1:0] its_tag;
    reg [COUNT-1:0] index, pull_index;
    wire is_first_word = comes && index == {COUNT{1'b0}};
    wire takes = comes && (is_first_word ? wants && is_front && !pulling && ended_value == want_value && code_row == want_row : taking);
    wire complete = takes && row_end || pull_end;
    assign fill = takes || pull_comes;
    assign fill_row = !current;
    assign {fill_bits, fill_group} = pull_comes || !is_first_word ? its_tag[4:0] : want[4:0];
    assign fill_index = pull_comes ? pull_index : index;
    wire [TAG-1:0] tag_now = pull_comes || !is_first_word ? its_tag : want;
    assign fill_step_row = tag_now[12:5];
    wire comes_now = complete && tag_now == want;
    assign has = wants && (in0 || in1 || comes_now);
    assign has_buffer = comes_now ? !current : in1;
    assign pull = wants && !in0 && !in1 && !pulling && !takes && !taking && (!is_front || is_stored);
    always @(posedge clk) begin
        if (reset || go) begin
            {current, holds, pulling, taking} <= 5'd0;
            {index, pull_index} <= {2*COUNT{1'b0}};
        end else begin
            if (begins) current <= has_buffer;
            if (pull) {pulling, its_tag} <= {1'b1, want};
            else if (pull_end) pulling <= 1'b0;
            if (is_first_word) {taking, its_tag} <= takes ? {1'b1, want} : {1'b0, its_tag};
            if (row_end) taking <= 1'b0;
            if (comes) index <= row_end ? {COUNT{1'b0}} : index + {{(COUNT-1){1'b0}}, 1'b1};
            if (pull_comes) pull_index <= pull_end ? {COUNT{1'b0}} : pull_index + {{(COUNT-1){1'b0}}, 1'b1};
            // A row whose codes are made anew is another one; a buffer that is filled has nothing until it has all.
            if (is_first_word && tag0[TAG-1 -: 16] == {ended_value, code_row} || fill && current) holds[0] <= 1'b0;
            if (is_first_word && tag1[TAG-1 -: 16] == {ended_value, code_row} || fill && !current) holds[1] <= 1'b0;
            if (complete && current) {holds[0], tag0} <= {1'b1, tag_now};
            if (complete && !current) {holds[1], tag1} <= {1'b1, tag_now};
        end
    end
    genvar v, k;
    generate
        for (v = 0; v < V; v = v + 1) begin : gen_unit
            for (k = 0; k < VL / 8; k = k + 1) begin : gen_sub
                assign {fill_shifts[3*(VL/8*v+k) +: 3], fill_codes[64*(VL/8*v+k) +: 64]} =
                    pull_comes ? pulled[PULLED_W*v + 67*k +: 67] : code[CODE_W*v + 67*k +: 67];
            end
        end
    endgenerate

    // ---- when the scales are there ----
    wire scale_valid = scale[49], scale_soon = scale[48];
    wire [7:0] soon_row = scale[47:40], scale_row = scale[39:32];
    wire with_it = scale_valid && scale_row == soon_row;
    reg [31:0] now;
    reg [8*ROWS-1:0] promised;               // how often a row's scale was promised
    reg [(8<<BLOCK_BITS)-1:0] codes_of;      // how often a block's codes came
    reg [32*ROWS-1:0] due;
    localparam [31:0] LATER = SOON;
    wire [31:0] due_now = with_it ? now : now + LATER;
    wire is_promised_now = scale_soon && soon_row == scale_of, is_ended_now = ended && ended_block == want_block;
    wire [7:0] promised_now = promised[8*scale_of +: 8] + {7'd0, is_promised_now}, codes_now = codes_of[8*want_block +: 8] + {7'd0, is_ended_now};
    wire [31:0] left = (is_promised_now ? due_now : due[32*scale_of +: 32]) - now;
    assign scaled = promised_now == codes_now && (left[31] || left <= first);
    always @(posedge clk) begin
        now <= reset ? 32'd0 : now + 32'd1;
        if (reset || go) begin
            {promised, due} <= {40*ROWS{1'b0}};
            codes_of <= {(8<<BLOCK_BITS){1'b0}};
        end else begin
            if (scale_soon) promised[8*soon_row +: 8] <= promised[8*soon_row +: 8] + 8'd1;
            if (scale_soon) due[32*soon_row +: 32] <= due_now;
            if (ended) codes_of[8*ended_block +: 8] <= codes_of[8*ended_block +: 8] + 8'd1;
        end
    end
    wire unused_bits = ^{code, pulled, scale[31:0], record};
endmodule
