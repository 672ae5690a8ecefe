// Sine and cosine of turn / 2^32 of a full turn (docs/numerics.md 5.6).
// Latency 6 MUL + 4 ADD + CONVERT (32 with 3, 3, 2), interval 1: one unit for each rounding of the law, in its order.
module roma_sincos #(
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2
) (
    input clk,
    input [31:0] turn,
    output [31:0] sine,
    output [31:0] cosine
);
    localparam STEP = MUL + ADD;
    localparam [4*32-1:0] EVEN = {32'h3F800000, 32'hBF000000, 32'h3D2AAAAB, 32'hBAB60B61};
    localparam [2*32-1:0] ODD = {32'hBE2AAAAB, 32'h3C088889};

    // The nearest quarter, and the rest of the turn in y radians
    wire [31:0] moved = turn + 32'h20000000;
    wire [1:0] quarter_d = moved[31:30];
    wire [29:0] unused_moved = moved[29:0];
    wire [31:0] rest = turn - {quarter_d, 30'd0};
    wire [31:0] rest_float, y, y2;
    roma_int_to_fp #(.LATENCY(CONVERT)) to_float (.clk(clk), .x(rest), .y(rest_float));
    wire [31:0] z = {rest_float[31], |rest_float[30:23] ? rest_float[30:23] - 8'd32 : 8'd0, rest_float[22:0]};
    roma_fp_mul #(.LATENCY(MUL)) mul_y (.clk(clk), .a(z), .b(32'h40C90FDB), .y(y));
    roma_fp_mul #(.LATENCY(MUL)) mul_y2 (.clk(clk), .a(y), .b(y), .y(y2));

    // Four steps of Horner in y^2 for the cosine, two for the sine
    wire [5*32-1:0] even, y2_at;
    wire [3*32-1:0] odd;
    assign even[31:0] = 32'h37D00D01;
    assign odd[31:0] = 32'hB9500D01;
    assign y2_at[31:0] = y2;
    genvar i;
    generate
        for (i = 0; i < 4; i = i + 1) begin : gen_step
            wire [31:0] product;
            roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a(even[32*i+:32]), .b(y2_at[32*i+:32]), .y(product));
            roma_fp_add #(.LATENCY(ADD)) add (.clk(clk), .a(product), .b(EVEN[32*i+:32]), .y(even[32*(i+1)+:32]));
            roma_delay #(.W(32), .N(i < 3 ? STEP : 0)) delay_y2 (.clk(clk), .d(y2_at[32*i+:32]), .q(y2_at[32*(i+1)+:32]));
            if (i < 2) begin : gen_odd
                wire [31:0] odd_product;
                roma_fp_mul #(.LATENCY(MUL)) mul_odd (.clk(clk), .a(odd[32*i+:32]), .b(y2_at[32*i+:32]), .y(odd_product));
                roma_fp_add #(.LATENCY(ADD)) add_odd (.clk(clk), .a(odd_product), .b(ODD[32*i+:32]), .y(odd[32*(i+1)+:32]));
            end
        end
    endgenerate
    wire [31:0] unused_y2 = y2_at[4*32+:32];

    // sine = y + y (y^2 P), a sum earlier than the cosine
    wire [31:0] y_at_p, y_late, tail, bend, sine_early, s;
    roma_fp_mul #(.LATENCY(MUL)) mul_tail (.clk(clk), .a(y2_at[2*32+:32]), .b(odd[2*32+:32]), .y(tail));
    roma_delay #(.W(32), .N(2 * MUL + 2 * STEP)) delay_y (.clk(clk), .d(y), .q(y_at_p));
    roma_fp_mul #(.LATENCY(MUL)) mul_bend (.clk(clk), .a(y_at_p), .b(tail), .y(bend));
    roma_delay #(.W(32), .N(MUL)) delay_sum (.clk(clk), .d(y_at_p), .q(y_late));
    roma_fp_add #(.LATENCY(ADD)) add_sine (.clk(clk), .a(y_late), .b(bend), .y(sine_early));
    roma_delay #(.W(32), .N(ADD)) delay_sine (.clk(clk), .d(sine_early), .q(s));

    wire [1:0] quarter;
    roma_delay #(.W(2), .N(CONVERT + 2 * MUL + 4 * STEP)) delay_quarter (.clk(clk), .d(quarter_d), .q(quarter));
    wire [31:0] c = even[4*32+:32];
    wire [31:0] sine_of = quarter[0] ? c : s;
    wire [31:0] cosine_of = quarter[0] ? s : c;
    assign sine = {sine_of[31] ^ quarter[1], sine_of[30:0]};
    assign cosine = {cosine_of[31] ^ quarter[1] ^ quarter[0], cosine_of[30:0]};
endmodule
