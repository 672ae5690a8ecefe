// Where two ways of a network meet: the larger of each field of 32 bits, as unsigned numbers. The highest bit says that there
// is something at all.
module roma_net_max #(
    parameter W = 65
) (
    input [W-1:0] a, b,
    output [W-1:0] y
);
    genvar i;
    generate
        for (i = 0; i < W / 32; i = i + 1) begin : gen_field
            assign y[32*i +: 32] = a[32*i +: 32] > b[32*i +: 32] ? a[32*i +: 32] : b[32*i +: 32];
        end
    endgenerate
    assign y[W-1] = a[W-1] | b[W-1];
endmodule
