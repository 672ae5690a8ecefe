// Where two ways of a network meet: the sum of each field of 32 bits behind the two highest ones, which say that there is something at all, and
// that it is a row's last. A field that one of the two has alone passes as it is.
module roma_net_part #(
    parameter W = 66
) (
    input [W-1:0] a, b,
    output [W-1:0] y
);
    genvar i;
    generate
        for (i = 0; i < (W - 2) / 32; i = i + 1) begin : gen_field
            assign y[32*i +: 32] = a[32*i +: 32] + b[32*i +: 32];
        end
    endgenerate
    assign y[W-1:W-2] = a[W-1:W-2] | b[W-1:W-2];
endmodule
