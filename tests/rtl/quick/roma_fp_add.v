// Stand-in for roma_fp_add in benches that ./test builds: this machine's sum, at the same latency.
module roma_fp_add #(
    parameter LATENCY = 3
) (
    input clk,
    input [31:0] a,
    input [31:0] b,
    output [31:0] y
);
    wire [31:0] y_d = $c32("host_sum(", a, ", ", b, ")");
    roma_delay #(.W(32), .N(LATENCY)) delay (.clk(clk), .d(y_d), .q(y));
endmodule
