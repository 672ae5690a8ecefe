// Stand-in for roma_fp_to_int in benches that ./test builds: this machine's conversion, at the same latency.
module roma_fp_to_int #(
    parameter W = 32,
    parameter LATENCY = 2
) (
    input clk,
    input [31:0] x,
    input [8:0] scale,
    output [W-1:0] y
);
    wire [31:0] power = {{23{scale[8]}}, scale};
    wire [31:0] y_d = $c32("host_to_int(", x, ", ", power, ", ", W, ")");
    roma_delay #(.W(W), .N(LATENCY)) delay (.clk(clk), .d(y_d[W-1:0]), .q(y));
endmodule
