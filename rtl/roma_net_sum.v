// Where two ways of a network meet: the sum of each field of 64 bits. The highest bit says that there is something at all.
module roma_net_sum #(
    parameter W = 65
) (
    input [W-1:0] a, b,
    output [W-1:0] y
);
    genvar i;
    generate
        for (i = 0; i < W / 64; i = i + 1) begin : gen_field
            assign y[64*i +: 64] = a[64*i +: 64] + b[64*i +: 64];
        end
    endgenerate
    assign y[W-1] = a[W-1] | b[W-1];
endmodule
