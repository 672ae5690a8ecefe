// What the columns of a matrix mean for an adapter's A (docs/cost-model.md 1.8): how they lie over U units, and in words of MAC codes.
//   c_log, group_log   of the columns of a unit, of a group of A
//   width              of the columns that lie together in a word
//   is_float           a unit has several groups, and adds their leaves itself
//   groups             of A; values: what arrives at the root for a rank, levels: clog2 of these
//   first, count       sub-groups of eight columns that unit `unit` has, and of the matrix among them
module roma_adapter_shape #(
    parameter U = 8,
    parameter MAC = 32
) (
    input [15:0] unit,
    input [19:0] columns,
    output [4:0] c_log,
    output [4:0] group_log,
    output [4:0] width,
    output is_float,
    output [19:0] groups,
    output [4:0] levels,
    output [19:0] first,
    output [19:0] count
);
    localparam LOGS = $clog2(MAC);
    localparam [4:0] LOG = LOGS[4:0];
    function [4:0] log2(input [19:0] x);  // rounded up
        integer i;
        begin
            log2 = 5'd0;
            for (i = 0; i < 20; i = i + 1) if ({12'd0, x} > 32'd1 << i) log2 = i[4:0] + 5'd1;
        end
    endfunction
    wire [19:0] even = (columns + U - 1) / U;
    assign c_log = even > 20'd8 ? log2(even) : 5'd3;
    assign group_log = |columns[5:0] ? 5'd5 : columns[6] ? 5'd6 : columns[7] ? 5'd7 : 5'd8;
    wire [4:0] narrow = c_log < group_log ? c_log : group_log;
    assign width = narrow < LOG ? narrow : LOG;
    assign is_float = c_log > group_log;
    assign groups = columns >> group_log;
    wire [19:0] units = (columns + (20'd1 << c_log) - 20'd1) >> c_log;
    assign levels = log2(is_float ? units : groups);
    wire [19:0] start = {4'd0, unit} << c_log, left = columns - start, whole = 20'd1 << c_log;
    assign first = start >> 3;
    assign count = start >= columns ? 20'd0 : left < whole ? left >> 3 : whole >> 3;
endmodule
