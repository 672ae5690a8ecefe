// Merge of N neighbouring L-Units into the integer sums of groups, for the rows of a row group (docs/numerics.md 3.1).
//   sums      of each L-Unit, row by row, W bits signed, the first L-Unit's lowest
//   levels    1 to clog2(N): a group is the sum of 2^levels neighbours; is_over: of all N over several waves, first and last of which are told
//   offset    what each group's sum starts with, the first group's lowest: -zero * Z of roma_zero; of several waves with the last
//   totals    sums I of the groups of the wave in ACC bits, number (group * ROWS + row); what is behind the last one is of no meaning
//   done      totals are there
// ACC: roma_matrix_unit derives it from the width of a code and the group: 27 bits for 4-bit codes in groups of 256, 31 for 8-bit ones.
// Latency `levels`, a hop a level, and one for the sum over waves; interval 1, but one that is shorter may not catch up with a longer one.
// N is a power of two and at least 2.
module roma_merge #(
    parameter N = 4,
    parameter ROWS = 2,
    parameter W = 25,
    parameter ACC = 31,
    parameter LOG = $clog2(N),
    parameter LEVEL = $clog2(LOG + 1)  // bits of levels
) (
    input clk,
    input reset,
    input valid,
    input [LEVEL-1:0] levels,
    input is_over,
    input first,
    input last,
    input [N*ROWS*W-1:0] sums,
    input [N/2*ACC-1:0] offset,
    output done,
    output [N/2*ROWS*ACC-1:0] totals
);
    localparam SLOTS = N / 2;
    localparam WIDTH = SLOTS * ROWS * ACC;
    genvar k, i, r;
    generate
        for (k = 0; k <= LOG; k = k + 1) begin : gen_level
            localparam [LEVEL-1:0] HERE = k;
            wire [(N>>k)*ROWS*ACC-1:0] q;
            wire [LEVEL+3:0] mark;  // valid, is_over, first, last, levels
            wire [SLOTS*ACC-1:0] waits;
            wire [WIDTH:0] out;  // done and the totals of groups that end here or below
            if (k == 0) begin : gen_input
                assign mark = {valid & ~reset, is_over, first, last, levels};
                assign waits = offset;
                assign out = {WIDTH + 1{1'b0}};
                for (i = 0; i < N * ROWS; i = i + 1) begin : gen_sum
                    wire [ACC+W-1:0] extended = {{ACC{sums[W*i+W-1]}}, sums[W*i+:W]};
                    wire [W-1:0] unused_extended = extended[ACC+:W];
                    assign q[ACC*i+:ACC] = extended[ACC-1:0];
                end
            end else begin : gen_pairs
                wire [LEVEL+3:0] was = gen_level[k-1].mark;
                wire is_end = was[LEVEL-1:0] == HERE & ~was[LEVEL+2];
                wire here;
                roma_cut #(.W(LEVEL + 5)) cut_mark (
                    .clk(clk), .d({is_end & was[LEVEL+3] & ~reset, was[LEVEL+3] & ~reset, was[LEVEL+2:0]}), .q({here, mark}));
                roma_cut #(.W(SLOTS * ACC)) cut_offset (.clk(clk), .d(gen_level[k-1].waits), .q(waits));
                for (i = 0; i < (N >> k); i = i + 1) begin : gen_slot
                    wire [ACC-1:0] start = gen_level[k-1].waits[ACC*i+:ACC] & {ACC{is_end}};
                    for (r = 0; r < ROWS; r = r + 1) begin : gen_row
                        wire [ACC-1:0] a = gen_level[k-1].q[ACC*(2*i*ROWS+r)+:ACC];
                        wire [ACC-1:0] b = gen_level[k-1].q[ACC*((2*i+1)*ROWS+r)+:ACC];
                        roma_cut #(.W(ACC)) cut (.clk(clk), .d(a + b + start), .q(q[ACC*(i*ROWS+r)+:ACC]));
                    end
                end
                for (i = 0; i < SLOTS * ROWS; i = i + 1) begin : gen_out
                    if (i < (N >> k) * ROWS) begin : gen_here
                        assign out[ACC*i+:ACC] = gen_level[k-1].out[ACC*i+:ACC] | q[ACC*i+:ACC] & {ACC{here}};
                    end else begin : gen_none
                        assign out[ACC*i+:ACC] = gen_level[k-1].out[ACC*i+:ACC];
                    end
                end
                assign out[WIDTH] = gen_level[k-1].out[WIDTH] | here;
            end
        end
    endgenerate

    // over waves
    wire [LEVEL+3:0] top = gen_level[LOG].mark;
    wire [LEVEL-1:0] unused_levels = top[LEVEL-1:0];
    wire [(SLOTS-1)*ACC:0] unused_waits = gen_level[LOG].waits[SLOTS*ACC-1:ACC-1];
    reg ended;
    always @(posedge clk) ended <= top[LEVEL+3] & top[LEVEL+2] & top[LEVEL] & ~reset;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : gen_running
            reg [ACC-1:0] running;
            wire [ACC-1:0] so_far = top[LEVEL+1] ? {ACC{1'b0}} : running;
            wire [ACC-1:0] end_with = gen_level[LOG].waits[ACC-1:0] & {ACC{top[LEVEL]}};
            always @(posedge clk) if (top[LEVEL+3]) running <= so_far + gen_level[LOG].q[ACC*r+:ACC] + end_with;
        end
        for (i = 0; i < SLOTS * ROWS; i = i + 1) begin : gen_total
            if (i < ROWS) begin : gen_over
                assign totals[ACC*i+:ACC] = gen_level[LOG].out[ACC*i+:ACC] | gen_running[i].running & {ACC{ended}};
            end else begin : gen_plain
                assign totals[ACC*i+:ACC] = gen_level[LOG].out[ACC*i+:ACC];
            end
        end
    endgenerate
    assign done = gen_level[LOG].out[WIDTH] | ended;
endmodule
