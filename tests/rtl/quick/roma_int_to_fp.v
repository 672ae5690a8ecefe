// Stand-in for roma_int_to_fp in benches that ./test builds: this machine's conversion, at the same latency.
module roma_int_to_fp #(
    parameter W = 32,
    parameter LATENCY = 2
) (
    input clk,
    input [W-1:0] x,
    output [31:0] y
);
    wire [63:0] wide = {{(65-W){x[W-1]}}, x[W-2:0]};
    wire [31:0] y_d = $c32("host_from_int(", wide, ")");
    roma_delay #(.W(32), .N(LATENCY)) delay (.clk(clk), .d(y_d), .q(y));
endmodule
