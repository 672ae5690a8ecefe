// L-Units in three variants and what follows them up to a leaf, for bench_lunit.cpp, each with a clock of its own.
module bench_lunit (
    input clk,
    input lunit_clk, all_clk, serial_clk, table_clk, group_clk, zero_clk, merge_clk, leaf_clk,
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
    // sums of groups
    input group_valid,
    input [2:0] group_size,
    input [255:0] group_codes,
    input [11:0] group_shifts,
    output group_done,
    output [91:0] group_z,
    input [22:0] zero_z,
    input [8:0] zero,
    output [31:0] zero_offset,
    input merge_valid,
    input [1:0] merge_levels,
    input merge_over,
    input [199:0] merge_sums,
    input [61:0] merge_offset,
    output merge_done,
    output [123:0] merge_totals,
    output merge4_done,
    output [107:0] merge4_totals,  // for 4-bit codes
    input [31:0] leaf_sum, leaf_scale, leaf_minimum,
    input [22:0] leaf_z,
    output [31:0] leaf_y, leaf_plain_y, leaf_product
);
    wire unused_clk = clk;
    // bits, word, codes, shifts of each variant
    wire [199:0] lunit_in, all_in, serial_in;
    wire [290:0] table_in;
    wire [271:0] group_in;
    wire [31:0] zero_in;
    wire [265:0] merge_in;
    wire [118:0] leaf_in;
    wire serial_start_in;
    hold #(.W(200)) hold_lunit (.clk(lunit_clk), .d({bits, word, codes, shifts}), .q(lunit_in));
    hold #(.W(200)) hold_all (.clk(all_clk), .d({bits, word, codes, shifts}), .q(all_in));
    hold #(.W(201)) hold_serial (.clk(serial_clk), .d({serial_start, bits, word, codes, shifts}), .q({serial_start_in, serial_in}));
    hold #(.W(291)) hold_table (.clk(table_clk), .d({levels, word, codes[63:0], shifts[2:0]}), .q(table_in));
    hold #(.W(272)) hold_group (.clk(group_clk), .d({group_valid, group_size, group_codes, group_shifts}), .q(group_in));
    hold #(.W(32)) hold_zero (.clk(zero_clk), .d({zero_z, zero}), .q(zero_in));
    hold #(.W(266)) hold_merge (
        .clk(merge_clk), .d({merge_valid, merge_levels, merge_over, merge_sums, merge_offset}), .q(merge_in));
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
    wire [11:0] unused_group;
    roma_group_sum group (
        .clk(group_clk), .reset(reset), .valid(group_in[271]), .index(8'd0), .size(group_in[270:268]), .codes(group_in[267:12]),
        .shifts(group_in[11:0]), .done(group_done), .group(unused_group), .z(group_z));
    roma_zero zero_part (.clk(zero_clk), .zero(zero_in[8:0]), .z(zero_in[31:9]), .offset(zero_offset));
    roma_merge merge (
        .clk(merge_clk), .reset(reset), .valid(merge_in[265]), .levels(merge_in[264:263]), .is_over(merge_in[262]), .first(1'b1),
        .last(1'b1), .sums(merge_in[261:62]), .offset(merge_in[61:0]), .done(merge_done), .totals(merge_totals));
    roma_merge #(.ACC(27)) merge4 (
        .clk(merge_clk), .reset(reset), .valid(merge_in[265]), .levels(merge_in[264:263]), .is_over(merge_in[262]), .first(1'b1),
        .last(1'b1), .sums(merge_in[261:62]), .offset({merge_in[57:31], merge_in[26:0]}), .done(merge4_done), .totals(merge4_totals));
    wire [31:0] plain, product, unused_plain;
    roma_leaf leaf (
        .clk(leaf_clk), .sum(leaf_in[118:87]), .scale(leaf_in[86:55]), .z(leaf_in[54:32]), .minimum(leaf_in[31:0]), .product(product),
        .y(leaf_y));
    roma_leaf #(.MINIMUM(0)) leaf_plain (
        .clk(leaf_clk), .sum(leaf_in[118:87]), .scale(leaf_in[86:55]), .z(leaf_in[54:32]), .minimum(leaf_in[31:0]), .product(plain),
        .y(unused_plain));
    roma_delay #(.W(64), .N(3)) delay_plain (.clk(leaf_clk), .d({product, plain}), .q({leaf_product, leaf_plain_y}));
    genvar i;
    generate
        for (i = 0; i <= 4; i = i + 1) begin : gen_latency
            wire [49:0] early;
            roma_lunit #(.LATENCY(i)) lunit_i (
                .clk(all_clk), .bits(all_in[199:198]), .word(all_in[197:134]), .codes(all_in[133:6]), .shifts(all_in[5:0]),
                .sums(early));
            roma_delay #(.W(50), .N(4 - i)) late (.clk(all_clk), .d(early), .q(sums_all[50*i+:50]));
        end
    endgenerate
endmodule
