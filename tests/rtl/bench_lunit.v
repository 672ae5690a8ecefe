// L-Units in three variants and what follows them up to a row's sum, for bench_lunit.cpp: blocks alone, and a slice of a matrix unit.
module bench_lunit (
    input clk,
    input reset,
    // L-Units alone; of roma_lunit every latency, delayed to the largest
    input [1:0] bits,
    input [63:0] word,
    input [127:0] codes,
    input [5:0] shifts,
    output [49:0] sums,
    output [5*50-1:0] sums_all,
    output [24:0] sums_8lanes,
    input serial_start,
    output serial_done,
    output [49:0] serial_sums,
    input [159:0] levels,
    output [51:0] table8_sums,
    output [55:0] table10_sums,
    // sums of groups alone
    input group_valid, group_first, group_last,
    input [63:0] group_codes,
    input [2:0] group_shift,
    input [8:0] group_zero,
    output group_done,
    output [22:0] group_z,
    output [31:0] group_offset,
    input merge_start,
    input [99:0] merge_sums,
    input [30:0] merge_offset,
    output merge_done,
    output [30:0] merge_total,
    output merge4_done,
    output [26:0] merge4_total,  // for 4-bit codes
    input [31:0] leaf_sum, leaf_scale, leaf_minimum,
    input [22:0] leaf_z,
    output [31:0] leaf_y, leaf_plain_y,
    // a slice: four L-Units of two rows, merged, leaves with and without a minimum, trees
    input wave_valid, wave_first, wave_last,
    input [255:0] wave_words,
    input [511:0] wave_codes,
    input [23:0] wave_shifts,
    input [30:0] wave_offset,
    output wave_done,
    output [61:0] wave_totals,
    input wave_row_last,
    input [63:0] wave_scales, wave_minima,  // with wave_done
    input [22:0] wave_z,
    input [2:0] tree_levels,
    output [3:0] tree_done,
    output [127:0] tree_y
);
    localparam LUNIT = 2;
    roma_lunit lunit (.clk(clk), .bits(bits), .word(word), .codes(codes), .shifts(shifts), .sums(sums));
    roma_lunit #(.LANES(8)) lunit8 (.clk(clk), .bits(bits), .word(word[31:0]), .codes(codes), .shifts(shifts), .sums(sums_8lanes));
    roma_lunit_serial serial (
        .clk(clk), .reset(reset), .start(serial_start), .bits(bits), .word(word), .codes(codes), .shifts(shifts), .done(serial_done),
        .sums(serial_sums));
    roma_lunit_table table8 (
        .clk(clk), .levels(levels[127:0]), .word(word), .codes(codes[63:0]), .shift(shifts[2:0]), .sums(table8_sums));
    roma_lunit_table #(.LEVEL(10)) table10 (
        .clk(clk), .levels(levels), .word(word), .codes(codes[63:0]), .shift(shifts[2:0]), .sums(table10_sums));
    roma_group_sum group (
        .clk(clk), .reset(reset), .valid(group_valid), .first(group_first), .last(group_last), .codes(group_codes), .shift(group_shift),
        .zero(group_zero), .done(group_done), .z(group_z), .offset(group_offset));
    roma_merge merge (
        .clk(clk), .reset(reset), .valid(merge_start), .first(1'b1), .last(1'b1), .sums(merge_sums), .offset(merge_offset),
        .done(merge_done), .total(merge_total));
    roma_merge #(.BITS(4)) merge4 (
        .clk(clk), .reset(reset), .valid(merge_start), .first(1'b1), .last(1'b1), .sums(merge_sums), .offset(merge_offset[26:0]),
        .done(merge4_done), .total(merge4_total));
    roma_leaf leaf (.clk(clk), .sum(leaf_sum), .scale(leaf_scale), .z(leaf_z), .minimum(leaf_minimum), .y(leaf_y));
    wire [31:0] plain;
    roma_leaf #(.MINIMUM(0)) leaf_plain (
        .clk(clk), .sum(leaf_sum), .scale(leaf_scale), .z(leaf_z), .minimum(leaf_minimum), .y(plain));
    roma_delay #(.W(32), .N(3)) delay_plain (.clk(clk), .d(plain), .q(leaf_plain_y));

    genvar i, r, v;
    wire [4*50-1:0] lunit_sums;
    wire [1:0] merged;
    wire wave_valid_late, wave_first_late, wave_last_late;
    wire [30:0] wave_offset_late;
    assign wave_done = merged[0];
    roma_delay #(.W(34), .N(LUNIT)) delay_wave (
        .clk(clk), .d({wave_valid & ~reset, wave_first, wave_last, wave_offset}),
        .q({wave_valid_late, wave_first_late, wave_last_late, wave_offset_late}));
    generate
        for (i = 0; i <= 4; i = i + 1) begin : gen_latency
            wire [49:0] early;
            roma_lunit #(.LATENCY(i)) lunit_i (.clk(clk), .bits(bits), .word(word), .codes(codes), .shifts(shifts), .sums(early));
            roma_delay #(.W(50), .N(4 - i)) late (.clk(clk), .d(early), .q(sums_all[50*i+:50]));
        end
        for (i = 0; i < 4; i = i + 1) begin : gen_lunit
            roma_lunit #(.LATENCY(LUNIT)) lunit_n (
                .clk(clk), .bits(bits), .word(wave_words[64*i+:64]), .codes(wave_codes[128*i+:128]), .shifts(wave_shifts[6*i+:6]),
                .sums(lunit_sums[50*i+:50]));
        end
        for (r = 0; r < 2; r = r + 1) begin : gen_row
            wire [99:0] row_sums;
            for (i = 0; i < 4; i = i + 1) begin : gen_sum
                assign row_sums[25*i+:25] = lunit_sums[50*i+25*r+:25];
            end
            roma_merge merge_row (
                .clk(clk), .reset(reset), .valid(wave_valid_late), .first(wave_first_late), .last(wave_last_late), .sums(row_sums),
                .offset(wave_offset_late), .done(merged[r]), .total(wave_totals[31*r+:31]));
            for (v = 0; v < 2; v = v + 1) begin : gen_leaf
                wire [31:0] leaf_v;
                wire leaf_valid, leaf_last;
                roma_leaf #(.MINIMUM(v)) leaf_row (
                    .clk(clk), .sum({wave_totals[31*r+30], wave_totals[31*r+:31]}), .scale(wave_scales[32*r+:32]), .z(wave_z),
                    .minimum(wave_minima[32*r+:32]), .y(leaf_v));
                roma_delay #(.W(2), .N(5 + 3 * v)) delay_leaf (
                    .clk(clk), .d({merged[r] & ~reset, wave_row_last}), .q({leaf_valid, leaf_last}));
                roma_tree #(.LEVELS(4)) tree (
                    .clk(clk), .reset(reset), .valid(leaf_valid), .last(leaf_last), .leaf(leaf_v), .levels(tree_levels),
                    .done(tree_done[2*r+v]), .y(tree_y[32*(2*r+v)+:32]));
            end
        end
    endgenerate
endmodule
