// What the largest magnitude of a row makes of it (docs/numerics.md 2, steps 1, 2 and 5; 4 with other constants): factor = fl(TOP / max), with
// which its values become codes, and scale = fl(max INVERSE), what a code is worth.
//   start  largest is there: the bits of a magnitude, a NaN the largest; the next one after INTERVAL cycles
//   done   factor and scale are there; below 2^-100 both are 0, from 2^100 on the scale is NaN and the factor 0, which says: no codes
// Latency 16, that of a quotient; interval INTERVAL, as roma_fp_div.
module roma_reciprocal #(
    parameter INTERVAL = 4,
    parameter MUL = 3,
    parameter TOP = 32'h467E0000,
    parameter INVERSE = 32'h38810204
) (
    input clk,
    input reset,
    input start,
    input [30:0] largest,
    output done,
    output [31:0] factor,
    output [31:0] scale
);
    localparam DIV = 16;
    wire is_tiny = largest[30:23] < 8'd27;
    wire is_huge = largest[30:23] >= 8'd227;
    wire [31:0] divisor = is_tiny | is_huge ? 32'h7F800000 : {1'b0, largest};
    wire [31:0] counted = is_tiny ? 32'd0 : is_huge ? 32'h7FC00000 : {1'b0, largest};
    wire [31:0] scale_early;
    roma_fp_div #(.INTERVAL(INTERVAL)) div (
        .clk(clk), .reset(reset), .start(start), .a(TOP), .b(divisor), .done(done), .y(factor));
    roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a(counted), .b(INVERSE), .y(scale_early));
    roma_delay #(.W(32), .N(DIV - MUL)) delay_scale (.clk(clk), .d(scale_early), .q(scale));
endmodule
