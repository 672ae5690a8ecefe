// A number, or one more: y = x + up, modulo 2^W. Without a clock.
// Groups of eight bits are counted up for themselves; each one looks at once whether all bits below are ones.
module roma_increment #(
    parameter W = 32
) (
    input [W-1:0] x,
    input up,
    output [W-1:0] y
);
    genvar i;
    generate
        for (i = 0; i < W; i = i + 8) begin : gen_group
            localparam N = W - i < 8 ? W - i : 8;
            wire all;
            if (i == 0) begin : gen_first
                assign all = up;
            end else begin : gen_next
                assign all = up & &x[i-1:0];
            end
            assign y[i+:N] = all ? x[i+:N] + {{N - 1{1'b0}}, 1'b1} : x[i+:N];
        end
    endgenerate
endmodule
