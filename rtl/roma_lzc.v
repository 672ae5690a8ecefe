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
            for (i = 0; i < (1 << (LOG - k)); i = i + 1) begin : gen_node
                wire [k-1:0] count;
                wire empty;
                if (k == 1) begin : gen_pair
                    assign count = ~x[2*i+1];
                    assign empty = ~|x[2*i+:2];
                end else begin : gen_halves
                    wire high_empty = gen_level[k-1].gen_node[2*i+1].empty;
                    assign count = {high_empty, high_empty ? gen_level[k-1].gen_node[2*i].count : gen_level[k-1].gen_node[2*i+1].count};
                    assign empty = high_empty & gen_level[k-1].gen_node[2*i].empty;
                end
            end
        end
    endgenerate
    assign n = gen_level[LOG].gen_node[0].count;
    assign none = gen_level[LOG].gen_node[0].empty;
endmodule
