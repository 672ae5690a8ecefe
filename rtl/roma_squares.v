// Sum of squares of a row in its fixed point, whose elements come LANES a cycle (docs/numerics.md 5.2): exact.
//   valid     a group of the row is there, LANES FP32 values, lane 0 in the lowest bits; first, last: of its row
//   exponent  of the row's largest magnitude, as roma_square wants it
//   y         the sum, with done: roma_rms makes 1/rms of it
// Latency CONVERT + MUL + clog2(LANES) HOP after the last group, HOP more if it is not the only one; interval 1, as roma_largest.
module roma_squares #(
    parameter LANES = 8,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1
) (
    input clk,
    input reset,
    input valid,
    input first,
    input last,
    input [32*LANES-1:0] x,
    input [7:0] exponent,
    output done,
    output [63:0] y
);
    localparam LEVELS = $clog2(LANES);
    wire [29*LANES-1:0] lane_squares;
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : gen_lane
            roma_square #(.MUL(MUL), .CONVERT(CONVERT)) square (.clk(clk), .x(x[32*i+:32]), .exponent(exponent), .y(lane_squares[29*i+:29]));
        end
    endgenerate
    wire [28+LEVELS:0] group;
    wire [2:0] mark;
    roma_reduce #(.LANES(LANES), .W(29), .SUM(1), .HOP(HOP)) reduce (.clk(clk), .x(lane_squares), .y(group));
    roma_delay #(.W(3), .N(CONVERT + MUL + LEVELS * HOP)) delay_mark (.clk(clk), .d({valid & ~reset, first, last}), .q(mark));
    roma_running #(.W(64), .SUM(1), .HOP(HOP)) row (
        .clk(clk), .reset(reset), .valid(mark[2]), .first(mark[1]), .last(mark[0]), .x({{35 - LEVELS{1'b0}}, group}), .done(done), .y(y));
endmodule
