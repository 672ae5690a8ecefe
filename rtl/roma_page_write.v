// Writes a position's key, value and scales into a page (docs/placement.md: position by position): 32 keys, 32 values, 32 pairs of scales, in words
// of WIDE bytes.
//   start          all of it is there, and stays until the next start; base: the page's first word; at: the position's place
//   mine           the page is this unit's
// The first word is written in the cycle of start; 2 HEAD_DIM / WIDE + 1 of them, which are as many cycles: `wr` of docs/cost-model.md 1.7.
module roma_page_write #(
    parameter HEAD_DIM = 32,
    parameter WIDE = 32,
    parameter A = 11
) (
    input clk,
    input reset,
    input start,
    input mine,
    input [A-1:0] base,
    input [4:0] at,
    input [8*HEAD_DIM-1:0] key, value,
    input [31:0] k_scale, v_scale,
    output write,
    output [WIDE/8-1:0] parts,
    output [A-1:0] address,
    output [8*WIDE-1:0] word
);
    localparam KEY = HEAD_DIM / WIDE, STEPS = 2 * KEY + 1, S = $clog2(STEPS + 1), PAIRS = WIDE / 8;
    reg [S-1:0] step;
    reg active;
    wire [S-1:0] now = start ? {S{1'b0}} : step;
    wire [31:0] number = {{(32-S){1'b0}}, now};
    wire is_pair = number == STEPS - 1, is_value = number >= KEY;
    wire [16*HEAD_DIM-1:0] both = {value, key};
    wire [31:0] place = {27'd0, at}, of_half = is_value ? number - KEY : number;
    wire [31:0] offset = is_pair ? 64 * KEY + place / PAIRS : (is_value ? 32 * KEY : 32'd0) + place * KEY + of_half;
    wire unused_offset = ^offset[31:A];
    assign write = (start || active) && mine;
    assign address = base + offset[A-1:0];
    assign parts = is_pair ? {{(WIDE/8-1){1'b0}}, 1'b1} << place % PAIRS : {(WIDE/8){1'b1}};
    assign word = is_pair ? {PAIRS{v_scale, k_scale}} : both[8*WIDE*now +: 8*WIDE];
    always @(posedge clk) begin
        active <= (start || active && !is_pair) && !reset;
        step <= now + {{(S-1){1'b0}}, 1'b1};
    end
endmodule
