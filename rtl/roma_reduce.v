// One number out of LANES: the largest, as unsigned integers, or with SUM = 1 the sum. Adjacent pairs, level by level, an odd last one moving up.
//   x  LANES numbers of W bits, lane 0 in the lowest bits
//   y  W bits, of a sum clog2(LANES) more
// Latency clog2(LANES) HOP, `red` of the timing law (docs/cost-model.md 1.5); interval 1.
module roma_reduce #(
    parameter LANES = 8,
    parameter W = 31,
    parameter SUM = 0,
    parameter HOP = 1
) (
    input clk,
    input [LANES*W-1:0] x,
    output [(SUM != 0 ? W+$clog2(LANES) : W)-1:0] y
);
    localparam LEVELS = $clog2(LANES);
    genvar k, i;
    generate
        for (k = 0; k <= LEVELS; k = k + 1) begin : gen_level
            localparam WIDTH = SUM != 0 ? W + k : W;
            localparam BELOW = (LANES + (1 << k) / 2 - 1) >> (k > 0 ? k - 1 : 0);  // numbers of the level below
            for (i = 0; i < (LANES + (1 << k) - 1) >> k; i = i + 1) begin : gen_node
                wire [WIDTH-1:0] q;
                if (k == 0) begin : gen_input
                    assign q = x[W*i+:W];
                    wire unused_clk = clk;
                end else begin : gen_pair
                    wire [WIDTH-1:0] d;
                    wire [WIDTH-SUM-1:0] a = gen_level[k-1].gen_node[2*i].q;
                    wire [WIDTH-SUM-1:0] b;
                    if (2 * i + 1 == BELOW) begin : gen_odd
                        assign b = {WIDTH - SUM{1'b0}};
                    end else begin : gen_even
                        assign b = gen_level[k-1].gen_node[2*i+1].q;
                    end
                    if (SUM != 0) begin : gen_sum
                        assign d = {1'b0, a} + {1'b0, b};
                    end else begin : gen_largest
                        assign d = a > b ? a : b;
                    end
                    roma_delay #(.W(WIDTH), .N(HOP)) hop (.clk(clk), .d(d), .q(q));
                end
            end
        end
    endgenerate
    assign y = gen_level[LEVELS].gen_node[0].q;
endmodule
