// Codes of a head (docs/numerics.md 4): int8 of a key or value for the cache, int16 of a query.
//   valid, last   LANES values of the head are there, beat after beat in consecutive cycles, head after head
//   x             FP32, the first in the lowest bits
//   factor        of queries: what their scale is multiplied by, 1/sqrt(head_dim)
//   done, codes   the beats' codes, with scale
// Latency red(d) + DIV + MUL + CONVERT from the last beat to the first codes, the chain of CACHE and of `Q` in the timing law (docs/cost-model.md
// 1.7, 1.9); interval 1, of heads HEAD / LANES, to which INTERVAL of the division is no more. HEAD / LANES is a power of two.
module roma_head_code #(
    parameter HEAD = 32,
    parameter LANES = 16,
    parameter BITS = 8,
    parameter INTERVAL = 2,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1
) (
    input clk,
    input reset,
    input valid,
    input last,
    input [32*LANES-1:0] x,
    input [31:0] factor,
    output done,
    output [BITS*LANES-1:0] codes,
    output [31:0] scale
);
    localparam DIV = 16;
    localparam BEATS = HEAD / LANES;
    localparam WAIT = BEATS - 1 + $clog2(HEAD) * HOP + DIV;
    localparam [31:0] TOP = BITS == 8 ? 32'h42FE0000 : 32'h46FFFE00;      // 127 or 32767
    localparam [31:0] INVERSE = BITS == 8 ? 32'h3C010204 : 32'h38000100;  // 1/127 or 1/32767

    wire [31*LANES-1:0] magnitudes;
    wire [30:0] of_beat, of_head;
    wire here, is_last, is_head, divided;
    wire [31:0] reciprocal, plain;
    roma_reduce #(.LANES(LANES), .W(31), .HOP(HOP)) beat (.clk(clk), .x(magnitudes), .y(of_beat));
    roma_delay #(.W(2), .N($clog2(LANES) * HOP)) delay_beat (.clk(clk), .d({valid & ~reset, last}), .q({here, is_last}));
    roma_fold #(.LEVELS($clog2(BEATS)), .W(31), .HOP(HOP)) head (
        .clk(clk), .reset(reset), .valid(here), .last(is_last), .x(of_beat), .done(is_head), .y(of_head));
    roma_reciprocal #(.INTERVAL(INTERVAL), .MUL(MUL), .TOP(TOP), .INVERSE(INVERSE)) invert (
        .clk(clk), .reset(reset), .start(is_head), .largest(of_head), .done(divided), .factor(reciprocal), .scale(plain));

    // The head's beats come out of the ring when its factor is there, which stays for all of them.
    reg [63:0] held;
    wire [63:0] now = divided ? {reciprocal, plain} : held;
    always @(posedge clk) held <= now;
    wire [32*LANES-1:0] x_late;
    roma_ring #(.W(32 * LANES), .N(WAIT)) ring (.clk(clk), .reset(reset), .d(x), .q(x_late));
    roma_delay #(.W(1), .N(WAIT + MUL + CONVERT)) delay_done (.clk(clk), .d(valid & ~reset), .q(done));
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : gen_lane
            wire [31:0] v;
            assign magnitudes[31*i+:31] = x[32*i+:31];
            roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a(x_late[32*i+:32]), .b(now[63:32]), .y(v));
            roma_fp_to_int #(.W(BITS), .LATENCY(CONVERT)) code (.clk(clk), .x(v), .scale(9'd0), .y(codes[BITS*i+:BITS]));
        end
        if (BITS == 8) begin : gen_plain
            wire [31:0] unused_factor = factor;
            roma_delay #(.W(32), .N(MUL + CONVERT)) delay_scale (.clk(clk), .d(now[31:0]), .q(scale));
        end else begin : gen_factor
            wire [31:0] product;
            roma_fp_mul #(.LATENCY(MUL)) mul_scale (.clk(clk), .a(now[31:0]), .b(factor), .y(product));
            roma_delay #(.W(32), .N(CONVERT)) delay_scale (.clk(clk), .d(product), .q(scale));
        end
    endgenerate
endmodule
