// The choice among logits that come LANES a cycle (docs/numerics.md 5.9), as a key: the network merges keys by roma_reduce of two, and
// roma_choice reads the last one.
//   valid   a group is there, LANES logits with their tokens' ids, lane 0 in the lowest bits; first, last: of the row
//   active  a bit a lane: it has a token
//   key     of roma_logit_key, with done
// Latency clog2(LANES) HOP after the last group, HOP more if it is not the only one; interval 1, as roma_largest.
module roma_argmax #(
    parameter LANES = 8,
    parameter ID = 20,
    parameter HOP = 1
) (
    input clk,
    input reset,
    input valid,
    input first,
    input last,
    input [LANES-1:0] active,
    input [32*LANES-1:0] logits,
    input [ID*LANES-1:0] ids,
    output done,
    output [31+ID:0] key
);
    localparam W = 32 + ID;
    wire [W*LANES-1:0] keys;
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : gen_lane
            wire [W-1:0] lane_key;
            roma_logit_key #(.ID(ID)) logit_key (.logit(logits[32*i+:32]), .id(ids[ID*i+:ID]), .key(lane_key));
            assign keys[W*i+:W] = lane_key & {W{active[i]}};
        end
    endgenerate
    wire [W-1:0] group;
    wire [2:0] mark;
    roma_reduce #(.LANES(LANES), .W(W), .HOP(HOP)) reduce (.clk(clk), .x(keys), .y(group));
    roma_delay #(.W(3), .N($clog2(LANES) * HOP)) delay_mark (.clk(clk), .d({valid & ~reset, first, last}), .q(mark));
    roma_running #(.W(W), .HOP(HOP)) row (
        .clk(clk), .reset(reset), .valid(mark[2]), .first(mark[1]), .last(mark[0]), .x(group), .done(done), .y(key));
endmodule
