// Denominators of the queries of a pass (docs/numerics.md 4, step 4): exact sums, in any order of the queries.
//   clear          a new pass: all sums 0
//   valid          amount is added to query's sum: one cycle
//   sums           64 bits a query
// Latency 1, a HOP; interval 1.
module roma_denominator #(
    parameter QUERIES = 8
) (
    input clk,
    input clear,
    input valid,
    input [$clog2(QUERIES)-1:0] query,
    input [63:0] amount,
    output [64*QUERIES-1:0] sums
);
    reg [64*QUERIES-1:0] running;
    wire [63:0] next = running[64*query+:64] + amount;
    genvar i;
    generate
        for (i = 0; i < QUERIES; i = i + 1) begin : gen_query
            always @(posedge clk) if (clear | valid & query == i) running[64*i+:64] <= clear ? 64'd0 : next;
        end
    endgenerate
    assign sums = running;
endmodule
