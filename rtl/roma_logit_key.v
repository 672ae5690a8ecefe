// A token's logit as a number whose largest, compared as unsigned integers, is the choice of docs/numerics.md 5.9: a NaN above all, then values as
// IEEE compares them, -0 and +0 being equal, and of equal ones the lowest id. 0 is below every key: a lane without a token.
//   key  {value in order, ~id}
// Without a clock. Keys go through roma_reduce, roma_running and the network's hops; roma_choice reads the one that is left.
module roma_logit_key #(
    parameter ID = 20
) (
    input [31:0] logit,
    input [ID-1:0] id,
    output [31+ID:0] key
);
    wire is_nan = &logit[30:23] & |logit[22:0];
    wire is_negative = logit[31] & |logit[30:0];
    wire [31:0] order = is_nan ? 32'hFFFFFFFF : is_negative ? ~logit : {1'b1, logit[30:0]};
    assign key = {order, ~id};
endmodule
