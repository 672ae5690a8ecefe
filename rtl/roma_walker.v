// Walks a chip's program (docs/program-format.md) record by record for one kind of unit, and hands out its records with
// what the scoreboard must have seen before each of them may start. KINDS has a bit for each kind of operation (bit 3 is
// EMBED, as the records number them). The first record of the next step waits at `record` before the step begins.
// A record costs a cycle, two records are ready at most; `take` in the cycle in which the record's last block starts.
// number: of the operation, in the order of the unrolled plan. round: changes from step to step, so that a record of the next one is known. before0, before1: writes that stand before the record to the values
// that it reads; 0 for values that it does not read. Value 254, the pages, is counted as value VALUES - 1.
module roma_walker #(
    parameter FILE = "",   // the program; "": an empty one
    parameter WORDS = 8,   // of the program
    parameter FIRST = 3,   // word of the first record
    parameter KINDS = 0,
    parameter VALUES = 32  // a power of two, above every value's number, at most 128
) (
    input clk,
    input reset,
    input take,
    output valid,
    output round,
    output [319:0] record,  // word 0 in the lowest 64 bits; turns of a loop are added
    output [15:0] number,
    output [7:0] before0, before1
);
    localparam A = $clog2(WORDS + 5), V = $clog2(VALUES);
    reg [63:0] words [0:(1<<A)-1];
    integer i;
    initial begin
        for (i = 0; i < (1 << A); i = i + 1) words[i] = 64'd0;
        if (FILE != "") $readmemh(FILE, words, 0, WORDS - 1);
    end

    reg [A-1:0] at, loop_at;
    reg [23:0] turn, turns;
    reg [15:0] slots, counted;
    reg [63:0] steps;    // what a turn adds: [63:32] L-Unit words, [31:0] scale words
    reg [31:0] vectors;  // and words of the vector units
    reg [8*VALUES-1:0] writes;

    wire [A-1:0] one = {{(A-1){1'b0}}, 1'b1}, next = at + {{(A-3){1'b0}}, 3'd5};
    wire [63:0] w0 = words[at], w1 = words[at + one], w2 = words[at + one + one], w3 = words[at + one + one + one],
                w4 = words[at + one + one + one + one];
    wire [4:0] what = w0[63:59];
    wire is_matrix = what == 5'd3 || what == 5'd6, is_vector = what == 5'd4 || what == 5'd7 || what == 5'd8;
    wire in_layer = w0[23:0] != 24'hffffff;
    wire [23:0] turned = in_layer ? turn : 24'd0;
    wire [63:0] f0 = w0 + {40'd0, turned};
    wire [15:0] slot = w1[15:0] == 16'hffff ? w1[15:0] : w1[15:0] + slots * turned[15:0];
    wire [31:0] base = is_matrix ? w3[63:32] + steps[63:32] * {8'd0, turned} : is_vector ? w3[63:32] + vectors * {8'd0, turned} : w3[63:32];
    wire [31:0] scale = is_matrix ? w3[31:0] + steps[31:0] * {8'd0, turned} : w3[31:0];
    wire [319:0] read = {w4, base, scale, w2, w1[63:16], slot, f0};

    // ---- values ----
    wire [7:0] in0 = w0[47:40], in1 = w0[39:32], out = w0[31:24];
    wire [V-1:0] at0 = in0 == 8'd254 ? {V{1'b1}} : in0[V-1:0], at1 = in1 == 8'd254 ? {V{1'b1}} : in1[V-1:0],
                 at2 = out == 8'd254 ? {V{1'b1}} : out[V-1:0];
    wire [7:0] seen0 = in0 == 8'd255 ? 8'd0 : writes[8*at0 +: 8], seen1 = in1 == 8'd255 ? 8'd0 : writes[8*at1 +: 8];

    // ---- two records wait ----
    localparam E = 1 + 320 + 16 + 16;
    reg [E-1:0] front, back;
    reg has_front, has_back;
    wire is_operation = what > 5'd2;
    wire is_mine = is_operation && KINDS[what];
    wire has_room = !has_back;
    wire enters = is_mine && has_room;
    wire moves = is_mine ? has_room : 1'b1;
    reg turns_round;
    wire [E-1:0] entry = {turns_round, read, counted, seen0, seen1};

    assign valid = has_front;
    assign {round, record, number, before0, before1} = front;

    always @(posedge clk) begin
        if (reset) begin
            {has_front, has_back} <= 2'b00;
        end else begin
            if (take || !has_front) begin
                front <= has_back ? back : entry;
                has_front <= has_back || enters;
                has_back <= 1'b0;
            end else if (enters) begin
                back <= entry;
                has_back <= 1'b1;
            end
        end
    end

    always @(posedge clk) begin
        if (reset) begin
            at <= FIRST[A-1:0];
            {turn, slots, steps, vectors} <= 136'd0;
            counted <= 16'd0;
            writes <= {8*VALUES{1'b0}};
            turns_round <= 1'b0;
        end else if (moves) begin
            at <= next;
            case (what)
                5'd0: begin
                    at <= FIRST[A-1:0];
                    counted <= 16'd0;
                    writes <= {8*VALUES{1'b0}};
                    turns_round <= ~turns_round;
                end
                5'd1: begin
                    {slots, turns, steps, vectors} <= {w1[15:0], w2[63:40], w3, w4[63:32]};
                    turn <= 24'd0;
                    loop_at <= next;
                end
                5'd2: begin
                    turn <= turn + 24'd1 == turns ? 24'd0 : turn + 24'd1;
                    if (turn + 24'd1 != turns) at <= loop_at;
                end
                default: begin
                    counted <= counted + 16'd1;
                    if (out != 8'd255) writes[8*at2 +: 8] <= writes[8*at2 +: 8] + 8'd1;
                end
            endcase
        end
    end
endmodule
