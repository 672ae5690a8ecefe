// L-Units in three variants and what follows them up to a row's sum, for bench_lunit.cpp: blocks alone, and a slice of a matrix unit, each
// with a clock of its own.
module bench_lunit (
    input clk,  // of the slice
    input lunit_clk, all_clk, serial_clk, table_clk, group_clk, merge_clk, leaf_clk,
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
    // bits, word, codes, shifts of each variant
    wire [199:0] lunit_in, all_in, serial_in;
    wire [290:0] table_in;
    wire [78:0] group_in;
    wire [131:0] merge_in;
    wire [118:0] leaf_in;
    wire serial_start_in;
    hold #(.W(200)) hold_lunit (.clk(lunit_clk), .d({bits, word, codes, shifts}), .q(lunit_in));
    hold #(.W(200)) hold_all (.clk(all_clk), .d({bits, word, codes, shifts}), .q(all_in));
    hold #(.W(201)) hold_serial (.clk(serial_clk), .d({serial_start, bits, word, codes, shifts}), .q({serial_start_in, serial_in}));
    hold #(.W(291)) hold_table (.clk(table_clk), .d({levels, word, codes[63:0], shifts[2:0]}), .q(table_in));
    hold #(.W(79)) hold_group (
        .clk(group_clk), .d({group_valid, group_first, group_last, group_codes, group_shift, group_zero}), .q(group_in));
    hold #(.W(132)) hold_merge (.clk(merge_clk), .d({merge_start, merge_sums, merge_offset}), .q(merge_in));
    hold #(.W(119)) hold_leaf (.clk(leaf_clk), .d({leaf_sum, leaf_scale, leaf_z, leaf_minimum}), .q(leaf_in));
    roma_lunit lunit (
        .clk(lunit_clk), .bits(lunit_in[199:198]), .word(lunit_in[197:134]), .codes(lunit_in[133:6]), .shifts(lunit_in[5:0]), .sums(sums));
    roma_lunit #(.LANES(8)) lunit8 (
        .clk(lunit_clk), .bits(lunit_in[199:198]), .word(lunit_in[165:134]), .codes(lunit_in[133:6]), .shifts(lunit_in[5:0]),
        .sums(sums_8lanes));
    roma_lunit_serial serial (
        .clk(serial_clk), .reset(reset), .start(serial_start_in), .bits(serial_in[199:198]), .word(serial_in[197:134]),
        .codes(serial_in[133:6]), .shifts(serial_in[5:0]), .done(serial_done), .sums(serial_sums));
    roma_lunit_table table8 (
        .clk(table_clk), .levels(table_in[258:131]), .word(table_in[130:67]), .codes(table_in[66:3]), .shift(table_in[2:0]),
        .sums(table8_sums));
    roma_lunit_table #(.LEVEL(10)) table10 (
        .clk(table_clk), .levels(table_in[290:131]), .word(table_in[130:67]), .codes(table_in[66:3]), .shift(table_in[2:0]),
        .sums(table10_sums));
    roma_group_sum group (
        .clk(group_clk), .reset(reset), .valid(group_in[78]), .first(group_in[77]), .last(group_in[76]), .codes(group_in[75:12]),
        .shift(group_in[11:9]), .zero(group_in[8:0]), .done(group_done), .z(group_z), .offset(group_offset));
    roma_merge merge (
        .clk(merge_clk), .reset(reset), .valid(merge_in[131]), .first(1'b1), .last(1'b1), .sums(merge_in[130:31]),
        .offset(merge_in[30:0]), .done(merge_done), .total(merge_total));
    roma_merge #(.BITS(4)) merge4 (
        .clk(merge_clk), .reset(reset), .valid(merge_in[131]), .first(1'b1), .last(1'b1), .sums(merge_in[130:31]),
        .offset(merge_in[26:0]), .done(merge4_done), .total(merge4_total));
    roma_leaf leaf (
        .clk(leaf_clk), .sum(leaf_in[118:87]), .scale(leaf_in[86:55]), .z(leaf_in[54:32]), .minimum(leaf_in[31:0]), .y(leaf_y));
    wire [31:0] plain;
    roma_leaf #(.MINIMUM(0)) leaf_plain (
        .clk(leaf_clk), .sum(leaf_in[118:87]), .scale(leaf_in[86:55]), .z(leaf_in[54:32]), .minimum(leaf_in[31:0]), .y(plain));
    roma_delay #(.W(32), .N(3)) delay_plain (.clk(leaf_clk), .d(plain), .q(leaf_plain_y));

    wire [825:0] wave_in;
    wire [156:0] row_in;
    hold #(.W(826)) hold_wave (
        .clk(clk), .d({wave_valid, wave_first, wave_last, wave_offset, wave_words, wave_codes, wave_shifts}), .q(wave_in));
    hold #(.W(157)) hold_row (.clk(clk), .d({bits, wave_row_last, wave_scales, wave_minima, wave_z, tree_levels}), .q(row_in));
    genvar i, r, v;
    wire [4*50-1:0] lunit_sums;
    wire [1:0] merged;
    wire wave_valid_late, wave_first_late, wave_last_late;
    wire [30:0] wave_offset_late;
    assign wave_done = merged[0];
    roma_delay #(.W(34), .N(LUNIT)) delay_wave (
        .clk(clk), .d({wave_in[825] & ~reset, wave_in[824:792]}),
        .q({wave_valid_late, wave_first_late, wave_last_late, wave_offset_late}));
    generate
        for (i = 0; i <= 4; i = i + 1) begin : gen_latency
            wire [49:0] early;
            roma_lunit #(.LATENCY(i)) lunit_i (
                .clk(all_clk), .bits(all_in[199:198]), .word(all_in[197:134]), .codes(all_in[133:6]), .shifts(all_in[5:0]),
                .sums(early));
            roma_delay #(.W(50), .N(4 - i)) late (.clk(all_clk), .d(early), .q(sums_all[50*i+:50]));
        end
        for (i = 0; i < 4; i = i + 1) begin : gen_lunit
            roma_lunit #(.LATENCY(LUNIT)) lunit_n (
                .clk(clk), .bits(row_in[156:155]), .word(wave_in[536+64*i+:64]), .codes(wave_in[24+128*i+:128]), .shifts(wave_in[6*i+:6]),
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
                    .clk(clk), .sum({wave_totals[31*r+30], wave_totals[31*r+:31]}), .scale(row_in[90+32*r+:32]), .z(row_in[25:3]),
                    .minimum(row_in[26+32*r+:32]), .y(leaf_v));
                roma_delay #(.W(2), .N(5 + 3 * v)) delay_leaf (
                    .clk(clk), .d({merged[r] & ~reset, row_in[154]}), .q({leaf_valid, leaf_last}));
                roma_tree #(.LEVELS(4)) tree (
                    .clk(clk), .reset(reset), .valid(leaf_valid), .last(leaf_last), .leaf(leaf_v), .levels(row_in[2:0]),
                    .done(tree_done[2*r+v]), .y(tree_y[32*(2*r+v)+:32]));
            end
        end
    endgenerate
endmodule
