// Tree of a row's leaves (docs/numerics.md 3.2): adjacent pairs, level by level, an odd last one moving up. Leaves come in ascending order,
// rows one after the other without a pause where they like.
//   valid, last   a leaf is there; it is the row's last
//   levels        clog2 of the row's leaves: the level whose sum is the row's; the same until the row has left
//   y             the row's sum, with done
// Latency levels * ADD after the last leaf; interval 1. Up to 2^LEVELS leaves.
module roma_tree #(
    parameter LEVELS = 8,
    parameter ADD = 3
) (
    input clk,
    input reset,
    input valid,
    input last,
    input [31:0] leaf,
    input [$clog2(LEVELS+1)-1:0] levels,
    output done,
    output [31:0] y
);
    wire [34*(LEVELS+1)-1:0] at;  // of each level: valid, last, value
    assign at[33:0] = {valid & ~reset, last, leaf};
    genvar k;
    generate
        for (k = 0; k < LEVELS; k = k + 1) begin : gen_level
            wire here, is_last;
            wire [31:0] x;
            assign {here, is_last, x} = at[34*k+:34];
            reg [31:0] held;
            reg has;
            always @(posedge clk) begin
                if (here) held <= x;
                has <= (here ? ~has & ~is_last : has) & ~reset;
            end
            // an odd last one goes through the adder with -0, which changes nothing
            wire [31:0] sum;
            wire [1:0] mark;
            roma_fp_add #(.LATENCY(ADD)) add (.clk(clk), .a(has ? held : 32'h80000000), .b(x), .y(sum));
            roma_delay #(.W(2), .N(ADD)) delay_mark (.clk(clk), .d({here & (has | is_last) & ~reset, is_last}), .q(mark));
            assign at[34*(k+1)+:34] = {mark, sum};
        end
    endgenerate
    wire [33:0] tap = at[34*levels+:34];
    assign done = tap[33] & tap[32];
    assign y = tap[31:0];
endmodule
