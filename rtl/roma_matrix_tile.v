// Matrix unit with its memories and control; its L-Units, their ROMs and the ROM of scales lie beside it. Channels as in roma_vector_tile.v.
module roma_matrix_tile #(
    parameter V = 4,
    parameter VL = 8,
    parameter U = 8,
    parameter N = 4,
    parameter LANES = 16,
    parameter F = 2,
    parameter KV = 2,
    parameter HEADS = 4,
    parameter HEAD_DIM = 32,
    parameter ROWS = 8,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter DIV = 16,
    parameter FAR = 4,
    parameter DEEP = 3,
    parameter REACH = 3,
    parameter PIPELINE = 3,
    parameter LINK = 64,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter COLUMNS = 4,
    parameter LUNIT_WORDS = 4,
    parameter ADDRESS = 2,
    parameter SCALE = 1,
    parameter SCALE_BITS = 64,
    parameter BUFFER = 128,
    parameter GROUPS = 32,
    parameter MAC = 32,
    parameter BANDWIDTH = 32,
    parameter LAYERS = 3,
    parameter SRAM = 65536,
    parameter TABLE = 0,  // bits of a level, 0 without level tables
    parameter SUM = TABLE == 0 ? 25 : TABLE + 18,
    parameter LEVEL = TABLE == 0 ? 8 : TABLE,
    parameter ROUNDS = 4,  // pages of a layer in an H-Unit
    parameter LEADS = 1,   // the first H-Unit of its KV head
    parameter G = LANES / 8,
    parameter K = G > F ? G : F,
    parameter HG = HEADS / KV,
    parameter P = U / KV,
    parameter CODE_W = 11 + VL / 8 * 67,
    parameter PULLED_W = 2 + VL / 8 * 67,
    parameter RES_W = 18 + 32 * K,
    parameter RANK = 16,  // of adapters, at most
    parameter PLACES = 2,
    parameter SLOTS = 21,
    parameter ENTRIES = 84,
    parameter SCALES_B = 256,
    parameter A_COLUMNS = 64,
    parameter LEAVES = 4,
    parameter UPS = MAC > 16 ? MAC / 16 : 1,
    parameter ADD_W = 21 + 32 * UPS,
    parameter PART_W = 2 + 32 * LEAVES,
    parameter DOWN_W = 41 + 16 * RANK,
    parameter KV_W = 12 + 32 * VL,
    parameter PEAK_W = 1 + 32 * HG,
    parameter DEN_W = 1 + 64 * HG,
    parameter LEAF_W = 2 + 8 * LINK,
    parameter ATT_W = 10 + 32 * ((V * VL + KV - 1) / KV)
) (
    input clk,
    input reset,
    input [15:0] unit,
    input [73:0] i_step,
    input [V*CODE_W-1:0] i_code,
    input [V*PULLED_W-1:0] i_pulled,
    input [49:0] i_scale,
    output [24:0] o_pull,
    output [RES_W-1:0] o_res,
    output [ADD_W-1:0] o_add,
    output [PART_W-1:0] o_part,
    input [DOWN_W-1:0] i_down,
    output [56:0] o_best,
    input [V*KV_W-1:0] i_kv,
    output [PEAK_W-1:0] o_peak,
    input [PEAK_W-1:0] i_peak,
    output [PEAK_W-1:0] o_peak_back,
    input [PEAK_W-1:0] i_peak_back,
    output [DEN_W-1:0] o_den,
    input [DEN_W-1:0] i_den,
    output [LEAF_W-1:0] o_leaf,
    input [P*LEAF_W-1:0] i_leaf,
    output [ATT_W-1:0] o_att,
    output [1:0] o_tok,
    input [112:0] i_load,
    output [32:0] o_sign,
    output [ADDRESS-1:0] lunit_address,
    output [1:0] lunit_bits,
    output [128*N-1:0] lunit_codes,
    output [6*N-1:0] lunit_shifts,
    output lunit_table,
    output [16*LEVEL-1:0] lunit_levels,
    input [SUM*G*N-1:0] lunit_sums,
    output [SCALE-1:0] scale_address,
    input [SCALE_BITS-1:0] scale_word
);
    localparam FILL = V * VL / 8, INPUTS = BUFFER < 16 ? 16 : BUFFER, PLACE = $clog2(INPUTS / 16), Z = $clog2(GROUPS), LEVELS = $clog2(GROUPS);
    localparam TREE = $clog2(LEVELS + 1), MERGE = $clog2($clog2(N) + 1), WAVES = 16, COUNT = 16;
    localparam S = ROWS > 1 ? $clog2(ROWS) : 1;
    wire fill, fill_row, start, op_row, op_minimum, op_lookup, reading, last, starts, is_head, unused_reading, unused_row_last;
    wire [1:0] fill_bits, op_bits;
    wire [2:0] fill_group;
    wire [Z-1:0] op_groups;
    wire [COUNT-1:0] fill_index;
    wire [64*FILL-1:0] fill_codes;
    wire [3*FILL-1:0] fill_shifts;
    wire [S-1:0] op_scale_row;
    wire [8:0] op_zero;
    wire [ADDRESS-1:0] op_address;
    wire [SCALE-1:0] op_scale;
    wire [PLACE+1:0] op_row_words, op_turns;
    wire [WAVES-1:0] op_reads, op_cycles;
    wire [MERGE-1:0] op_merge;
    wire [TREE-1:0] op_levels;
    wire [ADDRESS-1:0] unit_address, test_address;
    wire [1:0] unit_bits;
    wire [128*N-1:0] unit_codes, test_codes;
    wire [6*N-1:0] unit_shifts;
    wire testing, op_table;
    wire [8:0] op_format;
    wire [3:0] op_lookup_row;
    wire [23:0] head_rows, unit_rows;
    wire [7:0] fill_step_row;
    wire [19:0] fill_columns;
    wire passes;
    wire [15:0] number;  // of the product or the embedding, and its block
    wire [BLOCK_BITS-1:0] block;
    wire attend_last;
    roma_products #(.V(V), .VL(VL), .N(N), .LANES(LANES), .F(F), .LINK(LINK), .COLUMNS(COLUMNS), .ROWS(ROWS), .BLOCK_ROWS(BLOCK_ROWS),
        .BLOCK_BITS(BLOCK_BITS), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .PIPELINE(PIPELINE), .PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST),
        .ADDRESS(ADDRESS), .SCALE(SCALE), .PLACE(PLACE), .Z(Z), .S(S), .WAVES(WAVES), .COUNT(COUNT), .MERGE(MERGE), .TREE(TREE)) products (
        .clk(clk), .reset(reset), .unit(unit), .step(i_step), .code(i_code), .pulled(i_pulled), .scale(i_scale), .attend_last(attend_last), .pull(o_pull),
        .fill(fill), .fill_step_row(fill_step_row), .fill_columns(fill_columns), .fill_row(fill_row), .fill_bits(fill_bits), .fill_group(fill_group),
        .fill_index(fill_index), .fill_codes(fill_codes), .fill_shifts(fill_shifts), .start(start), .op_row(op_row), .op_scale_row(op_scale_row), .op_bits(op_bits), .op_zero(op_zero),
        .op_address(op_address), .op_scale(op_scale), .op_row_words(op_row_words), .op_reads(op_reads), .op_cycles(op_cycles), .op_merge(op_merge),
        .op_turns(op_turns), .op_groups(op_groups), .op_levels(op_levels), .op_minimum(op_minimum), .op_table(op_table), .op_format(op_format), .op_lookup(op_lookup),
        .op_lookup_row(op_lookup_row), .last(last), .starts(starts), .passes(passes), .is_head(is_head), .head_rows(head_rows), .unit_rows(unit_rows),
        .reading(unused_reading), .row_last(unused_row_last), .number(number), .block(block));
    wire result, result_last, element, element_last;
    wire [32*G-1:0] results;
    wire [32*F-1:0] elements;
    roma_matrix_unit #(.N(N), .LANES(LANES), .WIDE(F / G), .FILL(FILL), .INPUTS(INPUTS), .GROUPS(GROUPS), .SCALES(1 << S), .LEVELS(LEVELS), .ADDRESS(ADDRESS), .SCALE(SCALE),
        .SCALE_BITS(SCALE_BITS), .CODE(TABLE == 10 ? 9 : 8), .SUM(SUM), .LUNIT(PIPELINE - 1), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .WAVES(WAVES), .COUNT(COUNT)) matrix (
        .clk(clk), .reset(reset), .fill(fill), .fill_row(fill_row), .fill_bits(fill_bits), .fill_base({PLACE{1'b0}}), .fill_group(fill_group), .fill_z({Z{1'b0}}),
        .fill_index(fill_index), .fill_codes(fill_codes), .fill_shifts(fill_shifts), .scale_valid(i_scale[49]), .scale_row(i_scale[32 +: S]), .scale(i_scale[31:0]),
        .start(start), .op_row(op_row), .op_scale_row(op_scale_row), .op_base({PLACE{1'b0}}), .op_z({Z{1'b0}}), .op_bits(op_bits), .op_zero(op_zero), .op_address(op_address),
        .op_scale(op_scale), .op_row_words(op_row_words), .op_reads(op_reads), .op_cycles(op_cycles), .op_merge(op_merge), .op_turns(op_turns),
        .op_groups(op_groups), .op_levels(op_levels), .op_minimum(op_minimum), .op_lookup(op_lookup), .op_lookup_row(op_lookup_row), .reading(reading),
        .last(last), .address(unit_address), .bits(unit_bits), .codes(unit_codes), .shifts(unit_shifts), .sums(lunit_sums),
        .scale_address(scale_address), .scale_word(scale_word), .result(result), .result_last(result_last), .results(results), .element(element),
        .element_last(element_last), .elements(elements));

    // ---- self-test: word 0 of a step begins it, and no step follows until it has ended ----
    roma_selftest #(.N(N), .LANES(LANES), .WORDS(LUNIT_WORDS), .PASS(LUNIT_WORDS > U ? LUNIT_WORDS : U), .ADDRESS(ADDRESS), .PIPELINE(PIPELINE), .SUM(SUM)) selftest (
        .clk(clk), .reset(reset), .start(i_step[72] && i_step[71:64] == 8'd0 && i_step[9]), .busy(testing), .address(test_address), .codes(test_codes),
        .sums(lunit_sums), .sign(o_sign));
    assign lunit_address = testing ? test_address : unit_address;
    generate
        if (TABLE == 0) begin : gen_no_levels
            assign {lunit_table, lunit_levels} = {(1+16*LEVEL){1'b0}};
            wire unused_format = ^{op_table, op_format};
        end else begin : gen_levels
            wire is_table;
            roma_levels #(.PROGRAM(PROGRAM), .WORDS(WORDS), .LEVEL(LEVEL)) tables (
                .clk(clk), .start(start), .has_table(op_table), .format(op_format), .is_table(is_table), .levels(lunit_levels));
            assign lunit_table = is_table && !testing;
        end
    endgenerate
    assign lunit_bits = testing ? 2'd0 : unit_bits;
    assign lunit_codes = testing ? test_codes : unit_codes;
    assign lunit_shifts = testing ? {N{6'o70}} : unit_shifts;

    // ---- results leave; the head's are compared, and one choice leaves ----
    wire ends = result && result_last || element && element_last;
    reg head_now;
    reg [15:0] index;
    reg [23:0] units_rows;
    reg [55:0] best;
    reg best_done;
    always @(posedge clk) begin
        if (starts) head_now <= is_head;
        index <= reset || ends ? 16'd0 : result || element ? index + 16'd1 : index;
    end
    assign o_res[32*K +: 18] = {result && !head_now || element, ends, index};
    wire [56*G-1:0] keys;
    wire [55:0] largest;
    genvar k;
    generate
        for (k = 0; k < K; k = k + 1) begin : gen_result
            assign o_res[32*k +: 32] = element ? (k < F ? elements[32*(k%F) +: 32] : 32'd0) : k < G ? results[32*(k%G) +: 32] : 32'd0;
        end
        for (k = 0; k < G; k = k + 1) begin : gen_key
            wire [23:0] id = {8'd0, unit} * units_rows + {8'd0, index} * G + k;
            wire [55:0] key;
            roma_logit_key #(.ID(24)) of_row (.logit(results[32*k +: 32]), .id(id), .key(key));
            assign keys[56*k +: 56] = id < last_rows ? key : 56'd0;
        end
    endgenerate
    roma_reduce #(.LANES(G), .W(56), .HOP(0)) of_group (.clk(clk), .x(keys), .y(largest));
    reg [23:0] last_rows;
    wire is_best = index == 16'd0 || largest > best;
    always @(posedge clk) begin
        if (starts && is_head) {last_rows, units_rows} <= {head_rows, unit_rows};
        if (result && head_now) best <= is_best ? largest : best;
        best_done <= !reset && result && result_last && head_now;
    end
    assign o_best = best_done ? {1'b1, best} : 57'd0;

    // ---- CACHE and ATTEND ----
    wire [23+$clog2(MAC):0] unused_sum;
    wire lora_reads, lora_adds;
    wire [$clog2(SRAM/BANDWIDTH)-1:0] lora_address;
    wire [8*BANDWIDTH-1:0] lora_word;
    wire [16*MAC-1:0] lora_operands;
    wire [24*MAC-1:0] lora_products;
    roma_hunit_tile #(.LEADS(LEADS), .V(V), .VL(VL), .U(U), .KV(KV), .HEADS(HEADS), .HEAD_DIM(HEAD_DIM), .ROWS(ROWS), .BLOCK_ROWS(BLOCK_ROWS),
        .BLOCK_BITS(BLOCK_BITS), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .DIV(DIV), .FAR(FAR), .REACH(REACH), .LINK(LINK), .MAC(MAC), .WIDE(BANDWIDTH),
        .LAYERS(LAYERS), .ROUNDS(ROUNDS), .SRAM(SRAM), .PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST)) hunit (
        .clk(clk), .reset(reset), .unit(unit), .step(i_step), .kv(i_kv), .o_peak(o_peak), .i_peak(i_peak), .o_peak_back(o_peak_back),
        .i_peak_back(i_peak_back), .o_den(o_den), .i_den(i_den), .o_leaf(o_leaf), .i_leaf(i_leaf), .o_att(o_att), .o_tok(o_tok), .load(i_load),
        .attend_ends(attend_last), .other_reads(lora_reads), .other_address(lora_address), .sram_word(lora_word), .other_adds(lora_adds),
        .other_a(lora_operands), .other_b(lora_word[8*MAC-1:0]), .products(lora_products), .sum(unused_sum));

    // ---- adapters ----
    wire lora_starts, is_up;  // a down or an up begins: of which record's product, block and place
    wire [15:0] lora_number;
    wire [BLOCK_BITS-1:0] lora_block;
    wire [7:0] lora_place;
    wire [1:0] lora_product;
    wire [3:0] sixteens;
    roma_adapter_tile #(.V(V), .VL(VL), .U(U), .LANES(LANES), .ROWS(ROWS), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS), .ADD(ADD), .MUL(MUL),
        .CONVERT(CONVERT), .DEEP(DEEP), .LINK(LINK), .PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .MAC(MAC), .RANK(RANK), .PLACES(PLACES),
        .SLOTS(SLOTS), .ENTRIES(ENTRIES), .SCALES(SCALES_B), .COLUMNS(A_COLUMNS), .LEAVES(LEAVES), .A($clog2(SRAM/BANDWIDTH)), .COUNT(COUNT)) adapters (
        .clk(clk), .reset(reset), .unit(unit), .step(i_step), .fill(fill), .fill_row(fill_step_row), .fill_index(fill_index), .fill_codes(fill_codes),
        .fill_shifts(fill_shifts), .fill_columns(fill_columns), .passes(passes), .scale(i_scale), .load(i_load), .i_down(i_down), .o_part(o_part),
        .o_add(o_add), .reads(lora_reads), .address(lora_address), .adds(lora_adds), .operands(lora_operands), .products(lora_products),
        .starts(lora_starts), .is_up(is_up), .number(lora_number), .block(lora_block), .product(lora_product), .at_place(lora_place), .sixteens(sixteens));

`ifdef ROMA_PROBES
    // What a simulation sees (rtl/cosim); a chip has none of it.
    roma_probe_matrix #(.G(G), .BB(BLOCK_BITS), .WIDE(BANDWIDTH), .A($clog2(SRAM / BANDWIDTH)), .UPS(UPS), .RANK(RANK), .PLACES(PLACES), .ROWS(ROWS)) probe (
        .clk(clk), .reset(reset), .unit(unit), .go(i_step[73]), .reading(reading), .number(number), .block(block),
        .codes_last(i_code[CODE_W-3]), .scale_valid(i_scale[49]), .scale_row(i_scale[39:32]), .scale(i_scale[31:0]), .logits(result && head_now),
        .rows(last_rows), .unit_rows(units_rows), .index(index), .results(results), .chosen(best_done), .choice(~best[23:0]),
        .asked(hunit.asked), .attend_number(hunit.number), .attend_block(hunit.block), .page_reads(hunit.reads), .page_write(hunit.page_write), .page_parts(hunit.page_parts),
        .page_address(hunit.page_address), .page_word(hunit.page_word), .lora_starts(lora_starts), .lora_is_up(is_up), .lora_number(lora_number),
        .lora_block(lora_block), .lora_place(lora_place), .lora_product(lora_product), .lora_reads(lora_adds), .sixteens(sixteens), .down(i_down), .add(o_add));
`endif
    wire unused_bits = ^{reading, number, block, lora_starts, is_up, lora_number, lora_block, lora_place, lora_product, sixteens};
`ifdef ROMA_FAULTS
`include "faults_matrix.vh"
`endif
endmodule
