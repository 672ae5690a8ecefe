// A value that waits for others of its block, N cycles.
// Latency N, interval 1.
module roma_delay #(
    parameter W = 1,
    parameter N = 1
) (
    input clk,
    input [W-1:0] d,
    output [W-1:0] q
);
    wire [W*(N+1)-1:0] line;
    assign line[W-1:0] = d;
    assign q = line[W*N+:W];
    genvar i;
    generate
        if (N == 0) begin : gen_none
            wire unused_clk = clk;
        end
        for (i = 0; i < N; i = i + 1) begin : gen_cut
            roma_cut #(.W(W), .ON(1)) cut (.clk(clk), .d(line[W*i+:W]), .q(line[W*(i+1)+:W]));
        end
    endgenerate
endmodule
