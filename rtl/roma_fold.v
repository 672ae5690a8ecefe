// One number out of up to 2^LEVELS that come one after another: the largest, as unsigned integers, or with SUM the sum, modulo 2^W. Adjacent
// pairs, level by level, an odd last one moving up: `red` of the timing law (docs/cost-model.md 1.5) where roma_reduce has its numbers side by side.
//   valid, last   a number is there; it is the last of its group
//   y             the group's number, with done
// Latency LEVELS HOP after the last number, however many there were; interval 1, group after group.
module roma_fold #(
    parameter LEVELS = 5,
    parameter W = 31,
    parameter SUM = 0,
    parameter HOP = 1
) (
    input clk,
    input reset,
    input valid,
    input last,
    input [W-1:0] x,
    output done,
    output [W-1:0] y
);
    wire [(W+2)*(LEVELS+1)-1:0] at;  // of each level: valid, last, number
    assign at[W+1:0] = {valid & ~reset, last, x};
    genvar k;
    generate
        if (LEVELS == 0) begin : gen_none
            wire unused_clk = clk;
        end
        for (k = 0; k < LEVELS; k = k + 1) begin : gen_level
            wire here, is_last;
            wire [W-1:0] number;
            assign {here, is_last, number} = at[(W+2)*k+:W+2];
            reg [W-1:0] held;
            reg has;
            always @(posedge clk) begin
                if (here) held <= number;
                has <= (here ? ~has & ~is_last : has) & ~reset;
            end
            wire [W-1:0] earlier = held & {W{has}};
            wire [W-1:0] both = SUM != 0 ? earlier + number : number > earlier ? number : earlier;
            roma_delay #(.W(W + 2), .N(HOP)) hop (
                .clk(clk), .d({here & (has | is_last) & ~reset, is_last, both}), .q(at[(W+2)*(k+1)+:W+2]));
        end
    endgenerate
    assign done = at[(W+2)*LEVELS+W+1] & at[(W+2)*LEVELS+W];
    assign y = at[(W+2)*LEVELS+:W];
endmodule
