// The self-test of a matrix unit of two L-Units of five words, and of one of four wider ones, for bench_selftest.cpp; signatures of three units on their way out.
module bench_selftest (
    input clk,
    input reset,
    input start,
    input [639:0] rom,  // word a of L-Unit n: 64 bits from 64 (5 n + a) on; of the wide one 128 bits, words 0 and 1 of four L-Units
    output busy,
    output [32:0] sign,
    output wide_busy,
    output [32:0] wide_sign,
    output out_valid,
    output [63:0] out_data
);
    wire [2:0] address;
    wire [255:0] codes;
    wire [99:0] sums;
    roma_selftest #(.N(2), .WORDS(5), .PASS(7), .ADDRESS(3), .PIPELINE(3)) test (
        .clk(clk), .reset(reset), .start(start), .busy(busy), .address(address), .codes(codes), .sums(sums), .sign(sign));
    wire [1:0] wide_address;
    wire [511:0] wide_codes;
    wire [399:0] wide_sums;
    roma_selftest #(.N(4), .LANES(32), .WORDS(1), .PASS(1), .PIPELINE(5)) wide_test (
        .clk(clk), .reset(reset), .start(start), .busy(wide_busy), .address(wide_address), .codes(wide_codes), .sums(wide_sums), .sign(wide_sign));
    genvar i;
    generate
        for (i = 0; i < 2; i = i + 1) begin : gen_lunit
            reg [63:0] word;
            always @(posedge clk) word <= rom[64*(5*i+{29'd0, address}) +: 64];
            roma_lunit lunit (.clk(clk), .bits(2'd0), .word(word), .codes(codes[128*i +: 128]), .shifts(6'o70), .sums(sums[50*i +: 50]));
        end
        for (i = 0; i < 16; i = i + 1) begin : gen_wide  // row i mod 4 of L-Unit i / 4, as a formula
            reg [31:0] word;
            reg [24:0] sum;
            integer k;
            always @(posedge clk) word <= wide_address == 2'd0 ? rom[32*i +: 32] : 32'd0;
            always @* begin
                sum = 25'd0;
                for (k = 0; k < 16; k = k + 1)
                    sum = sum + (({23'd0, word[8*(k%4)+2*(k/4) +: 2]} * {17'd0, wide_codes[128*(i/4)+8*k +: 8]}) << (k < 8 ? 0 : 7));
            end
            roma_delay #(.W(25), .N(4)) late (.clk(clk), .d(sum), .q(wide_sums[25*i +: 25]));
        end
    endgenerate
    roma_signatures #(.U(3), .N(2)) signatures (
        .clk(clk), .reset(reset), .signs({sign[32], ~sign[31:0], sign[32], sign[30:0], sign[31], sign}), .valid(out_valid), .data(out_data));
endmodule
