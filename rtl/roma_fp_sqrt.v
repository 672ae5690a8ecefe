// FP32 square root: y = fl(root of x), ties to even, subnormals kept (docs/numerics.md, "Notation"); a NaN, and what is below 0, gives
// 7FC00000.
//   start  x is there; a start may follow another after INTERVAL cycles
//   done   y is there
// Latency 14: operand normalised, twelve digits of two bits, rounded. Interval INTERVAL: 1, 2, 3, 4, 6 or 12, with 12 / INTERVAL stations as in
// roma_fp_div.
module roma_fp_sqrt #(
    parameter INTERVAL = 12
) (
    input clk,
    input reset,
    input start,
    input [31:0] x,
    output done,
    output [31:0] y
);
    /* verilator no_inline_module */
    localparam STATIONS = 12 / INTERVAL;
    localparam STATE = 26 + 25 + 27 + 24 + 11;  // of a station: remainder, root, its triple, digits of x to come, side

    // x is m * 2^(2 k), 1 <= m < 4. The root begins with 1.
    wire [4:0] zeros;
    wire none;
    roma_lzc #(.LOG(5)) lzc (.x({|x[30:23], x[22:0], 8'd0}), .n(zeros), .none(none));
    wire [23:0] normal = {|x[30:23], x[22:0]} << zeros;
    wire [9:0] place = {2'd0, x[30:24], x[23] | ~|x[30:23]} - {5'd0, zeros};
    wire [9:0] both = place + 10'd127;
    wire is_nan = &x[30:23] & |x[22:0] | x[31] & ~none;
    wire [1:0] unused_half = {both[9], both[0]};
    // an even exponent leaves 2 <= m < 4, whose integer less 1 is 1 or 2
    wire [25:0] start_remainder = place[0] ? 26'd0 : {24'd0, normal[22], ~normal[22]};
    wire [23:0] start_digits = place[0] ? {normal[22:0], 1'b0} : {normal[21:0], 2'd0};
    wire unused_one = normal[23];

    wire [STATE*(STATIONS+1)-1:0] hand;
    wire [STATIONS:0] token;
    assign hand[STATE-1:0] = {start_remainder, 25'd1, 27'd3, start_digits, both[8:1], x[31], is_nan, &x[30:23] | none};
    assign token[0] = start & ~reset;
    genvar i;
    generate
        for (i = 0; i < STATIONS; i = i + 1) begin : gen_station
            reg [STATE-1:0] state;
            wire [25:0] remainder = state[STATE-1:87];
            wire [24:0] root = state[86:62];
            wire [26:0] triple = state[61:35];
            wire [30:0] long = {1'b0, remainder, state[34:31]};
            wire [30:0] minus1 = long - {3'd0, root, 3'd1};
            wire [30:0] minus2 = long - {2'd0, root, 4'd4};
            wire [30:0] minus3 = long - ({1'd0, triple, 3'd0} + 31'd9);
            wire [26:0] unused_minus = {minus1[30:26], minus2[30:26], minus3[30:26], long[30:26], root[24:23], triple[26:25], 3'd0};
            wire [1:0] digit = ~minus3[30] ? 2'd3 : ~minus2[30] ? 2'd2 : {1'b0, ~minus1[30]};
            wire [25:0] left = ~minus3[30] ? minus3[25:0] : ~minus2[30] ? minus2[25:0] : ~minus1[30] ? minus1[25:0] : long[25:0];
            wire [24:0] triple_up = digit == 2'd3 ? triple[24:0] + 25'd2 : digit == 2'd2 ? triple[24:0] + 25'd1 : triple[24:0];
            wire [1:0] triple_low = {digit[0] ^ digit[1], digit == 2'd1 | digit == 2'd3};
            wire [STATE-1:0] next = {left, root[22:0], digit, triple_up, triple_low, state[30:11], 4'd0, state[10:0]};
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

    wire [STATE-1:0] last = hand[STATE*STATIONS+:STATE];
    wire [50:0] unused_last = last[61:11];
    wire [25:0] remainder;
    wire [24:0] root;
    wire [10:0] side;
    wire token1;
    roma_cut #(.W(63)) cut_last (.clk(clk), .d({last[STATE-1:62], last[10:0], token[STATIONS] & ~reset}), .q({remainder, root, side, token1}));
    wire unused_leading = root[24];
    wire up = root[0] & (root[1] | |remainder);
    wire [30:0] rounded;
    roma_increment #(.W(31)) increment (.x({side[10:3], root[23:1]}), .up(up), .y(rounded));
    // 0 keeps its sign, infinity is its own root: both stand in the exponent that the operand had
    wire [31:0] y_d = side[1] ? 32'h7FC00000 : side[0] ? {side[2], side[10] ? 31'h7F800000 : 31'd0} : {side[2], rounded};
    roma_cut #(.W(33)) cut_y (.clk(clk), .d({y_d, token1 & ~reset}), .q({y, done}));
endmodule
