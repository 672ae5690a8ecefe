// The blocks of FP32 arithmetic side by side, for bench_fp.cpp, each with a clock of its own. A port is the block's, with its name before it.
module bench_fp (
    input clk,  // of what has no other
    input add_clk, mul_clk, i2f_clk, f2i_clk,
    input add_all_clk, mul_all_clk, i2f_all_clk, f2i_all_clk,
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
    wire [63:0] add_in, mul_in, i64_in;
    wire [31:0] i2f_in;
    wire [40:0] f2i_in;
    wire [15:0] half_in;
    hold #(.W(64)) hold_add (.clk(add_clk), .d({add_a, add_b}), .q(add_in));
    hold #(.W(64)) hold_mul (.clk(mul_clk), .d({mul_a, mul_b}), .q(mul_in));
    hold #(.W(32)) hold_i2f (.clk(i2f_clk), .d(i2f_x), .q(i2f_in));
    hold #(.W(64)) hold_i64 (.clk(clk), .d(i64_x), .q(i64_in));
    hold #(.W(41)) hold_f2i (.clk(f2i_clk), .d({f2i_x, f2i_scale}), .q(f2i_in));
    hold #(.W(16)) hold_half (.clk(clk), .d(half_x), .q(half_in));
    roma_fp_add add (.clk(add_clk), .a(add_in[63:32]), .b(add_in[31:0]), .y(add_y));
    roma_fp_mul mul (.clk(mul_clk), .a(mul_in[63:32]), .b(mul_in[31:0]), .y(mul_y));
    roma_int_to_fp i2f (.clk(i2f_clk), .x(i2f_in), .y(i2f_y));
    roma_int_to_fp #(.W(64)) i64 (.clk(clk), .x(i64_in), .y(i64_y));
    roma_fp_to_int f2i (.clk(f2i_clk), .x(f2i_in[40:9]), .scale(f2i_in[8:0]), .y(f2i_y));
    roma_fp_to_int #(.W(16)) f2i_16 (.clk(f2i_clk), .x(f2i_in[40:9]), .scale(f2i_in[8:0]), .y(f2i_short));
    roma_fp_to_int #(.W(8)) f2i_8 (.clk(f2i_clk), .x(f2i_in[40:9]), .scale(f2i_in[8:0]), .y(f2i_byte));
    roma_half_to_fp half (.clk(clk), .x(half_in), .y(half_y));

    // Every latency that a block offers, delayed to the largest, so that all come out together.
    wire [63:0] add_all_in, mul_all_in;
    wire [31:0] i2f_all_in;
    wire [40:0] f2i_all_in;
    hold #(.W(64)) hold_add_all (.clk(add_all_clk), .d({add_a, add_b}), .q(add_all_in));
    hold #(.W(64)) hold_mul_all (.clk(mul_all_clk), .d({mul_a, mul_b}), .q(mul_all_in));
    hold #(.W(32)) hold_i2f_all (.clk(i2f_all_clk), .d(i2f_x), .q(i2f_all_in));
    hold #(.W(41)) hold_f2i_all (.clk(f2i_all_clk), .d({f2i_x, f2i_scale}), .q(f2i_all_in));
    genvar i;
    generate
        for (i = 0; i <= 6; i = i + 1) begin : gen_six
            wire [31:0] sum, product;
            roma_fp_add #(.LATENCY(i)) add_i (.clk(add_all_clk), .a(add_all_in[63:32]), .b(add_all_in[31:0]), .y(sum));
            roma_fp_mul #(.LATENCY(i)) mul_i (.clk(mul_all_clk), .a(mul_all_in[63:32]), .b(mul_all_in[31:0]), .y(product));
            roma_delay #(.W(32), .N(6 - i)) late_sum (.clk(add_all_clk), .d(sum), .q(add_all[32*i+:32]));
            roma_delay #(.W(32), .N(6 - i)) late_product (.clk(mul_all_clk), .d(product), .q(mul_all[32*i+:32]));
        end
        for (i = 0; i <= 4; i = i + 1) begin : gen_four
            wire [31:0] converted, near;
            roma_int_to_fp #(.LATENCY(i)) i2f_i (.clk(i2f_all_clk), .x(i2f_all_in), .y(converted));
            roma_fp_to_int #(.LATENCY(i)) f2i_i (.clk(f2i_all_clk), .x(f2i_all_in[40:9]), .scale(f2i_all_in[8:0]), .y(near));
            roma_delay #(.W(32), .N(4 - i)) late_converted (.clk(i2f_all_clk), .d(converted), .q(i2f_all[32*i+:32]));
            roma_delay #(.W(32), .N(4 - i)) late_near (.clk(f2i_all_clk), .d(near), .q(f2i_all[32*i+:32]));
        end
    endgenerate
endmodule
