// Counts the writes to every value that have ended, for each block of rows of a step, and says whether what a record
// reads can be read in the next cycle (docs/program-format.md, "Dependency"): an event of the cycle in which a last element is
// written counts at once, so that an operation which is started now reads it as soon as it is there. `clear` before a step; EVENTS
// may come at once.
module roma_scoreboard #(
    parameter VALUES = 32,
    parameter BLOCK_BITS = 1,  // of a block's number
    parameter EVENTS = 1
) (
    input clk,
    input clear,
    input [EVENTS-1:0] ended,
    input [8*EVENTS-1:0] value,  // 254: the pages
    input [BLOCK_BITS*EVENTS-1:0] block,
    input [7:0] in0, in1,        // of the record asked for; 255: none
    input [7:0] before0, before1,
    input [BLOCK_BITS-1:0] in_block,
    output there
);
    localparam V = $clog2(VALUES), B = V + BLOCK_BITS, N = 1 << B;
    reg [8*N-1:0] count, next;
    integer e;
    function [B-1:0] place(input [7:0] v, input [BLOCK_BITS-1:0] b);
        place = {b, v == 8'd254 ? {V{1'b1}} : v[V-1:0]};
    endfunction
    always @* begin
        next = clear ? {8*N{1'b0}} : count;
        for (e = 0; e < EVENTS; e = e + 1)
            if (ended[e]) next[8*place(value[8*e +: 8], block[BLOCK_BITS*e +: BLOCK_BITS]) +: 8] = next[8*place(value[8*e +: 8], block[BLOCK_BITS*e +: BLOCK_BITS]) +: 8] + 8'd1;
    end
    always @(posedge clk) count <= next;
    assign there = (in0 == 8'd255 || next[8*place(in0, in_block) +: 8] >= before0) && (in1 == 8'd255 || next[8*place(in1, in_block) +: 8] >= before1);
endmodule
