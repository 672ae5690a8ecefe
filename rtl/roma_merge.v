// Merge of M neighbouring L-Units, of one row: the integer sum of a group (docs/numerics.md 3.1), over as many waves as it has.
//   sums          M numbers of W bits, signed
//   first, last   of the group's waves; valid: a wave is there
//   offset        what the group's sum starts with: -zero * Z of roma_group_sum
//   total         the group's sum I in ACC bits, with done
// BITS and GROUP give ACC: 27 bits for 4-bit codes in groups of 256, 31 for 8-bit ones. Latency clog2(M) + 1 after the last wave, a hop a
// level and one for the running sum; interval 1. M is a power of two.
module roma_merge #(
    parameter M = 4,
    parameter W = 25,
    parameter BITS = 8,
    parameter GROUP = 256,
    parameter ACC = 1 + $clog2(((1 << BITS) - 1) * 16256 * GROUP + 1)
) (
    input clk,
    input reset,
    input valid,
    input first,
    input last,
    input [M*W-1:0] sums,
    input [ACC-1:0] offset,
    output done,
    output [ACC-1:0] total
);
    localparam LEVELS = $clog2(M);
    genvar k, i;
    generate
        for (k = 0; k <= LEVELS; k = k + 1) begin : gen_level
            for (i = 0; i < (M >> k); i = i + 1) begin : gen_sum
                wire [W+k-1:0] q;
                if (k == 0) begin : gen_input
                    assign q = sums[W*i+:W];
                end else begin : gen_pair
                    wire [W+k-2:0] a = gen_level[k-1].gen_sum[2*i].q;
                    wire [W+k-2:0] b = gen_level[k-1].gen_sum[2*i+1].q;
                    roma_cut #(.W(W + k)) cut (.clk(clk), .d({a[W+k-2], a} + {b[W+k-2], b}), .q(q));
                end
            end
        end
    endgenerate
    wire [W+LEVELS-1:0] wave = gen_level[LEVELS].gen_sum[0].q;
    wire [2:0] mark;
    wire [ACC-1:0] offset_late;
    roma_delay #(.W(3), .N(LEVELS)) delay_mark (.clk(clk), .d({first, last, valid} & {3{~reset}}), .q(mark));
    roma_delay #(.W(ACC), .N(LEVELS)) delay_offset (.clk(clk), .d(offset), .q(offset_late));
    wire [ACC+W+LEVELS-1:0] extended = {{ACC{wave[W+LEVELS-1]}}, wave};
    wire [W+LEVELS-1:0] unused_high = extended[ACC+:W+LEVELS];
    reg [ACC-1:0] running;
    reg ended;
    always @(posedge clk) begin
        if (mark[0]) running <= (mark[2] ? offset_late : running) + extended[ACC-1:0];
        ended <= mark[0] & mark[1] & ~reset;
    end
    assign total = running;
    assign done = ended;
endmodule
