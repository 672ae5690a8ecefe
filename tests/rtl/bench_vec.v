// The iterative and the composed blocks of a vector unit's lane side by side, for bench_vec.cpp, each with a clock of its own.
module bench_vec (
    input clk,  // of the phase
    input [5:0] div_clk, sqrt_clk,
    input exp_clk, turn_clk,
    input reset,
    input div_start,
    input [31:0] div_a, div_b,
    output [5:0] div_done,
    output [6*32-1:0] div_y,  // intervals 1, 2, 3, 4, 6, 12
    input sqrt_start,
    input [31:0] sqrt_x,
    output [5:0] sqrt_done,
    output [6*32-1:0] sqrt_y,
    input [31:0] exp_x,
    output [31:0] exp_y,
    input [31:0] turn,
    output [31:0] sine, cosine,
    input [19:0] position,
    input [63:0] increment,
    output [31:0] phase_turn,
    input [31:0] long_position,
    output [31:0] long_turn
);
    genvar i;
    generate
        for (i = 0; i < 6; i = i + 1) begin : gen_interval
            localparam INTERVAL = i == 4 ? 6 : i == 5 ? 12 : i + 1;
            wire [64:0] div_in;
            wire [32:0] sqrt_in;
            hold #(.W(65)) hold_div (.clk(div_clk[i]), .d({div_start, div_a, div_b}), .q(div_in));
            hold #(.W(33)) hold_sqrt (.clk(sqrt_clk[i]), .d({sqrt_start, sqrt_x}), .q(sqrt_in));
            roma_fp_div #(.INTERVAL(INTERVAL)) div (
                .clk(div_clk[i]), .reset(reset), .start(div_in[64]), .a(div_in[63:32]), .b(div_in[31:0]), .done(div_done[i]),
                .y(div_y[32*i+:32]));
            roma_fp_sqrt #(.INTERVAL(INTERVAL)) root (
                .clk(sqrt_clk[i]), .reset(reset), .start(sqrt_in[32]), .x(sqrt_in[31:0]), .done(sqrt_done[i]), .y(sqrt_y[32*i+:32]));
        end
    endgenerate
    wire [31:0] exp_in, turn_in, long_position_in, early_turn;
    wire [19:0] position_in;
    wire [63:0] increment_in;
    hold #(.W(32)) hold_exp (.clk(exp_clk), .d(exp_x), .q(exp_in));
    hold #(.W(32)) hold_turn (.clk(turn_clk), .d(turn), .q(turn_in));
    hold #(.W(116)) hold_phase (
        .clk(clk), .d({position, increment, long_position}), .q({position_in, increment_in, long_position_in}));
    roma_exp exponential (.clk(exp_clk), .x(exp_in), .y(exp_y));
    roma_sincos sincos (.clk(turn_clk), .turn(turn_in), .sine(sine), .cosine(cosine));
    roma_phase phase (.clk(clk), .position(position_in), .increment(increment_in), .turn(phase_turn));
    roma_phase #(.POSITION(32), .LATENCY(1)) long_phase (.clk(clk), .position(long_position_in), .increment(increment_in), .turn(early_turn));
    roma_delay #(.W(32), .N(2)) late (.clk(clk), .d(early_turn), .q(long_turn));
endmodule
