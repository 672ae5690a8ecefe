// Denominators of the queries of a pass (docs/numerics.md 4, step 4, and 1/D of step 6): exact sums, in any order of the queries. What other
// H-Units of the head summed enters the same way.
//   clear          a new pass: all sums 0
//   valid          amount is added to query's sum: one cycle
//   sums           64 bits a query
//   which, start   the reciprocal of a query's denominator is wanted, start a cycle after which; the next start after INTERVAL cycles
//   done, inverse  1/D, CONVERT + 16 after its start
// A sum is there, and may be named by which, one HOP after its last amount: interval 1.
module roma_denominator #(
    parameter QUERIES = 8,
    parameter CONVERT = 2,
    parameter INTERVAL = 4
) (
    input clk,
    input reset,
    input clear,
    input valid,
    input [$clog2(QUERIES)-1:0] query,
    input [63:0] amount,
    output [64*QUERIES-1:0] sums,
    input start,
    input [$clog2(QUERIES)-1:0] which,
    output done,
    output [31:0] inverse
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

    reg [63:0] chosen;
    always @(posedge clk) chosen <= running[64*which+:64];
    wire [31:0] fixed;
    wire divide;
    roma_int_to_fp #(.W(64), .LATENCY(CONVERT)) convert (.clk(clk), .x(chosen), .y(fixed));
    roma_delay #(.W(1), .N(CONVERT)) delay_start (.clk(clk), .d(start & ~reset), .q(divide));
    wire [7:0] exponent = |fixed[30:23] ? fixed[30:23] - 8'd30 : 8'd0;
    roma_fp_div #(.INTERVAL(INTERVAL)) div (
        .clk(clk), .reset(reset), .start(divide), .a(32'h3F800000), .b({fixed[31], exponent, fixed[22:0]}), .done(done), .y(inverse));
endmodule
