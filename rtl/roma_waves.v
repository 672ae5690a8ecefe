// Addresses of a matrix unit's product, one a wave (docs/cost-model.md 1.8): the words of all its row groups of one matrix for a row of activations.
//   start      in the next cycle the first address is read; what the ports say of the product stands from then on
//   turns      of the address at hand, - 1: it is read so often, a turn for each share of the leaves that end at it (of a lookup of the elements)
//   reads      turns of all addresses - 1; cycles: those they take - 1, at least as many. They are spread evenly: the first is read in the first
//              cycle, the last in the last; a single one in all, and it counts in the last
//   row_words  addresses of a row group - 1; turn_mask: log2 of the waves of a group, as ones
//   slots      groups that a wave ends, log2
//   is_lookup  instead of a product: each address is read `inputs` + 1 times as often, for one input of its words after the other
//   reading    an address is read: `address` of all L-Units, their word number `word` of the row, `scale_address` of the leaves that end
//   counts     and that is one of the `reads`: `turn` of it, input of a lookup
//   first, ends, row_end, last   it is a group's first one, its last, a row group's last (in its last turn), the last read at all
//   group      the first group that the wave has a part of
// A start may come with `last`: then there is no idle cycle.
module roma_waves #(
    parameter ADDRESS = 11,
    parameter SCALE = 11,
    parameter WAVES = 16,
    parameter WORD = 5,
    parameter GROUP = 5,
    parameter TURN = 1
) (
    input clk,
    input reset,
    input start,
    input [ADDRESS-1:0] base,
    input [SCALE-1:0] scale_base,
    input [WAVES-1:0] reads,
    input [WAVES-1:0] cycles,
    input [WORD-1:0] row_words,
    input [WORD-1:0] turn_mask,
    input [3:0] slots,
    input is_lookup,
    input [3:0] inputs,
    input [TURN-1:0] turns,
    output reading,
    output counts,
    output [ADDRESS-1:0] address,
    output [WORD-1:0] word,
    output [SCALE-1:0] scale_address,
    output [GROUP-1:0] group,
    output first,
    output ends,
    output row_end,
    output last,
    output [3:0] one_input,
    output [TURN-1:0] turn
);
    reg is_on, is_fresh;
    reg [WAVES-1:0] done_reads, phase;
    reg [ADDRESS-1:0] offset;
    reg [SCALE-1:0] scale_offset;
    reg [WORD-1:0] word_now;
    reg [GROUP-1:0] group_now;
    reg [3:0] input_now;
    reg [TURN-1:0] turn_now;

    wire is_single = reads == {WAVES{1'b0}};
    wire [WAVES:0] step = {1'b0, phase} + {1'b0, reads[WAVES-1:1], reads[0] | is_single};
    wire is_due = is_fresh ? ~is_single | cycles == {WAVES{1'b0}} : step >= {1'b0, cycles};
    wire [WAVES:0] rest = step - {1'b0, cycles};
    wire unused_rest = rest[WAVES];
    assign reading = is_on & (is_due | is_single);
    assign counts = is_on & is_due;
    assign last = counts & done_reads == reads;
    wire turn_ends = turn_now == turns;
    wire moves = counts & turn_ends & (~is_lookup | input_now == inputs);
    assign first = ~|(word_now & turn_mask);
    assign ends = ~|(~word_now & turn_mask);
    wire row_word = word_now == row_words;
    assign row_end = row_word & turn_ends;
    assign address = base + offset;
    assign scale_address = scale_base + scale_offset;
    assign word = word_now;
    assign group = group_now;
    assign one_input = input_now;
    assign turn = turn_now;

    always @(posedge clk) begin
        is_on <= (start | is_on & ~last) & ~reset;
        is_fresh <= start;
        if (is_on) phase <= is_fresh ? {WAVES{1'b0}} : is_due ? rest[WAVES-1:0] : step[WAVES-1:0];
        if (start) begin
            done_reads <= {WAVES{1'b0}};
            offset <= {ADDRESS{1'b0}};
            scale_offset <= {SCALE{1'b0}};
            word_now <= {WORD{1'b0}};
            group_now <= {GROUP{1'b0}};
            input_now <= 4'd0;
            turn_now <= {TURN{1'b0}};
        end else if (counts) begin
            done_reads <= done_reads + {{WAVES - 1{1'b0}}, 1'b1};
            turn_now <= turn_ends ? {TURN{1'b0}} : turn_now + {{TURN - 1{1'b0}}, 1'b1};
            if (turn_ends) input_now <= input_now == inputs ? 4'd0 : input_now + 4'd1;
            if (moves) begin
                offset <= offset + {{ADDRESS - 1{1'b0}}, 1'b1};
                word_now <= row_word ? {WORD{1'b0}} : word_now + {{WORD - 1{1'b0}}, 1'b1};
                if (ends) scale_offset <= scale_offset + {{SCALE - 1{1'b0}}, 1'b1};
                if (row_word)
                    group_now <= {GROUP{1'b0}};
                else if (ends)
                    group_now <= group_now + ({{GROUP - 1{1'b0}}, 1'b1} << slots);
            end
        end
    end
endmodule
