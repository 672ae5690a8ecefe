// Z of a group, the sum of its activations, and what the zero point takes from every row's sum: once a matrix unit, as the codes
// pass by (docs/numerics.md 3.1).
//   codes, shift  a sub-group of 8 inputs a cycle; first, last: of a group; valid: one is there
//   zero          the zero point of the sums, 9 bits signed; for 8-bit codes that of the format + 128
//   z, offset     Z in 23 bits, and -zero * Z in 32, with done
// Latency 4 after the last sub-group: eight codes added, shifted and summed, products compressed, added. Interval 1.
module roma_group_sum (
    input clk,
    input reset,
    input valid,
    input first,
    input last,
    input [63:0] codes,
    input [2:0] shift,
    input [8:0] zero,
    output done,
    output [22:0] z,
    output [31:0] offset
);
    wire [8*11-1:0] rows;
    genvar i;
    generate
        for (i = 0; i < 8; i = i + 1) begin : gen_code
            assign rows[11*i+:11] = {{3{codes[8*i+7]}}, codes[8*i+:8]};
        end
    endgenerate
    wire [10:0] sum, carry, eight;
    roma_compress #(.ROWS(8), .W(11)) tree (.clk(clk), .rows(rows), .sum(sum), .carry(carry));
    wire [2:0] shift1;
    wire first1, last1, last2, last3;
    roma_cut #(.W(15)) cut_eight (.clk(clk), .d({sum + carry, shift, first}), .q({eight, shift1, first1}));
    roma_cut #(.W(1)) cut_last1 (.clk(clk), .d(valid & last & ~reset), .q(last1));
    wire valid1;
    roma_cut #(.W(1)) cut_valid (.clk(clk), .d(valid & ~reset), .q(valid1));
    reg [22:0] running;
    wire [22:0] shifted = {{12{eight[10]}}, eight} << shift1;
    always @(posedge clk) if (valid1) running <= (first1 ? 23'd0 : running) + shifted;
    roma_cut #(.W(1)) cut_last2 (.clk(clk), .d(last1 & ~reset), .q(last2));

    wire [8:0] zero2;
    roma_delay #(.W(9), .N(2)) delay_zero (.clk(clk), .d(zero), .q(zero2));
    // -zero * Z: bits of the zero point times Z are subtracted, the sign's is added. Each ~Z lacks 1, at the place of its bit.
    wire [10*32-1:0] products;
    wire [31:0] extended = {{9{running[22]}}, running};
    generate
        for (i = 0; i < 8; i = i + 1) begin : gen_product
            assign products[32*i+:32] = (zero2[i] ? ~extended : 32'd0) << i;
        end
    endgenerate
    assign products[8*32+:32] = zero2[8] ? {extended[23:0], 8'd0} : 32'd0;
    assign products[9*32+:32] = {24'd0, zero2[7:0]};
    wire [31:0] product_sum_d, product_carry_d, product_sum, product_carry;
    roma_compress #(.ROWS(10), .W(32)) product_tree (
        .clk(clk), .rows(products), .sum(product_sum_d), .carry(product_carry_d));
    wire [22:0] z3;
    roma_cut #(.W(88)) cut_product (
        .clk(clk), .d({product_sum_d, product_carry_d, running, last2 & ~reset}), .q({product_sum, product_carry, z3, last3}));
    roma_cut #(.W(56)) cut_end (.clk(clk), .d({product_sum + product_carry, z3, last3 & ~reset}), .q({offset, z, done}));
endmodule
