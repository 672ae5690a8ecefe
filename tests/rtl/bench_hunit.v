// H-Units of a chip with the vector units' senders and the network between them, for bench_hunit.cpp, with those of the last KV head.
module hunit_set #(
    parameter V = 4,
    parameter VL = 8,
    parameter U = 8,
    parameter KV = 2,
    parameter HEADS = 4,
    parameter HEAD_DIM = 32,
    parameter LAYERS = 3,
    parameter FAR = 4,
    parameter REACH = 3,
    parameter MAC = 32,
    parameter WIDE = 32,
    parameter ROUNDS = 4,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter SRAM = 65536,
    parameter PROGRAM = "",
    parameter BLOCK_ROWS = 4,
    parameter ROWS = 8,
    parameter BB = 1,
    parameter LINK = 2 * V * VL,
    parameter GROUP = HEADS / KV,
    parameter P = U / KV,
    parameter KV_W = 12 + 32 * VL,
    parameter PEAK_W = 1 + 32 * GROUP,
    parameter DEN_W = 1 + 64 * GROUP,
    parameter LEAF_W = 2 + 8 * LINK,
    parameter OUT = (V * VL + KV - 1) / KV,
    parameter ATT_W = 10 + 32 * OUT
) (
    input clk,
    input reset,
    input [73:0] step,
    input [2:0] ended,  // values 0, 1, 2 of a block
    input [BB-1:0] ended_block,
    input [112:0] load,
    output [15:0] address,
    input [32*V*VL-1:0] word,
    output sends,
    output [1:0] sent,  // the last word; 1: a query
    output writes,
    output values_end,
    output cache_tells,
    output att, att_last,
    output [7:0] att_row,
    output [32*OUT-1:0] outputs
);
    reg [7:0] rows;
    always @(posedge clk) if (step[72] && step[71:64] == 8'd0) rows <= step[7:0];
    wire [1:0] tok_sent, tok;
    roma_delay #(.W(2), .N(FAR)) way_tok (.clk(clk), .d(tok_sent), .q(tok));
    wire [V*KV_W-1:0] kv_sent, kv;
    wire [16*V-1:0] unused_number;
    wire [16*V-1:0] addresses;
    wire [V-1:0] cached;
    wire [BB*V-1:0] cached_block;
    assign address = addresses[15:0];
    genvar v, u, h, i;
    generate
        for (v = 0; v < V; v = v + 1) begin : gen_sender
            roma_sender #(.ALL(V * VL), .VL(VL), .KV(KV), .HEAD_DIM(HEAD_DIM), .WIDE(WIDE), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BB), .PROGRAM(PROGRAM), .WORDS(43), .EVENTS(4)) sender (
                .clk(clk), .reset(reset), .go(step[73]), .rows(rows), .logits(1'b1), .ended({cached[v], ended}), .ended_value({8'd254, 8'd2, 8'd1, 8'd0}),
                .ended_block({cached_block[BB*v +: BB], {3{ended_block}}}), .tok(tok), .number(unused_number[16*v +: 16]), .allowed(1'b1), .address(addresses[16*v +: 16]), .word(word[32*VL*v +: 32*VL]),
                .o_kv(kv_sent[KV_W*v +: KV_W]), .cached(cached[v]), .cached_block(cached_block[BB*v +: BB]));
        end
    endgenerate
    roma_delay #(.W(V * KV_W), .N(FAR)) way_kv (.clk(clk), .d(kv_sent), .q(kv));
    assign sends = kv_sent[KV_W-1];
    assign sent = {kv_sent[KV_W-4], kv_sent[KV_W-2]};
    assign cache_tells = cached[0];

    wire [P*PEAK_W-1:0] peak, peak_back;
    wire [P*DEN_W-1:0] den;
    wire [P*LEAF_W-1:0] leaf;
    wire [P*ATT_W-1:0] atts;
    wire [2*P-1:0] toks;
    wire [P-1:0] write, value_ends;
    assign tok_sent = toks[1:0];
    assign writes = |write;
    assign values_end = value_ends[0];
    generate
        for (u = 0; u < P; u = u + 1) begin : gen_unit
            wire [PEAK_W-1:0] i_peak, i_back;
            wire [DEN_W-1:0] i_den;
            wire [P*LEAF_W-1:0] i_leaf;
            wire [8*WIDE-1:0] unused_word;
            wire [24*MAC-1:0] unused_products;
            wire [23+$clog2(MAC):0] unused_sum;
            roma_hunit_tile #(.LEADS(u == 0), .V(V), .VL(VL), .U(U), .KV(KV), .HEADS(HEADS), .HEAD_DIM(HEAD_DIM), .ROWS(ROWS), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BB),
                .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .FAR(FAR), .REACH(REACH), .LINK(LINK), .MAC(MAC), .WIDE(WIDE), .LAYERS(LAYERS), .ROUNDS(ROUNDS), .SRAM(SRAM), .PROGRAM(PROGRAM), .WORDS(43)) unit (
                .clk(clk), .reset(reset), .unit((KV - 1) * P + u), .step(step), .kv(kv), .o_peak(peak[PEAK_W*u +: PEAK_W]), .i_peak(i_peak), .o_peak_back(peak_back[PEAK_W*u +: PEAK_W]),
                .i_peak_back(i_back), .o_den(den[DEN_W*u +: DEN_W]), .i_den(i_den), .o_leaf(leaf[LEAF_W*u +: LEAF_W]), .i_leaf(i_leaf),
                .o_att(atts[ATT_W*u +: ATT_W]), .o_tok(toks[2*u +: 2]), .load(load), .attend_ends(value_ends[u]), .other_reads(1'b0), .other_address(0),
                .sram_word(unused_word), .other_adds(1'b0), .other_a({(16*MAC){1'b0}}), .other_b({(8*MAC){1'b0}}), .products(unused_products), .sum(unused_sum));
            assign write[u] = unit.page_write;
            roma_delay #(.W(PEAK_W), .N(REACH)) way_back (.clk(clk), .d(peak_back[PEAK_W-1:0]), .q(i_back));
            if (u == 0) begin : gen_first
                wire [PEAK_W*P-1:0] peaks;
                wire [DEN_W*P-1:0] dens;
                assign {peaks[0 +: PEAK_W], dens[0 +: DEN_W]} = {peak[PEAK_W*u +: PEAK_W], den[DEN_W*u +: DEN_W]};
                for (i = 1; i < P; i = i + 1) begin : gen_met
                    roma_net_max #(.W(PEAK_W)) most (.a(peaks[PEAK_W*(i-1) +: PEAK_W]), .b(peak[PEAK_W*(u+i) +: PEAK_W]), .y(peaks[PEAK_W*i +: PEAK_W]));
                    roma_net_sum #(.W(DEN_W)) all (.a(dens[DEN_W*(i-1) +: DEN_W]), .b(den[DEN_W*(u+i) +: DEN_W]), .y(dens[DEN_W*i +: DEN_W]));
                end
                roma_delay #(.W(PEAK_W), .N(REACH)) way_peak (.clk(clk), .d(peaks[PEAK_W*(P-1) +: PEAK_W]), .q(i_peak));
                roma_delay #(.W(DEN_W), .N(REACH)) way_den (.clk(clk), .d(dens[DEN_W*(P-1) +: DEN_W]), .q(i_den));
                roma_delay #(.W(LEAF_W * P), .N(REACH)) way_leaf (.clk(clk), .d(leaf[LEAF_W*u +: LEAF_W*P]), .q(i_leaf));
                roma_delay #(.W(ATT_W), .N(FAR)) way_att (.clk(clk), .d(atts[ATT_W*u +: ATT_W]),
                    .q({att, att_last, att_row, outputs}));
            end else begin : gen_other
                assign {i_peak, i_den, i_leaf} = 0;
            end
        end
    endgenerate
endmodule

module bench_hunit #(
    parameter V = 2,
    parameter VL = 8,
    parameter U = 4,
    parameter KV = 2,
    parameter HEADS = 6,
    parameter HEAD = 32,
    parameter LAYERS = 2,
    parameter FAR = 6,
    parameter REACH = 2,
    parameter MAC = 16,
    parameter WIDE = 32,
    parameter ROUNDS = 3,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter PROGRAM = "tests/rtl/hunit.hex",
    parameter ALL = V * VL,
    parameter OUT = (ALL + KV - 1) / KV
) (
    input clk,
    input reset,
    input [73:0] step,
    input [2:0] ended,
    input ended_block,
    input [112:0] load,
    output [15:0] address,
    input [32*ALL-1:0] word,
    output sends, writes, values_end, cache_tells,
    output [1:0] sent,
    output att, att_last,
    output [7:0] att_row,
    output [32*OUT-1:0] outputs
);
    hunit_set #(.V(V), .VL(VL), .U(U), .KV(KV), .HEADS(HEADS), .HEAD_DIM(HEAD), .LAYERS(LAYERS), .FAR(FAR), .REACH(REACH), .MAC(MAC), .WIDE(WIDE),
        .ROUNDS(ROUNDS), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .SRAM(LAYERS * ROUNDS * (64 * HEAD + 256)), .PROGRAM(PROGRAM)) set (
        .clk(clk), .reset(reset), .step(step), .ended(ended), .ended_block(ended_block), .load(load), .address(address), .word(word), .sends(sends),
        .sent(sent), .writes(writes), .values_end(values_end), .cache_tells(cache_tells), .att(att), .att_last(att_last), .att_row(att_row),
        .outputs(outputs));
endmodule
