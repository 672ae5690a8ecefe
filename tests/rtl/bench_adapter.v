// An H-Unit's part of adapters and the root of their downs, for bench_adapter.cpp, which is the SRAM, the multipliers and the network.
module bench_adapter (
    input clk,
    input unit_clk,
    input reset,
    input fill, code_valid, start, run_in,
    input [5:0] code_at,
    input [15:0] fill_index,
    input [255:0] fill_codes,
    input [11:0] fill_shifts,
    input [19:0] own_first, own_count,
    input [511:0] codes,
    input [31:0] t,
    input [12*32-1:0] op,  // up, address, scale, blocks, waves, from, runs, columns, width, levels, groups, leaves
    input [767:0] products,
    input [63:0] scales,
    output reading, last, down_valid, down_last, up_valid, up_last,
    output [10:0] address,
    output [511:0] operands,
    output [127:0] down_sums,
    output [63:0] ups,
    output [5:0] up_from,
    output [9:0] scale_address,
    input root_valid, root_last, root_float,
    input [1:0] root_levels,
    input [2:0] root_ranks,
    input [127:0] root_leaves,
    input [3:0] root_tag,
    input [7:0] link,
    input root_ready,
    input [31:0] root_scale, target, factor,
    input [1023:0] a_scales,
    input [2:0] rank_levels,
    output take, root_done,
    output [3:0] take_tag, t_tag, done_tag,
    output [511:0] root_codes,
    output [31:0] root_t
);
    wire unused_clk = clk;
    roma_adapter_unit #(.COLUMNS(256), .RANK(32), .ROWS(2), .LEVELS(8), .LEAVES(3)) unit (
        .clk(unit_clk), .reset(reset), .fill(fill), .fill_row(run_in), .fill_index(fill_index), .fill_codes(fill_codes),
        .fill_shifts(fill_shifts), .own_first(own_first), .own_count(own_count), .code_valid(code_valid), .code_at(code_at),
        .codes(codes), .t(t), .start(start), .op_up(op[0]), .op_address(op[32+:11]), .op_scale(op[64+:10]),
        .op_blocks(op[96+:8]), .op_waves(op[128+:3]), .op_from(op[160+:6]), .op_runs(op[192]), .op_columns(op[224+:6]), .op_width(op[256+:3]),
        .op_levels(op[288+:4]), .op_groups(op[320+:3]), .op_leaves(op[352+:2]), .reading(reading), .last(last), .address(address),
        .operands(operands), .products(products), .down_valid(down_valid), .down_last(down_last), .down_sums(down_sums),
        .scale_address(scale_address), .scales(scales), .up_valid(up_valid), .up_last(up_last), .up_from(up_from), .ups(ups));
    roma_adapter_root #(.RANK(32)) root (
        .clk(clk), .reset(reset), .valid(root_valid), .last(root_last), .is_float(root_float), .levels(root_levels), .ranks(root_ranks),
        .leaves(root_leaves), .tag(root_tag), .link(link), .take(take), .take_tag(take_tag), .ready(root_ready), .scale(root_scale), .a_scales(a_scales),
        .rank_levels(rank_levels), .t_tag(t_tag), .target(target), .factor(factor), .done(root_done), .done_tag(done_tag), .codes(root_codes), .t(root_t));
endmodule
