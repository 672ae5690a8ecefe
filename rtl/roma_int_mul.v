// Product of two signed integers: y = a * b, exact (docs/numerics.md 3.4 and 4: codes of 16 by 8 bits).
// Latency LATENCY (0 to 4), interval 1; `a product of integers is a mul` of the timing law. B rows of A bits and a constant, compressed.
module roma_int_mul #(
    parameter A = 16,
    parameter B = 8,
    parameter LATENCY = 3
) (
    input clk,
    input [A-1:0] a,
    input [B-1:0] b,
    output [A+B-1:0] y
);
    /* verilator no_inline_module */
    // Registers behind the slices: 0 two levels of the compressor tree, 1 all of them, 2 the lower half added, 3 the upper one.
    localparam [3:0] CUT = LATENCY == 0 ? 4'b0000 : LATENCY == 1 ? 4'b1000 : LATENCY == 2 ? 4'b1010 : LATENCY == 3 ? 4'b1101 : 4'b1111;
    localparam W = A + B, LOW = W / 2;

    // The bit of a row that weighs negative is inverted, which is one too much at its place; together that is the constant row.
    wire [(B+1)*W-1:0] rows;
    assign rows[B*W+:W] = ({{W - 1{1'b0}}, 1'b1} << (W - 1)) | ({{W - 1{1'b0}}, 1'b1} << (A - 1)) + ({{W - 1{1'b0}}, 1'b1} << (B - 1));
    genvar i;
    generate
        for (i = 0; i < B; i = i + 1) begin : gen_row
            wire [A-1:0] gated = a & {A{b[i]}};
            wire [A-1:0] row = i == B - 1 ? {gated[A-1], ~gated[A-2:0]} : {~gated[A-1], gated[A-2:0]};
            assign rows[W*i+:W] = {{B{1'b0}}, row} << i;
        end
    endgenerate
    wire [W-1:0] sum_d, carry_d, sum, carry;
    roma_compress #(.ROWS(B + 1), .W(W), .CUTS(CUT[0] ? 2 : 0)) tree (.clk(clk), .rows(rows), .sum(sum_d), .carry(carry_d));
    roma_cut #(.W(2 * W), .ON(CUT[1])) cut_tree (.clk(clk), .d({sum_d, carry_d}), .q({sum, carry}));
    wire [LOW:0] low_d = {1'b0, sum[LOW-1:0]} + {1'b0, carry[LOW-1:0]};
    wire [LOW:0] low;
    wire [W-LOW-1:0] sum_high, carry_high;
    roma_cut #(.W(2 * W - LOW + 1), .ON(CUT[2])) cut_low (
        .clk(clk), .d({low_d, sum[W-1:LOW], carry[W-1:LOW]}), .q({low, sum_high, carry_high}));
    wire [W-LOW-1:0] high = sum_high + carry_high + {{W - LOW - 1{1'b0}}, low[LOW]};
    roma_cut #(.W(W), .ON(CUT[3])) cut_y (.clk(clk), .d({high, low[LOW-1:0]}), .q(y));
endmodule
