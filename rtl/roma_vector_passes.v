// Reads the operands of a vector unit's operations in the cycles of docs/cost-model.md 1.7: element groups of rows, one a cycle, or one
// in INTERVAL cycles for SILU and ANGLES, and passes that wait for a reduction. What is read comes out as addresses and flags for
// the lanes; what becomes of it knows its own latency.
//   start      with the record and the rows of its block; the first group is read in the next cycle
//   known      bit p: what pass p of NORM and QUANTISE needs of the block's first row is there
//   last       the last operand is read; another start may come
module roma_vector_passes #(
    parameter ALL = 32,  // lanes of all vector units, a power of two, at least 16
    parameter INTERVAL = 4
) (
    input clk,
    input reset,
    input start,
    input [319:0] record,
    input [15:0] number,
    input [7:0] rows_from, rows_count,
    input [2:0] known,
    output idle,
    output last,
    output reading,
    output [4:0] what,
    output [1:0] pass,
    output [7:0] row,          // of the step
    output [7:0] row_of_block,
    output first_of_row, last_of_row, last_of_pass,
    output [15:0] index,       // of the element group
    output [7:0] phase,        // below INTERVAL
    output [15:0] address0, address1, address_out, address_vector,
    output [19:0] elements,
    output [9:0] rotated,
    output [31:0] constant0, constant1,
    output [7:0] value,
    output [15:0] number_now
);
    localparam SHIFT = $clog2(ALL);
    localparam [31:0] LAST_LANE = ALL - 1;
    localparam [19:0] ROUND = LAST_LANE[19:0];
    localparam [7:0] LAST_PHASE = INTERVAL - 1;
    localparam OP = 5 + 8 + 3 * 16 + 20 + 10 + 16 + 64;
    reg [OP-1:0] op;
    reg active;
    reg [15:0] its_number;
    reg [7:0] from, rows, r, p;
    reg [15:0] i, row_base;
    reg [1:0] a_pass;
    wire [15:0] at0, at1, at_out, at_vector;
    assign {what, value, at0, at1, at_out, elements, rotated, at_vector, constant0, constant1} = op;
    assign number_now = its_number;
    wire is_norm = what == 5'd4, is_quantise = what == 5'd5, is_slow = what == 5'd9 || what == 5'd13;
    wire [19:0] up = elements + ROUND, angles_up = {10'd0, rotated} + ROUND, start_up = record[167:148] + ROUND;
    wire [15:0] groups = up[19:4] >> (SHIFT - 4), angle_groups = angles_up[19:4] >> (SHIFT - 4), start_groups = start_up[19:4] >> (SHIFT - 4);
    wire [15:0] last_group = groups - 16'd1;
    wire [1:0] last_pass = is_norm ? 2'd2 : is_quantise ? 2'd1 : 2'd0;
    wire waits = r == 8'd0 && i == 16'd0 && !known[a_pass] && a_pass != 2'd0;
    assign reading = active && !waits;
    assign pass = a_pass;
    assign row_of_block = r;
    assign row = from + r;
    assign index = i;
    assign phase = p;
    assign first_of_row = i == 16'd0;
    assign last_of_row = i == last_group;
    wire last_phase = !is_slow || p == LAST_PHASE;
    assign last_of_pass = last_of_row && r == rows - 8'd1 && last_phase;
    assign last = reading && last_of_pass && a_pass == last_pass;
    assign idle = !active;
    wire [15:0] angle_group = i & (angle_groups - 16'd1);  // angles of a head take a power of two of addresses
    wire [15:0] row_angles = {8'd0, row} * angle_groups;
    assign address0 = at0 + row_base + i;
    assign address1 = what == 5'd10 ? at1 + row_angles + angle_group : at1 + row_base + i;
    assign address_out = what == 5'd9 ? at_out + row_angles : at_out + row_base + i;
    assign address_vector = at_vector + i;
    always @(posedge clk) begin
        if (reset) begin
            active <= 1'b0;
        end else if (start) begin
            active <= 1'b1;
            op <= {record[63:59], record[31:24], record[127:80], record[167:148], record[137:128], record[239:224], record[319:256]};
            {its_number, from, rows} <= {number, rows_from, rows_count};
            {r, i, p, a_pass} <= 34'd0;
        end else if (last) begin
            active <= 1'b0;
        end else if (reading) begin
            p <= last_phase ? 8'd0 : p + 8'd1;
            if (last_phase) begin
                i <= last_of_row ? 16'd0 : i + 16'd1;
                if (last_of_row) r <= last_of_pass ? 8'd0 : r + 8'd1;
                if (last_of_pass) a_pass <= a_pass + 2'd1;
            end
        end
        if (start) row_base <= {8'd0, rows_from} * start_groups;
        else if (reading && last_phase && last_of_row) row_base <= last_of_pass ? {8'd0, from} * groups : row_base + groups;
    end
    wire unused_bits = ^{record, up[3:0], angles_up[3:0], start_up[3:0]};
endmodule
