// Z of the groups of a row, the sums of their activations, once a matrix unit as the codes pass by (docs/numerics.md 3.1).
//   valid, index   FILL sub-groups of 8 inputs are there, the row's sub-groups from index * FILL on
//   size           log2 of a group's sub-groups: 1 to 5
//   done           Z of groups are there, in 23 bits: number `group` and, where a cycle brings several, those behind it, the first lowest
// Latency 2 after a group's last sub-group: eight codes added and shifted; those of the cycle and what came before added. Interval 1.
// FILL is a power of two.
module roma_group_sum #(
    parameter FILL = 4,
    parameter COUNT = 8  // bits of index
) (
    input clk,
    input reset,
    input valid,
    input [COUNT-1:0] index,
    input [2:0] size,
    input [64*FILL-1:0] codes,
    input [3*FILL-1:0] shifts,
    output done,
    output [COUNT+3:0] group,
    output [23*FILL-1:0] z
);
    localparam LOG = $clog2(FILL);
    localparam [31:0] LOG_FILL = LOG;
    localparam [2:0] CYCLE = LOG_FILL[2:0];
    wire [COUNT-1:0] index1;
    wire [2:0] size1;
    wire valid1;
    roma_cut #(.W(COUNT + 4)) cut_mark (.clk(clk), .d({index, size, valid & ~reset}), .q({index1, size1, valid1}));

    // A group that is larger than a cycle takes all of the cycle's and what came before; a smaller one its own level of their tree.
    wire is_larger = size1 > CYCLE;
    wire [4:0] mask = (5'd1 << (size1 - CYCLE)) - 5'd1;
    wire [COUNT+4:0] part = {5'd0, index1} & {{COUNT{1'b0}}, mask};
    wire is_first = ~|part, is_last = ~is_larger | part[4:0] == mask;
    wire unused_part = |part;
    genvar i, j, k;
    generate
        for (k = 0; k <= LOG; k = k + 1) begin : gen_level
            wire [23*(FILL>>k)-1:0] sums;
            wire [23*FILL-1:0] chosen;  // of this level or one below
            for (i = 0; i < (FILL >> k); i = i + 1) begin : gen_sum
                if (k == 0) begin : gen_eight
                    wire [8*11-1:0] rows;
                    for (j = 0; j < 8; j = j + 1) begin : gen_code
                        assign rows[11*j+:11] = {{3{codes[64*i+8*j+7]}}, codes[64*i+8*j+:8]};
                    end
                    wire [10:0] sum, carry;
                    roma_compress #(.ROWS(8), .W(11)) tree (.clk(clk), .rows(rows), .sum(sum), .carry(carry));
                    wire [10:0] eight = sum + carry;
                    wire [22:0] shifted = {{12{eight[10]}}, eight} << shifts[3*i+:3];
                    roma_cut #(.W(23)) cut (.clk(clk), .d(shifted), .q(sums[23*i+:23]));
                end else begin : gen_pair
                    assign sums[23*i+:23] = gen_level[k-1].sums[46*i+:23] + gen_level[k-1].sums[46*i+23+:23];
                end
            end
            if (k == 0) begin : gen_lowest
                assign chosen = sums;
            end else begin : gen_higher
                localparam [2:0] HERE = k;
                wire [46*FILL-1:0] padded = {gen_level[k-1].chosen, {23 * FILL - 23 * (FILL >> k) {1'b0}}, sums};
                assign chosen = size1 == HERE ? padded[23*FILL-1:0] : padded[46*FILL-1:23*FILL];
            end
        end
    endgenerate
    reg [22:0] running;
    wire [22:0] total_sum, total_carry;
    roma_compress #(.ROWS(FILL + 2), .W(23)) total_tree (
        .clk(clk), .rows({23'd0, is_first ? 23'd0 : running, gen_level[0].sums}), .sum(total_sum), .carry(total_carry));
    wire [22:0] total = total_sum + total_carry;
    always @(posedge clk) if (valid1) running <= total;
    wire [23*FILL-1:0] z_d = gen_level[LOG].chosen ^ {{23 * FILL - 23{1'b0}}, (gen_level[LOG].chosen[22:0] ^ total) & {23{is_larger}}};
    wire [COUNT+3:0] group_d = ({4'd0, index1} << LOG) >> size1;
    roma_cut #(.W(23 * FILL + COUNT + 5)) cut_z (
        .clk(clk), .d({z_d, group_d, valid1 & is_last & ~reset}), .q({z, group, done}));
endmodule
