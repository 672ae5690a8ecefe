// The iterative and the composed blocks of a vector unit's lane side by side, for bench_vec.cpp.
module bench_vec (
    input clk,
    input reset,
    input div_start,
    input [31:0] div_a, div_b,
    output [2:0] div_done,
    output [3*32-1:0] div_y,  // intervals 1, 4, 12
    input sqrt_start,
    input [31:0] sqrt_x,
    output [2:0] sqrt_done,
    output [3*32-1:0] sqrt_y,
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
        for (i = 0; i < 3; i = i + 1) begin : gen_interval
            localparam INTERVAL = i == 0 ? 1 : i == 1 ? 4 : 12;
            roma_fp_div #(.INTERVAL(INTERVAL)) div (
                .clk(clk), .reset(reset), .start(div_start), .a(div_a), .b(div_b), .done(div_done[i]), .y(div_y[32*i+:32]));
            roma_fp_sqrt #(.INTERVAL(INTERVAL)) root (
                .clk(clk), .reset(reset), .start(sqrt_start), .x(sqrt_x), .done(sqrt_done[i]), .y(sqrt_y[32*i+:32]));
        end
    endgenerate
    roma_exp exponential (.clk(clk), .x(exp_x), .y(exp_y));
    roma_sincos sincos (.clk(clk), .turn(turn), .sine(sine), .cosine(cosine));
    roma_phase phase (.clk(clk), .position(position), .increment(increment), .turn(phase_turn));
    wire [31:0] early_turn;
    roma_phase #(.POSITION(32), .LATENCY(1)) long_phase (.clk(clk), .position(long_position), .increment(increment), .turn(early_turn));
    roma_delay #(.W(32), .N(2)) late (.clk(clk), .d(early_turn), .q(long_turn));
endmodule
