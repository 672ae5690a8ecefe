// Square of a value in its row's fixed point (docs/numerics.md 5.2): y = c^2, c = near(x * 2^(13 - e)), at most 2^14.
//   exponent  e + 127, the exponent of the row's largest magnitude; 27 to 226: what a row outside of it gives is not used (roma_rms)
// Latency CONVERT + MUL (0 to 6), the chain `square` of the timing law; interval 1.
module roma_square #(
    parameter MUL = 3,
    parameter CONVERT = 2
) (
    input clk,
    input [31:0] x,
    input [7:0] exponent,
    output [28:0] y
);
    /* verilator no_inline_module */
    // Registers of the product: MUL - 2 behind levels of the compressor tree, then its end, then the sum.
    localparam [5:0] CUTS = MUL <= 2 ? 6'b000000 : MUL == 3 ? 6'b000100 : MUL == 4 ? 6'b001010 : MUL == 5 ? 6'b010101 : 6'b011110;
    wire [15:0] c;
    wire unused_bits = x[31] | c[15];
    roma_fp_to_int #(.W(16), .LATENCY(CONVERT)) convert (.clk(clk), .x({1'b0, x[30:0]}), .scale(9'd140 - {1'b0, exponent}), .y(c));
    wire [15*29-1:0] rows;
    genvar i;
    generate
        for (i = 0; i < 15; i = i + 1) begin : gen_row
            assign rows[29*i+:29] = {14'd0, c[14:0] & {15{c[i]}}} << i;
        end
    endgenerate
    wire [28:0] sum_d, carry_d, sum, carry;
    roma_compress #(.ROWS(15), .W(29), .CUTS(CUTS)) tree (.clk(clk), .rows(rows), .sum(sum_d), .carry(carry_d));
    roma_cut #(.W(58), .ON(MUL > 1 ? 1 : 0)) cut_tree (.clk(clk), .d({sum_d, carry_d}), .q({sum, carry}));
    roma_cut #(.W(29), .ON(MUL > 0 ? 1 : 0)) cut_y (.clk(clk), .d(sum + carry), .q(y));
endmodule
