// The multiply-adds of an H-Unit, for attention and adapters (docs/numerics.md 3.4 and 4): LANES products of signed integers, and their sum.
//   a, b      LANES numbers of A and of B bits, lane 0 in the lowest bits
//   products  A + B bits each, MUL behind the operands
//   sum       of all of them, MUL + clog2(LANES) HOP behind the operands
// Interval 1. LANES is a power of two.
module roma_mac #(
    parameter LANES = 32,
    parameter A = 16,
    parameter B = 8,
    parameter MUL = 3,
    parameter HOP = 1
) (
    input clk,
    input [A*LANES-1:0] a,
    input [B*LANES-1:0] b,
    output [(A+B)*LANES-1:0] products,
    output [A+B+$clog2(LANES)-1:0] sum
);
    localparam W = A + B;
    localparam TOP = W + $clog2(LANES) - 1;
    // Products are added as if 2^(W-1) were added to each, which is the sum's own top bit.
    wire [W*LANES-1:0] raised;
    wire [TOP:0] total;
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : gen_lane
            roma_int_mul #(.A(A), .B(B), .LATENCY(MUL)) mul (.clk(clk), .a(a[A*i+:A]), .b(b[B*i+:B]), .y(products[W*i+:W]));
            assign raised[W*i+:W] = {~products[W*i+W-1], products[W*i+:W-1]};
        end
    endgenerate
    roma_reduce #(.LANES(LANES), .W(W), .SUM(1), .HOP(HOP)) reduce (.clk(clk), .x(raised), .y(total));
    assign sum = {~total[TOP], total[TOP-1:0]};
endmodule
