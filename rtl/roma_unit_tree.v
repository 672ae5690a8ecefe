// The lowest levels of the tree of pages (docs/numerics.md 4, step 6, and 3.2): leaves of the P pages of a round, which come at once, one from each
// H-Unit of a KV head.
//   valid, tag   leaves are here, the page of the round's first unit lowest; `pages` of the P are there
//   first        the unit that has the first page of a round
//   levels       of the tree of all pages, the same until all have left: min(levels, clog2(P)) of them are these
//   done, y      the sum
// Latency min(levels, clog2(P)) ADD, interval 1. P is a power of two.
module roma_unit_tree #(
    parameter P = 4,
    parameter WIDE = 2,
    parameter TAG = 8,
    parameter SEEN = 3,
    parameter LEVEL = 3,  // bits of levels
    parameter ADD = 3
) (
    input clk,
    input reset,
    input valid,
    input [SEEN-1:0] pages,
    input [7:0] first,
    input [LEVEL-1:0] levels,
    input [TAG-1:0] tag,
    input [32*WIDE*P-1:0] leaves,
    output done,
    output [TAG-1:0] done_tag,
    output [32*WIDE-1:0] y
);
    localparam LOG = $clog2(P), W = 32 * WIDE, MARK = 1 + SEEN + TAG;
    genvar k, i, j;
    generate
        for (k = 0; k <= LOG; k = k + 1) begin : gen_level
            localparam N = P >> k;
            wire [W*N-1:0] x;
            wire [MARK-1:0] mark;
            wire [W+MARK-1:0] out;
            if (k == 0) begin : gen_leaves
                for (i = 0; i < P; i = i + 1) begin : gen_page
                    wire [31:0] unit = ({24'd0, first} + i) % P;
                    assign x[W*i +: W] = leaves[W*unit +: W];
                end
                assign mark = {valid && !reset, pages, tag};
                assign out = {x[W-1:0], mark};
            end else begin : gen_sums
                wire [W*2*N-1:0] below = gen_level[k-1].x;
                wire [SEEN-1:0] of_below = gen_level[k-1].mark[TAG +: SEEN], pairs = (of_below >> 1) + {{(SEEN-1){1'b0}}, of_below[0]};
                for (i = 0; i < N; i = i + 1) begin : gen_pair
                    wire has_both = {{(32-SEEN){1'b0}}, of_below} > 2 * i + 1;
                    for (j = 0; j < WIDE; j = j + 1) begin : gen_lane
                        roma_fp_add #(.LATENCY(ADD)) add (
                            .clk(clk), .a(below[W*2*i + 32*j +: 32]), .b(has_both ? below[W*(2*i+1) + 32*j +: 32] : 32'h80000000), .y(x[W*i + 32*j +: 32]));
                    end
                end
                roma_delay #(.W(MARK), .N(ADD)) delay_mark (
                    .clk(clk), .d({gen_level[k-1].mark[MARK-1] && !reset, pairs, gen_level[k-1].mark[TAG-1:0]}), .q(mark));
                assign out = {{(32-LEVEL){1'b0}}, levels} >= k ? {x[W-1:0], mark} : gen_level[k-1].out;
            end
        end
    endgenerate
    wire [SEEN-1:0] unused_there = gen_level[LOG].out[TAG +: SEEN];
    assign {y, done} = gen_level[LOG].out[MARK-1 +: W + 1];
    assign done_tag = gen_level[LOG].out[TAG-1:0];
endmodule
