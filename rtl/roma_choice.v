// What the largest key of roma_logit_key says (docs/numerics.md 5.9).
//   id       the token that is chosen; with is_nan the first one whose logit is a NaN
//   is_nan   a logit is a NaN; is_none: all are minus infinity. Either stops the run.
// Without a clock.
module roma_choice #(
    parameter ID = 20
) (
    input [31+ID:0] key,
    output [ID-1:0] id,
    output is_nan,
    output is_none
);
    assign id = ~key[ID-1:0];
    assign is_nan = &key[31+ID:ID];
    assign is_none = key[31+ID:ID] <= 32'h007FFFFF;
endmodule
