// Zeros above the first one of 2^LOG bits: n, and none = 1 where there is no one at all (n is then 2^LOG - 1).
// Without a clock. Pairs, then halves, count for themselves; the upper half decides whose count it is.
module roma_lzc #(
    parameter LOG = 5
) (
    input [(1<<LOG)-1:0] x,
    output [LOG-1:0] n,
    output none
);
    genvar k, i;
    generate
        for (k = 1; k <= LOG; k = k + 1) begin : gen_level
            wire [(1<<(LOG-k))-1:0] empty;
            wire [k*(1<<(LOG-k))-1:0] count;
            for (i = 0; i < (1 << (LOG - k)); i = i + 1) begin : gen_node
                if (k == 1) begin : gen_pair
                    assign count[i] = ~x[2*i+1];
                    assign empty[i] = ~|x[2*i+:2];
                end else begin : gen_halves
                    wire high_empty = gen_level[k-1].empty[2*i+1];
                    assign count[k*i+:k] = {high_empty,
                        high_empty ? gen_level[k-1].count[(k-1)*2*i+:k-1] : gen_level[k-1].count[(k-1)*(2*i+1)+:k-1]};
                    assign empty[i] = high_empty & gen_level[k-1].empty[2*i];
                end
            end
        end
    endgenerate
    assign n = gen_level[LOG].count;
    assign none = gen_level[LOG].empty;
endmodule
