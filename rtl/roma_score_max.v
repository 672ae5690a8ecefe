// The largest score of each query of a pass over the keys (docs/numerics.md 4, step 3), as the scores come, in any order of the queries. What
// other H-Units of the head found enters the same way.
//   clear          a new pass: nothing is there yet, which is less than any score
//   valid          query's score is there
//   largest        of each query, 32 bits; FFFFFFFF: nothing
// Latency 1, the hop of `M` in the timing law (docs/cost-model.md 1.9), interval 1. A NaN is the largest.
module roma_score_max #(
    parameter QUERIES = 8
) (
    input clk,
    input clear,
    input valid,
    input [$clog2(QUERIES)-1:0] query,
    input [31:0] score,
    output [32*QUERIES-1:0] largest
);
    // As unsigned integers these compare like the numbers; -0 is less than 0, which exp does not see.
    wire [31:0] key = score[31] ? ~score : {1'b1, score[30:0]};
    reg [32*QUERIES-1:0] keys;
    wire is_larger = key > keys[32*query+:32];
    genvar i;
    generate
        for (i = 0; i < QUERIES; i = i + 1) begin : gen_query
            wire [31:0] mine = keys[32*i+:32];
            wire is_mine = valid & is_larger & query == i;
            always @(posedge clk) keys[32*i+:32] <= clear ? 32'd0 : is_mine ? key : mine;
            assign largest[32*i+:32] = mine[31] ? {1'b0, mine[30:0]} : ~mine;
        end
    endgenerate
endmodule
