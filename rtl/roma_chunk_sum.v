// Integer sums of an adapter's products (docs/numerics.md 3.4): those of 2^width neighbouring lanes, and over the cycles that a row takes.
//   products       LANES of 24 bits, as roma_mac gives them, with
//   valid, last    they are there; they are their rows' last
//   width          LEAST to clog2(LANES): LANES >> width rows at a time, the first in the lowest lanes
//   levels         hops until the sums leave, width + clog2 of a row's cycles at least
//   is_up          which of the two ways out they take; tag goes with the rows
//   sums           LANES >> LEAST of 32 bits, with done; those behind the last row of the cycle are nobody's
// Latency levels hops, red(columns) of the timing law (docs/cost-model.md 1.8); interval 1. Rows of one way out that follow each other have the
// same levels, or more than those before them.
module roma_chunk_sum #(
    parameter LANES = 32,
    parameter LEAST = 3,
    parameter LEVELS = 6,  // most of levels
    parameter TAG = 1,
    parameter HOP = 1,
    parameter LOG = $clog2(LANES),
    parameter WIDTH = $clog2(LOG + 1),
    parameter COUNT = $clog2(LEVELS + 1)
) (
    input clk,
    input reset,
    input valid,
    input last,
    input [WIDTH-1:0] width,
    input [COUNT-1:0] levels,
    input is_up,
    input [TAG-1:0] tag,
    input [24*LANES-1:0] products,
    output down_done,
    output [TAG-1:0] down_tag,
    output [(LANES>>LEAST)*32-1:0] down_sums,
    output up_done,
    output [TAG-1:0] up_tag,
    output [(LANES>>LEAST)*32-1:0] up_sums
);
    localparam ROWS = LANES >> LEAST;
    localparam MARK = 3 + WIDTH + COUNT + TAG;
    localparam OUT = 1 + TAG + 32 * ROWS;
    genvar k, i;
    generate
        for (k = 0; k <= LEVELS; k = k + 1) begin : gen_level
            localparam HERE = k <= LEAST ? LANES >> k : ROWS;
            localparam [COUNT-1:0] LEVEL = k;
            wire [32*HERE-1:0] q;
            wire [MARK-1:0] mark;
            wire there, is_last, goes_up;
            wire [WIDTH-1:0] its_width;
            wire [COUNT-1:0] its_levels;
            wire [TAG-1:0] its_tag;
            assign {there, is_last, goes_up, its_width, its_levels, its_tag} = mark;
            wire is_end = its_levels == LEVEL;
            wire unused_mark = ^{is_last, its_width, its_tag};
            wire [OUT-1:0] out;
            wire [2*OUT-1:0] outs;  // of what ends here or below
            if (k < LEAST) begin : gen_no_end
                assign out = {OUT{1'b0}};
            end else begin : gen_end
                assign out = {1'b1, its_tag, q[32*ROWS-1:0]} & {OUT{there & is_last & is_end}};
            end
            wire [2*OUT-1:0] both = {out & {OUT{goes_up}}, out & {OUT{~goes_up}}};
            if (k == 0) begin : gen_products
                assign mark = {valid & ~reset, last, is_up, width, levels, tag};
                assign outs = both;
                for (i = 0; i < LANES; i = i + 1) begin : gen_lane
                    assign q[32*i+:32] = {{8{products[24*i+23]}}, products[24*i+:24]};
                end
            end else begin : gen_sums
                assign outs = gen_level[k-1].outs | both;
                wire goes = gen_level[k-1].there & ~gen_level[k-1].is_end;
                wire goes_on;
                if (k <= LEAST) begin : gen_pairs
                    assign goes_on = goes;
                    for (i = 0; i < HERE; i = i + 1) begin : gen_pair
                        roma_delay #(.W(32), .N(HOP)) hop (
                            .clk(clk), .d(gen_level[k-1].q[64*i+:32] + gen_level[k-1].q[64*i+32+:32]), .q(q[32*i+:32]));
                    end
                end else begin : gen_either
                    // neighbouring lanes of a word, or words that follow each other
                    wire pairs;
                    if (k <= LOG) begin : gen_within
                        localparam [WIDTH-1:0] WIDE = k;
                        assign pairs = gen_level[k-1].its_width >= WIDE;
                    end else begin : gen_over
                        assign pairs = 1'b0;
                    end
                    reg [32*ROWS-1:0] held;
                    reg has;
                    always @(posedge clk) begin
                        if (goes) held <= gen_level[k-1].q;
                        has <= (goes & ~pairs ? ~has & ~gen_level[k-1].is_last : has) & ~reset;
                    end
                    assign goes_on = goes & (pairs | has | gen_level[k-1].is_last);
                    for (i = 0; i < ROWS; i = i + 1) begin : gen_row
                        wire [31:0] one = gen_level[k-1].q[32*i+:32], kept = held[32*i+:32] & {32{has}};
                        wire [31:0] left, right;
                        if (2 * i + 1 < ROWS) begin : gen_pair
                            assign left = pairs ? gen_level[k-1].q[64*i+:32] : kept;
                            assign right = pairs ? gen_level[k-1].q[64*i+32+:32] : one;
                        end else begin : gen_one
                            assign left = kept;
                            assign right = one;
                        end
                        roma_delay #(.W(32), .N(HOP)) hop (.clk(clk), .d(left + right), .q(q[32*i+:32]));
                    end
                end
                roma_delay #(.W(MARK), .N(HOP)) delay_mark (.clk(clk), .d({goes_on & ~reset, gen_level[k-1].mark[MARK-2:0]}), .q(mark));
            end
        end
    endgenerate
    assign {up_done, up_tag, up_sums, down_done, down_tag, down_sums} = gen_level[LEVELS].outs;
endmodule
