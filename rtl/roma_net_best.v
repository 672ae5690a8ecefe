// Where two ways of a network meet: the larger of two unsigned numbers, as keys of roma_logit_key are compared.
module roma_net_best #(
    parameter W = 57
) (
    input [W-1:0] a, b,
    output [W-1:0] y
);
    assign y = a > b ? a : b;
endmodule
