// Stand-in for roma_increment: a sum.
module roma_increment #(
    parameter W = 32
) (
    input [W-1:0] x,
    input up,
    output [W-1:0] y
);
    assign y = x + up;
endmodule
