// What a zero point takes from every row's sum of a group: offset = -zero * Z (docs/numerics.md 3.1).
//   zero   9 bits signed; for 8-bit codes that of the format + 128, which roma_lunit has counted too much
//   z      the group's Z, 23 bits; offset in 32
// Latency 2: products compressed, added. Interval 1.
module roma_zero (
    input clk,
    input [8:0] zero,
    input [22:0] z,
    output [31:0] offset
);
    // Bits of the zero point times Z are subtracted, the sign's is added. Each ~Z lacks 1, at the place of its bit.
    wire [10*32-1:0] products;
    wire [31:0] extended = {{9{z[22]}}, z};
    genvar i;
    generate
        for (i = 0; i < 8; i = i + 1) begin : gen_product
            assign products[32*i+:32] = (zero[i] ? ~extended : 32'd0) << i;
        end
    endgenerate
    assign products[8*32+:32] = zero[8] ? {extended[23:0], 8'd0} : 32'd0;
    assign products[9*32+:32] = {24'd0, zero[7:0]};
    wire [31:0] sum_d, carry_d, sum, carry;
    roma_compress #(.ROWS(10), .W(32)) tree (.clk(clk), .rows(products), .sum(sum_d), .carry(carry_d));
    roma_cut #(.W(64)) cut (.clk(clk), .d({sum_d, carry_d}), .q({sum, carry}));
    roma_cut #(.W(32)) cut_end (.clk(clk), .d(sum + carry), .q(offset));
endmodule
