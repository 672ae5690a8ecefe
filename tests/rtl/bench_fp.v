// The blocks of FP32 arithmetic side by side, for bench_fp.cpp. A port is the block's, with its name before it.
module bench_fp (
    input clk,
    input [31:0] add_a, add_b,
    output [31:0] add_y,
    output [7*32-1:0] add_all,  // latencies 0 to 6
    input [31:0] mul_a, mul_b,
    output [31:0] mul_y,
    output [7*32-1:0] mul_all,
    input [31:0] i2f_x,
    output [31:0] i2f_y,
    output [5*32-1:0] i2f_all,
    input [63:0] i64_x,
    output [31:0] i64_y,
    input [31:0] f2i_x,
    input [8:0] f2i_scale,
    output [31:0] f2i_y,
    output [15:0] f2i_short,
    output [7:0] f2i_byte,
    output [5*32-1:0] f2i_all,
    input [15:0] half_x,
    output [31:0] half_y
);
    roma_fp_add add (.clk(clk), .a(add_a), .b(add_b), .y(add_y));
    roma_fp_mul mul (.clk(clk), .a(mul_a), .b(mul_b), .y(mul_y));
    roma_int_to_fp i2f (.clk(clk), .x(i2f_x), .y(i2f_y));
    roma_int_to_fp #(.W(64)) i64 (.clk(clk), .x(i64_x), .y(i64_y));
    roma_fp_to_int f2i (.clk(clk), .x(f2i_x), .scale(f2i_scale), .y(f2i_y));
    roma_fp_to_int #(.W(16)) f2i_16 (.clk(clk), .x(f2i_x), .scale(f2i_scale), .y(f2i_short));
    roma_fp_to_int #(.W(8)) f2i_8 (.clk(clk), .x(f2i_x), .scale(f2i_scale), .y(f2i_byte));
    roma_half_to_fp half (.clk(clk), .x(half_x), .y(half_y));

    // Every latency that a block offers, delayed to the largest, so that all come out together.
    genvar i;
    generate
        for (i = 0; i <= 6; i = i + 1) begin : gen_six
            wire [63:0] y;
            roma_fp_add #(.LATENCY(i)) add_i (.clk(clk), .a(add_a), .b(add_b), .y(y[31:0]));
            roma_fp_mul #(.LATENCY(i)) mul_i (.clk(clk), .a(mul_a), .b(mul_b), .y(y[63:32]));
            roma_delay #(.W(64), .N(6 - i)) late (.clk(clk), .d(y), .q({mul_all[32*i+:32], add_all[32*i+:32]}));
        end
        for (i = 0; i <= 4; i = i + 1) begin : gen_four
            wire [63:0] y;
            roma_int_to_fp #(.LATENCY(i)) i2f_i (.clk(clk), .x(i2f_x), .y(y[31:0]));
            roma_fp_to_int #(.LATENCY(i)) f2i_i (.clk(clk), .x(f2i_x), .scale(f2i_scale), .y(y[63:32]));
            roma_delay #(.W(64), .N(4 - i)) late (.clk(clk), .d(y), .q({f2i_all[32*i+:32], i2f_all[32*i+:32]}));
        end
    endgenerate
endmodule
