// L-Unit of a chip whose models mix formats: roma_lunit, and with TABLE = 8 or 10 beside it roma_lunit_table for 4-bit codes with a level table of
// that many bits (docs/numerics.md 1 and 3.1).
//   is_table, levels   the word's codes choose levels; otherwise, and with TABLE = 0, as roma_lunit
//   sums               for each row, SUM bits
// Latency LATENCY (0 to 4), interval 1.
module roma_lunit_any #(
    parameter LANES = 16,
    parameter LATENCY = 2,
    parameter TABLE = 0,
    parameter SUM = TABLE == 0 ? 25 : TABLE + 18,
    parameter LEVEL = TABLE == 0 ? 8 : TABLE
) (
    input clk,
    input [1:0] bits,
    input is_table,
    input [16*LEVEL-1:0] levels,
    input [4*LANES-1:0] word,
    input [127:0] codes,
    input [5:0] shifts,
    output [LANES/8*SUM-1:0] sums
);
    localparam ROWS = LANES / 8;
    wire [ROWS*25-1:0] plain;
    roma_lunit #(.LANES(LANES), .LATENCY(LATENCY)) lunit (.clk(clk), .bits(bits), .word(word), .codes(codes), .shifts(shifts), .sums(plain));
    genvar r;
    generate
        if (TABLE == 0) begin : gen_plain
            wire [16*LEVEL:0] unused_table = {is_table, levels};
            assign sums = plain;
        end else begin : gen_both
            wire [ROWS*SUM-1:0] of_levels;
            wire was_table;
            roma_lunit_table #(.LANES(LANES), .LEVEL(LEVEL), .LATENCY(LATENCY)) lunit_table (
                .clk(clk), .levels(levels), .word(word), .codes(codes[63:0]), .shift(shifts[2:0]), .sums(of_levels));
            roma_delay #(.N(LATENCY)) delay_which (.clk(clk), .d(is_table), .q(was_table));
            for (r = 0; r < ROWS; r = r + 1) begin : gen_row
                wire [24:0] p = plain[25*r+:25];
                assign sums[SUM*r+:SUM] = was_table ? of_levels[SUM*r+:SUM] : {{SUM - 25{p[24]}}, p};
            end
        end
    endgenerate
endmodule
