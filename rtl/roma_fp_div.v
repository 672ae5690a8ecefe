// FP32 quotient: y = fl(a / b), ties to even, subnormals kept (docs/numerics.md, "Notation"); a NaN is 7FC00000.
//   start  a and b are there; a start may follow another after INTERVAL cycles
//   done   y is there
// Latency 16: operands normalised, first digit, twelve digits of two bits, what is subnormal shifted, rounded. Interval INTERVAL: 1, 2, 3, 4, 6 or
// 12. There are 12 / INTERVAL stations, each of which makes INTERVAL digits with the same gates and hands over to the next.
module roma_fp_div #(
    parameter INTERVAL = 4
) (
    input clk,
    input reset,
    input start,
    input [31:0] a,
    input [31:0] b,
    output done,
    output [31:0] y
);
    /* verilator no_inline_module */
    localparam STATIONS = 12 / INTERVAL;
    localparam STATE = 24 + 25 + 24 + 26 + 14;  // of a station: remainder, quotient, divisor, its triple, side

    // Mantissas with their leading ones at the top; exponents of subnormals go below 1.
    wire [4:0] a_zeros, b_zeros;
    wire a_none, b_none;
    roma_lzc #(.LOG(5)) lzc_a (.x({|a[30:23], a[22:0], 8'd0}), .n(a_zeros), .none(a_none));
    roma_lzc #(.LOG(5)) lzc_b (.x({|b[30:23], b[22:0], 8'd0}), .n(b_zeros), .none(b_none));
    wire [23:0] a_normal = {|a[30:23], a[22:0]} << a_zeros;
    wire [23:0] b_normal = {|b[30:23], b[22:0]} << b_zeros;
    wire [9:0] a_place = {2'd0, a[30:24], a[23] | ~|a[30:23]} - {5'd0, a_zeros};
    wire [9:0] b_place = {2'd0, b[30:24], b[23] | ~|b[30:23]} - {5'd0, b_zeros};
    wire is_nan = &a[30:23] & (|a[22:0] | &b[30:23]) | &b[30:23] & |b[22:0] | a_none & b_none;
    wire is_infinite = &a[30:23] | b_none;
    wire is_zero = a_none | &b[30:23];
    wire [23:0] dividend, divisor;
    wire [9:0] a_exponent, b_exponent;
    wire [3:0] kind;
    roma_cut #(.W(72)) cut_normal (
        .clk(clk), .d({a_normal, b_normal, a_place, b_place, a[31] ^ b[31], is_nan, is_infinite, is_zero}),
        .q({dividend, divisor, a_exponent, b_exponent, kind}));

    // The quotient is brought to 1 and more by doubling the dividend. Its first digit is then 1.
    wire [24:0] once = {1'b0, dividend} - {1'b0, divisor};
    wire [24:0] twice = {dividend, 1'b0} - {1'b0, divisor};
    wire [9:0] exponent = a_exponent - b_exponent + (once[24] ? 10'd126 : 10'd127);
    wire [25:0] triple = {1'b0, divisor, 1'b0} + {2'd0, divisor};
    wire unused_sign = twice[24];

    // state of station i before its next digit, and what it is after it
    wire [STATE*(STATIONS+1)-1:0] hand;
    wire [STATIONS:0] token;
    assign hand[STATE-1:0] = {once[24] ? twice[23:0] : once[23:0], 25'd1, divisor, triple, exponent, kind};
    reg [0:0] fresh;
    always @(posedge clk) fresh <= start & ~reset;
    assign token[0] = fresh;
    genvar i;
    generate
        for (i = 0; i < STATIONS; i = i + 1) begin : gen_station
            reg [STATE-1:0] state;
            wire [23:0] remainder = state[STATE-1:89];
            wire [24:0] quotient = state[88:64];
            wire [26:0] minus1 = {1'b0, remainder, 2'd0} - {3'd0, state[63:40]};
            wire [26:0] minus2 = {1'b0, remainder, 2'd0} - {2'd0, state[63:40], 1'b0};
            wire [26:0] minus3 = {1'b0, remainder, 2'd0} - {1'b0, state[39:14]};
            wire [1:0] digit = ~minus3[26] ? 2'd3 : ~minus2[26] ? 2'd2 : {1'b0, ~minus1[26]};
            wire [23:0] left = ~minus3[26] ? minus3[23:0] : ~minus2[26] ? minus2[23:0] : ~minus1[26] ? minus1[23:0] : {remainder[21:0], 2'd0};
            wire [8:0] unused_high = {minus1[25:24], minus2[25:24], minus3[25:24], quotient[24:23], 1'b0};
            wire [STATE-1:0] next = {left, quotient[22:0], digit, state[63:0]};
            reg [INTERVAL-1:0] phase;
            wire [INTERVAL:0] phases = {phase, token[i]};
            wire unused_phase = phases[INTERVAL];
            always @(posedge clk) begin
                state <= token[i] ? hand[STATE*i+:STATE] : next;
                phase <= phases[INTERVAL-1:0] & {INTERVAL{~reset}};
            end
            assign hand[STATE*(i+1)+:STATE] = next;
            assign token[i+1] = phase[INTERVAL-1];
        end
    endgenerate

    // What becomes subnormal is shifted; the last place but one below the mantissa is the guard bit, what is lost is sticky.
    wire [STATE-1:0] last = hand[STATE*STATIONS+:STATE];
    wire [49:0] unused_divisor = last[63:14];
    wire [23:0] remainder;
    wire [24:0] quotient;
    wire [9:0] place;
    wire [3:0] kind1, kind2;
    wire token1, token2;
    roma_cut #(.W(64)) cut_last (
        .clk(clk), .d({last[STATE-1:64], last[13:0], token[STATIONS] & ~reset}), .q({remainder, quotient, place, kind1, token1}));
    wire is_small = place[9] | ~|place;
    wire [9:0] below = 10'd1 - place;
    wire [4:0] right = ~is_small ? 5'd0 : |below[9:5] ? 5'd31 : below[4:0];
    wire [24:0] shifted_d = quotient >> right;
    wire sticky_d = |remainder | |(quotient & ~(25'h1FFFFFF << right));
    wire [24:0] shifted;
    wire sticky;
    wire [8:0] field;
    roma_cut #(.W(40)) cut_shifted (
        .clk(clk), .d({shifted_d, sticky_d, is_small ? 9'd0 : place[8:0], kind1, token1 & ~reset}), .q({shifted, sticky, field, kind2, token2}));

    wire up = shifted[0] & (shifted[1] | sticky);
    wire [31:0] rounded;
    roma_increment #(.W(32)) increment (.x({field, shifted[23:1]}), .up(up), .y(rounded));
    wire is_large = rounded[31] | &rounded[30:23];
    wire [31:0] y_d = kind2[2] ? 32'h7FC00000 :
        {kind2[3], kind2[0] ? 31'd0 : kind2[1] | is_large ? 31'h7F800000 : rounded[30:0]};
    wire unused_top = shifted[24];
    roma_cut #(.W(33)) cut_y (.clk(clk), .d({y_d, token2 & ~reset}), .q({y, done}));
endmodule
