// Leaves of a page (docs/numerics.md 4, step 5): the sum of its positions' products, exact, in LANES dimensions of the head, and (float)sum 2^(e-14).
//   valid, first, last   a position's code and values are there, as operands of roma_mac; first and last of a query's page
//   exponent             the exponent field of the page's largest u, with the operands; below 2^-100 the leaves are 0, from 2^100 on NaN
//   products             of roma_mac, MUL after the operands: LANES of 24 bits
//   done, beat, leaves   LANES / BEATS leaves, the first ones of the lanes in beat 1, the next in beat 2, then 4, ... (a bit each)
//   soon                 beat, a cycle before
// Latency MUL + (1 + BEATS) HOP + CONVERT from the last operands to the last beat: the running sum, and the sums' way through LANES / BEATS
// converters. With four beats these are the five hops of the timing law (docs/cost-model.md 1.9). Interval 1; of pages BEATS, so that a page of
// fewer positions waits.
module roma_page_sum #(
    parameter LANES = 32,
    parameter BEATS = 4,
    parameter MUL = 3,
    parameter CONVERT = 2
) (
    input clk,
    input reset,
    input valid,
    input first,
    input last,
    input [7:0] exponent,
    input [24*LANES-1:0] products,
    output done,
    output [BEATS-1:0] beat,
    output [BEATS-1:0] soon,
    output [32*LANES/BEATS-1:0] leaves
);
    localparam W = 28;  // of a sum: |sum| <= 32 * 32767 * 127
    localparam TAKE = LANES / BEATS;

    wire here, is_first, is_last;
    wire [7:0] exponent1;
    roma_delay #(.W(11), .N(MUL)) delay_mark (
        .clk(clk), .d({valid & ~reset, first, last, exponent}), .q({here, is_first, is_last, exponent1}));
    reg [W*LANES-1:0] held;
    reg [7:0] exponent2, exponent3;
    reg ended;
    reg [BEATS-1:0] token;
    wire [BEATS:0] tokens = {token, ended};
    wire unused_token = tokens[BEATS];
    always @(posedge clk) begin
        ended <= here & is_last & ~reset;
        token <= tokens[BEATS-1:0] & {BEATS{~reset}};
        exponent2 <= exponent1;
        if (ended) exponent3 <= exponent2;
    end

    // Sums leave as they are when their page has ended, a shift a beat.
    wire [W*LANES-1:0] totals;
    always @(posedge clk) held <= ended ? totals : held >> (W * TAKE);
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : gen_lane
            reg [W-1:0] running;
            wire [23:0] product = products[24*i+:24];
            always @(posedge clk) if (here) running <= (is_first ? {W{1'b0}} : running) + {{W - 24{product[23]}}, product};
            assign totals[W*i+:W] = running;
        end
    endgenerate

    wire [7:0] exponent4;
    roma_delay #(.W(8), .N(CONVERT)) delay_exponent (.clk(clk), .d(exponent3), .q(exponent4));
    roma_delay #(.W(BEATS), .N(CONVERT - 1)) delay_soon (.clk(clk), .d(token & {BEATS{~reset}}), .q(soon));
    roma_delay #(.W(BEATS), .N(1)) delay_beat (.clk(clk), .d(soon & {BEATS{~reset}}), .q(beat));
    wire is_tiny = exponent4 < 8'd27;
    wire is_huge = exponent4 >= 8'd227;
    generate
        for (i = 0; i < TAKE; i = i + 1) begin : gen_leaf
            wire [31:0] whole;
            roma_int_to_fp #(.LATENCY(CONVERT)) convert (.clk(clk), .x({{32 - W{held[W*i+W-1]}}, held[W*i+:W]}), .y(whole));
            wire [7:0] place = whole[30:23] + exponent4 - 8'd141;
            assign leaves[32*i+:32] = is_huge ? 32'h7FC00000 : is_tiny | ~|whole[30:23] ? 32'd0 : {whole[31], place, whole[22:0]};
        end
    endgenerate
    assign done = |beat;
endmodule
