// The adapters that ride in a step, as the host says with the step's words (docs/program-format.md, "Run-time variables"): what they have part
// in, place by place, and the largest rank, in sixteens.
module roma_riders #(
    parameter PLACES = 2,
    parameter SLOTS = 64,
    parameter ROOM = (SLOTS + 63) / 64 * 64
) (
    input clk,
    input reset,
    input [73:0] step,
    output reg [3:0] rank,
    output [PLACES*ROOM-1:0] parts,  // of each place: the slots
    output reg [32*PLACES-1:0] factors,
    output reg [16*PLACES-1:0] entries  // first ones in the directories
);
    wire unused_go = step[73];
    wire is_word = step[72] && !reset;
    wire [7:0] index = step[71:64];
    genvar p;
    generate
        for (p = 0; p < PLACES; p = p + 1) begin : gen_place
            localparam [7:0] FIRST = 144 + 16 * p;
            localparam [3:0] BEHIND = p;
            wire [7:0] which = index - FIRST;
            reg rides;
            reg [ROOM-1:0] slots;
            integer j;
            always @(posedge clk) begin
                if (is_word && which == 8'd0) {factors[32*p +: 32], entries[16*p +: 16]} <= {step[63:32], step[15:0]};
                for (j = 0; j < ROOM / 64; j = j + 1)
                    if (is_word && {24'd0, which} == j + 1) slots[64*j +: 64] <= step[63:0];
                rides <= !reset && (is_word && index == 8'd0 ? step[13:10] > BEHIND : rides);
            end
            assign parts[ROOM*p +: ROOM] = slots & {ROOM{rides}};
        end
    endgenerate
    always @(posedge clk) if (is_word && index == 8'd0) rank <= step[19:16];
endmodule
