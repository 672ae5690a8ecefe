// Leaf of a group (docs/numerics.md 3.1): y = fl((float)I s), with MINIMUM y = fl(fl((float)I s) + fl((float)Z m)).
// `product` is the leaf of a group without minimum, ADD cycles earlier.
// Latency CONVERT + MUL, with MINIMUM + ADD; interval 1.
module roma_leaf #(
    parameter MINIMUM = 1,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2
) (
    input clk,
    input [31:0] sum,
    input [31:0] scale,
    input [22:0] z,
    input [31:0] minimum,
    output [31:0] product,
    output [31:0] y
);
    wire [31:0] sum_float, scale_late;
    roma_int_to_fp #(.LATENCY(CONVERT)) convert_sum (.clk(clk), .x(sum), .y(sum_float));
    roma_delay #(.W(32), .N(CONVERT)) delay_scale (.clk(clk), .d(scale), .q(scale_late));
    roma_fp_mul #(.LATENCY(MUL)) mul_sum (.clk(clk), .a(sum_float), .b(scale_late), .y(product));
    generate
        if (MINIMUM != 0) begin : gen_minimum
            wire [31:0] z_float, minimum_late, z_product;
            roma_int_to_fp #(.LATENCY(CONVERT)) convert_z (.clk(clk), .x({{9{z[22]}}, z}), .y(z_float));
            roma_delay #(.W(32), .N(CONVERT)) delay_minimum (.clk(clk), .d(minimum), .q(minimum_late));
            roma_fp_mul #(.LATENCY(MUL)) mul_z (.clk(clk), .a(z_float), .b(minimum_late), .y(z_product));
            roma_fp_add #(.LATENCY(ADD)) add (.clk(clk), .a(product), .b(z_product), .y(y));
        end else begin : gen_plain
            wire [54:0] unused_minimum = {z, minimum};
            assign y = product;
        end
    endgenerate
endmodule
