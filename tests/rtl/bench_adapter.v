// An H-Unit's part of adapters and the root of their downs, for bench_adapter.cpp, which is the SRAM, the multipliers and the network.
module bench_adapter (
    input clk,
    input unit_clk,
    input reset,
    input fill, code_valid, t_valid, start, run_in, code_run,
    input [7:0] fill_index,
    input [255:0] fill_codes,
    input [11:0] fill_shifts,
    input [11:0] own_first, own_count,
    input [255:0] codes,
    input [31:0] t,
    input [9*32-1:0] op,  // up, address, blocks, waves, runs, width, levels, groups, leaves
    input [767:0] products,
    input [255:0] scales,
    output reading, last, down_valid, down_last, down_run, up_valid, up_last, up_run,
    output [10:0] address,
    output [511:0] operands,
    output [255:0] down_sums, ups,
    output [7:0] scale_block,
    input root_valid, root_last, root_float,
    input [1:0] root_levels,
    input [127:0] root_leaves,
    input [7:0] link,
    input [31:0] root_scale, target, factor,
    input [511:0] a_scales,
    input [2:0] rank_levels,
    output take, root_done,
    output [255:0] root_codes,
    output [31:0] root_t
);
    wire unused_clk = clk;
    roma_adapter_unit #(.COLUMNS(256), .RUNS(2), .LEAVES(3)) unit (
        .clk(unit_clk), .reset(reset), .fill(fill), .fill_run(run_in), .fill_index(fill_index), .fill_codes(fill_codes),
        .fill_shifts(fill_shifts), .own_first(own_first), .own_count(own_count), .code_valid(code_valid), .code_run(code_run),
        .code_index(1'b0), .codes(codes), .t_valid(t_valid), .t(t), .start(start), .op_up(op[0]), .op_address(op[32+:11]),
        .op_blocks(op[64+:8]), .op_waves(op[96+:3]), .op_runs(op[128]), .op_width(op[160+:3]), .op_levels(op[192+:2]),
        .op_groups(op[224+:3]), .op_leaves(op[256+:2]), .reading(reading), .last(last), .address(address), .operands(operands),
        .products(products), .down_valid(down_valid), .down_last(down_last), .down_run(down_run), .down_sums(down_sums),
        .scale_block(scale_block), .scales(scales), .up_valid(up_valid), .up_last(up_last), .up_run(up_run), .ups(ups));
    roma_adapter_root root (
        .clk(clk), .reset(reset), .valid(root_valid), .last(root_last), .is_float(root_float), .levels(root_levels),
        .leaves(root_leaves), .link(link), .take(take), .scale(root_scale), .a_scales(a_scales), .rank_levels(rank_levels),
        .target(target), .factor(factor), .done(root_done), .codes(root_codes), .t(root_t));
endmodule
