// Compressor tree: the sum of ROWS numbers of W bits, modulo 2^W, as two numbers, sum + carry.
//   rows   number i in bits W*i and up
// Latency: the cuts that are on, bit k of CUTS being a register behind level k; interval 1. A level turns three rows into two
// and leaves what is over, so that 24 rows take seven levels. ROWS >= 3.
module roma_compress #(
    parameter ROWS = 4,
    parameter W = 8,
    parameter CUTS = 0
) (
    input clk,
    input [ROWS*W-1:0] rows,
    output [W-1:0] sum,
    output [W-1:0] carry
);
    function integer rows_at(input integer level);
        integer k;
        begin
            rows_at = ROWS;
            for (k = 0; k < level; k = k + 1) rows_at = rows_at - rows_at / 3;
        end
    endfunction
    function integer levels(input integer unused);
        integer n;
        begin
            n = ROWS;
            levels = unused;
            while (n > 2) begin
                n = n - n / 3;
                levels = levels + 1;
            end
        end
    endfunction
    localparam LEVELS = levels(0);

    // Level 0 is what comes in. Above it, rows 2 i and 2 i + 1 are the sum and the carry of triple i below, the others are passed on.
    genvar k, i;
    generate
        for (k = 0; k <= LEVELS; k = k + 1) begin : gen_level
            localparam TRIPLES = k == 0 ? 0 : rows_at(k - 1) / 3;
            for (i = 0; i < rows_at(k); i = i + 1) begin : gen_row
                wire [W-1:0] d, q;
                if (k == 0) begin : gen_input
                    assign d = rows[W*i+:W];
                    assign q = d;
                    wire unused_clk = clk;
                end else begin : gen_next
                    if (i >= 2 * TRIPLES) begin : gen_over
                        assign d = gen_level[k-1].gen_row[i+TRIPLES].q;
                    end else if (i % 2 == 0) begin : gen_sum
                        assign d = gen_level[k-1].gen_row[3*(i/2)].q ^ gen_level[k-1].gen_row[3*(i/2)+1].q ^
                            gen_level[k-1].gen_row[3*(i/2)+2].q;
                    end else begin : gen_carry
                        wire [W-1:0] a = gen_level[k-1].gen_row[3*(i/2)].q;
                        wire [W-1:0] b = gen_level[k-1].gen_row[3*(i/2)+1].q;
                        wire [W-1:0] c = gen_level[k-1].gen_row[3*(i/2)+2].q;
                        wire unused_top = a[W-1] | b[W-1] | c[W-1];
                        assign d = {a[W-2:0] & b[W-2:0] | a[W-2:0] & c[W-2:0] | b[W-2:0] & c[W-2:0], 1'b0};
                    end
                    roma_cut #(.W(W), .ON((CUTS >> (k - 1)) & 1)) cut (.clk(clk), .d(d), .q(q));
                end
            end
        end
    endgenerate
    assign sum = gen_level[LEVELS].gen_row[0].q;
    assign carry = gen_level[LEVELS].gen_row[1].q;
endmodule
