// Largest magnitude of a row whose elements come LANES a cycle (docs/numerics.md 2 and 5.2): of its bits, a NaN being the largest.
//   valid  a group of the row is there, LANES FP32 values, lane 0 in the lowest bits; first, last: of its row
//   y      the bits of the magnitude, with done
// Latency clog2(LANES) HOP after the last group, HOP more if it is not the only one: R(e) of docs/cost-model.md 1.5 without the way to the root
// and back. Interval 1, row after row; rows of one group do not mix with longer ones.
module roma_largest #(
    parameter LANES = 8,
    parameter HOP = 1
) (
    input clk,
    input reset,
    input valid,
    input first,
    input last,
    input [32*LANES-1:0] x,
    output done,
    output [30:0] y
);
    wire [31*LANES-1:0] magnitudes;
    wire [LANES-1:0] unused_signs;
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : gen_lane
            assign {unused_signs[i], magnitudes[31*i+:31]} = x[32*i+:32];
        end
    endgenerate
    wire [30:0] group;
    wire [2:0] mark;
    roma_reduce #(.LANES(LANES), .W(31), .HOP(HOP)) reduce (.clk(clk), .x(magnitudes), .y(group));
    roma_delay #(.W(3), .N($clog2(LANES) * HOP)) delay_mark (.clk(clk), .d({valid & ~reset, first, last}), .q(mark));
    roma_running #(.W(31), .HOP(HOP)) row (
        .clk(clk), .reset(reset), .valid(mark[2]), .first(mark[1]), .last(mark[0]), .x(group), .done(done), .y(y));
endmodule
