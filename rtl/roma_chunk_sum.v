// Integer sums of an adapter's products (docs/numerics.md 3.4): those of 2^width neighbouring lanes, and over the cycles that a row takes.
//   products       LANES of 24 bits, as roma_mac gives them, with
//   valid, last    they are there; they are their rows' last
//   width          LEAST to clog2(LANES): LANES >> width rows at a time, the first in the lowest lanes; waves: clog2 of the cycles of a row
//   tag            goes with the rows
//   sums           LANES >> LEAST of 32 bits, with done; those behind the last row of the cycle are 0
// Latency width + waves hops, red(columns) of the timing law (docs/cost-model.md 1.8); interval 1, but one that is shorter may not catch up
// with a longer one.
module roma_chunk_sum #(
    parameter LANES = 32,
    parameter LEAST = 2,
    parameter WAVES = 3,  // most of waves
    parameter TAG = 1,
    parameter HOP = 1,
    parameter LOG = $clog2(LANES),
    parameter WIDTH = $clog2(LOG + 1),
    parameter COUNT = $clog2(WAVES + 1)
) (
    input clk,
    input reset,
    input valid,
    input last,
    input [WIDTH-1:0] width,
    input [COUNT-1:0] waves,
    input [TAG-1:0] tag,
    input [24*LANES-1:0] products,
    output done,
    output [TAG-1:0] tag_out,
    output [(LANES>>LEAST)*32-1:0] sums
);
    localparam ROWS = LANES >> LEAST;
    localparam MARK = 2 + WIDTH + COUNT + TAG;
    genvar k, i;
    generate
        for (k = 0; k <= LOG; k = k + 1) begin : gen_level
            localparam [WIDTH-1:0] HERE = k;
            wire [32*(LANES>>k)-1:0] q;
            wire [MARK-1:0] mark;
            wire [MARK+32*ROWS-1:0] out;  // of rows that end here or below
            if (k == 0) begin : gen_products
                assign mark = {valid & ~reset, last, width, waves, tag};
                assign out = {MARK + 32 * ROWS{1'b0}};
                for (i = 0; i < LANES; i = i + 1) begin : gen_lane
                    assign q[32*i+:32] = {{8{products[24*i+23]}}, products[24*i+:24]};
                end
            end else begin : gen_sums
                roma_delay #(.W(MARK), .N(HOP)) delay_mark (
                    .clk(clk), .d({gen_level[k-1].mark[MARK-1] & ~reset, gen_level[k-1].mark[MARK-2:0]}), .q(mark));
                wire here = mark[MARK-1] & mark[COUNT+TAG+:WIDTH] == HERE;
                assign out[MARK+32*ROWS-1:32*ROWS] = gen_level[k-1].out[MARK+32*ROWS-1:32*ROWS] | mark & {MARK{here}};
                for (i = 0; i < (LANES >> k); i = i + 1) begin : gen_pair
                    roma_delay #(.W(32), .N(HOP)) hop (
                        .clk(clk), .d(gen_level[k-1].q[64*i+:32] + gen_level[k-1].q[64*i+32+:32]), .q(q[32*i+:32]));
                end
                for (i = 0; i < ROWS; i = i + 1) begin : gen_row
                    if (k >= LEAST && i < (LANES >> k)) begin : gen_here
                        assign out[32*i+:32] = gen_level[k-1].out[32*i+:32] | q[32*i+:32] & {32{here}};
                    end else begin : gen_below
                        assign out[32*i+:32] = gen_level[k-1].out[32*i+:32];
                    end
                end
            end
        end
        wire [MARK-1:0] top = gen_level[LOG].out[MARK+32*ROWS-1:32*ROWS];
        wire [WIDTH-1:0] unused_width = top[COUNT+TAG+:WIDTH];
        wire [ROWS*(TAG+1)-1:0] marks;
        wire unused_marks = &marks;
        for (i = 0; i < ROWS; i = i + 1) begin : gen_over
            roma_tree #(.LEVELS(WAVES), .ADD(HOP), .TAG(TAG), .INTEGER(1)) over (
                .clk(clk), .reset(reset), .valid(top[MARK-1]), .last(top[MARK-2]), .levels(top[TAG+:COUNT]), .many(1'b0),
                .tag(top[TAG-1:0]), .leaves(gen_level[LOG].out[32*i+:32]), .done(marks[(TAG+1)*i+TAG]),
                .tag_out(marks[(TAG+1)*i+:TAG]), .y(sums[32*i+:32]));
        end
    endgenerate
    assign {done, tag_out} = marks[TAG:0];
endmodule
