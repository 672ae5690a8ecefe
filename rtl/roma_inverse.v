// 1/D of a denominator (docs/numerics.md 4, step 6): D = (float)sum 2^-30, y = fl(1 / D).
//   start   sum is there; the next one after INTERVAL cycles
//   done    y is there
// Latency CONVERT + 16; interval INTERVAL, as roma_fp_div.
module roma_inverse #(
    parameter CONVERT = 2,
    parameter INTERVAL = 4
) (
    input clk,
    input reset,
    input start,
    input [63:0] sum,
    output done,
    output [31:0] y
);
    wire [31:0] fixed;
    wire divide;
    roma_int_to_fp #(.W(64), .LATENCY(CONVERT)) convert (.clk(clk), .x(sum), .y(fixed));
    roma_delay #(.W(1), .N(CONVERT)) delay_start (.clk(clk), .d(start & ~reset), .q(divide));
    wire [7:0] exponent = |fixed[30:23] ? fixed[30:23] - 8'd30 : 8'd0;
    roma_fp_div #(.INTERVAL(INTERVAL)) div (
        .clk(clk), .reset(reset), .start(divide), .a(32'h3F800000), .b({fixed[31], exponent, fixed[22:0]}), .done(done), .y(y));
endmodule
