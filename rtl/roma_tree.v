// Tree of a row's leaves (docs/numerics.md 3.2): adjacent pairs, level by level, an odd last one moving up. Leaves come in ascending order,
// rows one after the other without a pause where they like.
//   valid, last   2^many neighbouring leaves are there, the first lowest; they are the row's last. What is behind a row's end is -0
//   levels        clog2 of the row's leaves: the level whose sum is the row's; many <= levels
//   tag           goes with the row
//   y             the row's sum, with done and the tag of its last leaves
// Latency levels * ADD after the last leaves; interval 1, but a row of fewer levels may not catch up with the one before it. Up to 2^LEVELS
// leaves a row, WIDE a cycle. With INTEGER leaves and sums are integers of 32 bits, ADD is HOP, and what is behind a row's end is 0.
module roma_tree #(
    parameter LEVELS = 8,
    parameter ADD = 3,
    parameter WIDE = 1,
    parameter TAG = 1,
    parameter INTEGER = 0,
    parameter COUNT = $clog2(LEVELS + 1),
    parameter MANY = $clog2($clog2(WIDE) + 2)  // bits of many
) (
    input clk,
    input reset,
    input valid,
    input last,
    input [COUNT-1:0] levels,
    input [MANY-1:0] many,
    input [TAG-1:0] tag,
    input [32*WIDE-1:0] leaves,
    output done,
    output [TAG-1:0] tag_out,
    output [31:0] y
);
    localparam MARK = 2 + COUNT + MANY + TAG;
    localparam [31:0] NOTHING = INTEGER != 0 ? 32'd0 : 32'h80000000;
    genvar k, i;
    generate
        for (k = 0; k <= LEVELS; k = k + 1) begin : gen_level
            localparam LANES = (WIDE >> k) > 1 ? WIDE >> k : 1;
            localparam BELOW = k == 0 ? LANES : (WIDE >> (k - 1)) > 1 ? WIDE >> (k - 1) : 1;
            wire [MARK-1:0] mark;
            wire [32*LANES-1:0] x;
            wire here, is_last;
            wire [COUNT-1:0] above;  // levels that the row has above this one
            wire [MANY-1:0] wide;
            wire [TAG-1:0] its;
            assign {here, is_last, above, wide, its} = mark;
            wire is_end = ~|above;
            wire unused_wide = |wide;
            wire [32+TAG:0] out;
            if (k == 0) begin : gen_leaves
                assign mark = {valid & ~reset, last, levels, many, tag};
                assign x = leaves;
                assign out = {here & is_last & is_end, {its, x[31:0]} & {32 + TAG{here & is_end}}};
            end else begin : gen_sums
                wire [32*BELOW-1:0] below = gen_level[k-1].x;
                wire pairs = |gen_level[k-1].wide;
                reg [31:0] held;
                reg has;
                wire goes = gen_level[k-1].here & ~gen_level[k-1].is_end;
                always @(posedge clk) begin
                    if (goes) held <= below[31:0];
                    has <= (goes & ~pairs ? ~has & ~gen_level[k-1].is_last : has) & ~reset;
                end
                // an odd last one goes through the adder with nothing, which is -0
                wire [31:0] first = has ? held : NOTHING;
                for (i = 0; i < LANES; i = i + 1) begin : gen_add
                    wire [31:0] a, b;
                    if (BELOW > 1 && i == 0) begin : gen_either
                        assign a = pairs ? below[31:0] : first;
                        assign b = pairs ? below[63:32] : below[31:0];
                    end else if (BELOW > 1) begin : gen_pair
                        assign a = below[64*i+:32];
                        assign b = below[64*i+32+:32];
                    end else begin : gen_one
                        assign a = first;
                        assign b = below;
                    end
                    if (INTEGER != 0) begin : gen_integer
                        roma_delay #(.W(32), .N(ADD)) add (.clk(clk), .d(a + b), .q(x[32*i+:32]));
                    end else begin : gen_float
                        roma_fp_add #(.LATENCY(ADD)) add (.clk(clk), .a(a), .b(b), .y(x[32*i+:32]));
                    end
                end
                wire [MANY-1:0] fewer = pairs ? gen_level[k-1].wide - {{MANY - 1{1'b0}}, 1'b1} : {MANY{1'b0}};
                wire [COUNT-1:0] less = gen_level[k-1].above - {{COUNT - 1{1'b0}}, 1'b1};
                wire goes_on = goes & (pairs | has | gen_level[k-1].is_last) & ~reset;
                roma_delay #(.W(MARK), .N(ADD)) delay_mark (
                    .clk(clk), .d({goes_on, gen_level[k-1].is_last, less, fewer, gen_level[k-1].its}), .q(mark));
                assign out = {here & is_last & is_end, {its, x[31:0]} & {32 + TAG{here & is_end}}} | gen_level[k-1].out;
            end
        end
    endgenerate
    assign {done, tag_out, y} = gen_level[LEVELS].out;
endmodule
