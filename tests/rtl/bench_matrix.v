// Matrix units for bench_matrix.cpp, which is their ROMs, L-Units, the broadcast and the controller: one as the mini chip has it, whose first L-Unit
// is a real one but for level tables, and one of sixteen L-Units of one row, with two leaf units and no minima.
module bench_tile #(
    parameter N = 4,
    parameter LANES = 16,
    parameter WIDE = 1,
    parameter FILL = 4,
    parameter INPUTS = 128,
    parameter SUM = 26,
    parameter CODE = 8,
    parameter MINIMUM = 1
) (
    input clk,
    input reset,
    input fill, start, scale_valid, scale_row,
    input [31:0] scale,
    input [6*32-1:0] fill_at,  // row, bits, base, group, z, index
    input [17*32-1:0] op,  // row, base, z, bits, zero, address, scale, row_words, reads, cycles, merge, turns, groups, levels, minimum, lookup, lookup_row
    input [64*FILL-1:0] fill_codes,
    input [3*FILL-1:0] fill_shifts,
    input [N*LANES/8*SUM-1:0] sums_in,
    input [127:0] scale_word,
    output reading, last, result, result_last, element, element_last,
    output [10:0] address, scale_address,
    output [63:0] results, elements,
    output [1:0] bits,
    output [128*N-1:0] codes,
    output [6*N-1:0] shifts,
    input is_real,
    input [63:0] word
);
    localparam ROWS = LANES / 8;
    localparam PLACE = $clog2(INPUTS / 16);
    wire [32*ROWS-1:0] y;
    wire [N*ROWS*SUM-1:0] sums;
    generate
        if (ROWS == 2) begin : gen_two
            assign results = y;
            wire [49:0] first;
            roma_lunit lunit (.clk(clk), .bits(bits), .word(word), .codes(codes[127:0]), .shifts(shifts[5:0]), .sums(first));
            assign sums = {sums_in[N*ROWS*SUM-1:2*SUM],
                is_real ? {first[49], first[49:25], first[24], first[24:0]} : sums_in[2*SUM-1:0]};
        end else begin : gen_one
            assign results = {32'd0, y};
            assign sums = sums_in;
            wire [64:0] unused_word = {word, is_real};
        end
    endgenerate
    roma_matrix_unit #(
        .N(N), .LANES(LANES), .WIDE(WIDE), .FILL(FILL), .INPUTS(INPUTS), .CODE(CODE), .SUM(SUM), .MINIMUM(MINIMUM), .SCALE_BITS(128)) unit (
        .clk(clk), .reset(reset), .fill(fill), .fill_row(fill_at[0]), .fill_bits(fill_at[32+:2]), .fill_base(fill_at[64+:PLACE]),
        .fill_group(fill_at[96+:3]), .fill_z(fill_at[128+:5]), .fill_index(fill_at[160+:8]), .fill_codes(fill_codes),
        .fill_shifts(fill_shifts), .scale_valid(scale_valid), .scale_row(scale_row), .scale(scale), .start(start), .op_row(op[0]), .op_scale_row(op[0]),
        .op_base(op[32+:PLACE]), .op_z(op[64+:5]), .op_bits(op[96+:2]), .op_zero(op[128+:9]), .op_address(op[160+:11]),
        .op_scale(op[192+:11]), .op_row_words(op[224+:PLACE+2]), .op_reads(op[256+:16]), .op_cycles(op[288+:16]), .op_merge(op[320+:$clog2($clog2(N)+1)]),
        .op_turns(op[352+:PLACE+2]), .op_groups(op[384+:5]), .op_levels(op[416+:3]), .op_minimum(op[448]), .op_lookup(op[480]),
        .op_lookup_row(op[512+:4]), .reading(reading), .last(last), .address(address), .bits(bits), .codes(codes), .shifts(shifts),
        .sums(sums), .scale_address(scale_address), .scale_word(scale_word), .result(result), .result_last(result_last), .results(y),
        .element(element), .element_last(element_last), .elements(elements));
endmodule

module bench_matrix (
    input clk,
    input reset,
    input [1:0] fill, start, scale_valid, scale_row,
    input is_real,
    input [31:0] scale,
    input [6*32-1:0] fill_at,
    input [17*32-1:0] op,
    input [255:0] fill_codes,
    input [11:0] fill_shifts,
    input [63:0] word,
    input [207:0] mini_sums,
    input [447:0] other_sums,
    input [127:0] scale_word,
    output [1:0] reading, last, result, result_last, element, element_last,
    output [21:0] address, scale_address,
    output [127:0] results, elements,
    output [3:0] bits,
    output [511:0] mini_codes,
    output [23:0] mini_shifts,
    output [2047:0] other_codes,
    output [95:0] other_shifts
);
    bench_tile mini (
        .clk(clk), .reset(reset), .fill(fill[0]), .start(start[0]), .scale_valid(scale_valid[0]), .scale_row(scale_row[0]), .scale(scale),
        .fill_at(fill_at), .op(op), .fill_codes(fill_codes), .fill_shifts(fill_shifts), .sums_in(mini_sums), .scale_word(scale_word),
        .reading(reading[0]), .last(last[0]), .result(result[0]), .result_last(result_last[0]), .element(element[0]),
        .element_last(element_last[0]), .address(address[10:0]), .scale_address(scale_address[10:0]), .results(results[63:0]),
        .elements(elements[63:0]), .bits(bits[1:0]), .codes(mini_codes), .shifts(mini_shifts), .is_real(is_real), .word(word));
    bench_tile #(.N(16), .LANES(8), .WIDE(2), .FILL(2), .INPUTS(32), .SUM(28), .CODE(9), .MINIMUM(0)) other (
        .clk(clk), .reset(reset), .fill(fill[1]), .start(start[1]), .scale_valid(scale_valid[1]), .scale_row(scale_row[1]), .scale(scale),
        .fill_at(fill_at), .op(op), .fill_codes(fill_codes[127:0]), .fill_shifts(fill_shifts[5:0]), .sums_in(other_sums),
        .scale_word(scale_word), .reading(reading[1]), .last(last[1]), .result(result[1]), .result_last(result_last[1]),
        .element(element[1]), .element_last(element_last[1]), .address(address[21:11]), .scale_address(scale_address[21:11]),
        .results(results[127:64]), .elements(elements[127:64]), .bits(bits[3:2]), .codes(other_codes), .shifts(other_shifts),
        .is_real(is_real), .word(word));
endmodule
