// Adapters in a vector tile: what ups bring is added to the products that lie here (docs/numerics.md 3.4 step 4), after the product's bias,
// adapter after adapter, word by word as soon as both are there (docs/cost-model.md 1.3, "Sums in order").
//   i_add        channel of every matrix unit, all alike: valid, last of a row, place 3, index 16, UPS FP32
//   slot_now     of the product whose rows arrive, FFFF: none; biased: its bias follows; group_comes: a row group of it is there, arriving: its G
//                FP32 of every unit; product_ends: the block's last. bias_ends: so of a bias's last results
//   keeps        what has ended of the product is no end: ups follow, and no bias before them
//   keeps_bias   the same of the bias of slot bias_slot
//   address, y   of the U PLACES UPS numbers that may be added now: place by place, unit by unit, row by row; y of those that lie here
//   write ...    the sums, ADD later, with their addresses; here: of the lane
//   ended        the last sum of a value and block is written, of each place
//   asked        number of an operation: are_added when the last sums of all ups that stand before it in the program are written in this cycle
//                or before
module roma_ups #(
    parameter V = 4,
    parameter VL = 8,
    parameter U = 8,
    parameter LANES = 16,
    parameter BLOCK_ROWS = 4,
    parameter BLOCK_BITS = 1,
    parameter ADD = 3,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter MAC = 32,
    parameter PLACES = 2,
    parameter SLOTS = 21,
    parameter DEPTH = 128,  // words that wait of a place
    parameter G = LANES / 8,
    parameter UPS = MAC > 16 ? MAC / 16 : 1,
    parameter ADD_W = 21 + 32 * UPS,
    parameter ALL_UPS = U * UPS
) (
    input clk,
    input reset,
    input [15:0] unit,
    input [73:0] step,
    input [U*ADD_W-1:0] i_add,
    input [15:0] slot_now,
    input biased,
    input group_comes,
    input [32*G*U-1:0] arriving,
    input product_ends,
    input bias_ends,
    input [15:0] bias_slot,
    input [15:0] asked,
    output are_added,
    output keeps,
    output keeps_bias,
    output [16*PLACES*ALL_UPS-1:0] address,
    output [8*PLACES*ALL_UPS-1:0] lane,
    input [32*PLACES*ALL_UPS-1:0] y,
    output [PLACES*ALL_UPS-1:0] write,
    output [16*PLACES*ALL_UPS-1:0] write_address,
    output [8*PLACES*ALL_UPS-1:0] write_lane,
    output [32*PLACES*ALL_UPS-1:0] sums,
    output [PLACES-1:0] ended,
    output [8*PLACES-1:0] ended_value,
    output [BLOCK_BITS*PLACES-1:0] ended_block
);
    localparam ROOM = (SLOTS + 63) / 64 * 64, SLOT = $clog2(ROOM), ALL = V * VL, SHIFT = $clog2(ALL), D = $clog2(DEPTH);
    localparam [2:0] NONE = 3'd4;
    wire go = step[73];
    reg [7:0] rows;
    reg logits;
    always @(posedge clk) if (step[72] && step[71:64] == 8'd0) {logits, rows} <= step[8:0];
    wire [3:0] unused_rank;
    wire [PLACES*ROOM-1:0] parts;
    wire [32*PLACES-1:0] unused_factors;
    wire [16*PLACES-1:0] unused_entries;
    roma_riders #(.PLACES(PLACES), .SLOTS(SLOTS)) riders (
        .clk(clk), .reset(reset), .step(step), .rank(unused_rank), .parts(parts), .factors(unused_factors), .entries(unused_entries));
    wire [PLACES-1:0] rides_now, rides_bias;
    assign keeps = slot_now != 16'hffff && |rides_now && !biased;
    assign keeps_bias = bias_slot != 16'hffff && |rides_bias;

    // ---- how far products and biases are: those that ended in this step, words of the product at hand ----
    reg [15:0] products, biases, groups;
    wire [15:0] groups_now = groups + 16'd1;
    wire is_product = slot_now != 16'hffff;
    always @(posedge clk) begin
        products <= reset || go ? 16'd0 : products + {15'd0, product_ends && is_product};
        biases <= reset || go ? 16'd0 : biases + {15'd0, bias_ends};
        groups <= reset || go || product_ends ? 16'd0 : group_comes && is_product ? groups_now : groups;
    end

    // ---- products and biases of layers in order; those of a group ----
    wire [319:0] record;
    wire unused_record = ^record;
    wire offers, advances, unused_start, over;
    wire [7:0] unused_before0, unused_before1;
    wire [15:0] number;
    wire [BLOCK_BITS-1:0] block;
    wire [7:0] rows_from, rows_count;
    wire is_linear = record[63:59] == 5'd6, has_slot = record[79:64] != 16'hffff, has_ups = offers && has_slot && record[131];
    wire [1:0] of_group = record[129:128];
    wire [7:0] last_block = (rows - 8'd1) / BLOCK_ROWS;
    wire is_last_block = {{8-BLOCK_BITS{1'b0}}, block} == last_block;
    wire [15:0] blocks = {8'd0, last_block} + 16'd1;
    reg [15:0] product_base, bias_base;  // ordinals of the group's first ones of block 0
    reg [71:0] info [0:3];               // of each product of the group
    reg [3:0] group_biases;              // which have one
    wire [19:0] rows_up = (record[187:168] + ALL - 20'd1) >> SHIFT;
    wire [3:0] unused_up = rows_up[19:16];
    wire [15:0] its_stride = rows_up[15:0], its_words = record[319:304] * G / UPS;
    wire [71:0] its_info = {record[79:64], record[31:24], record[95:80], its_stride, its_words};
    reg [23:0] its_rows [0:3];
    wire is_now = offers && is_linear && has_slot;
    always @(posedge clk) begin
        if (is_now) begin
            info[of_group] <= its_info;
            its_rows[of_group] <= record[191:168];
            group_biases <= of_group == 2'd0 ? {3'd0, record[130]} : group_biases & ~(4'd1 << of_group) | {3'd0, record[130]} << of_group;
        end
        if (reset || go) {product_base, bias_base} <= 32'd0;
        else if (advances && has_ups && is_last_block) begin
            product_base <= product_base + ({14'd0, of_group} + 16'd1) * blocks;
            bias_base <= bias_base + {13'd0, {2'd0, biases_all[0]} + {2'd0, biases_all[1]} + {2'd0, biases_all[2]} + {2'd0, biases_all[3]}} * blocks;
        end
    end
    wire [3:0] biases_all = is_now ? (of_group == 2'd0 ? 4'd0 : group_biases & ~(4'd1 << of_group)) | {3'd0, record[130]} << of_group : group_biases;
    wire [PLACES-1:0] is_done;
    assign advances = offers && (!has_ups || &is_done);
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h000000c0), .HEAD(0), .WAITS(0), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BLOCK_BITS)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(1'b0), .ended_value(8'd0), .ended_block({BLOCK_BITS{1'b0}}),
        .free(!has_ups || &is_done), .allowed(1'b1), .offers(offers), .start(unused_start), .record(record), .number(number), .block(block),
        .rows_from(rows_from), .rows_count(rows_count), .before0(unused_before0), .before1(unused_before1), .over(over));
    wire [PLACES-1:0] adding;
    assign are_added = ~|adding && (over || offers && number > asked);
    reg turn;  // another record or block
    always @(posedge clk) turn <= !reset && (turn ^ advances);

    // ---- a place's ups, product after product of the group, word after word ----
    genvar p, q, g, u, k;
    generate
        for (p = 0; p < PLACES; p = p + 1) begin : gen_place
            wire [ROOM-1:0] its_parts = parts[ROOM*p +: ROOM];
            assign rides_now[p] = its_parts[slot_now[SLOT-1:0]];
            assign rides_bias[p] = its_parts[bias_slot[SLOT-1:0]];
            reg [2:0] least;  // product that it has come to
            reg [15:0] done_words, row_words;
            reg [7:0] row;
            wire [3:0] has;
            for (g = 0; g < 4; g = g + 1) begin : gen_product
                localparam [2:0] HERE = g;
                wire [15:0] of_slot = is_linear && of_group == HERE[1:0] ? record[79:64] : info[g][71:56];
                wire unused_slot_bits = ^of_slot;
                assign has[g] = has_ups && {1'b0, of_group} + 3'd1 > HERE && least <= HERE && its_parts[of_slot[SLOT-1:0]];
            end
            wire [2:0] now = has[0] ? 3'd0 : has[1] ? 3'd1 : has[2] ? 3'd2 : has[3] ? 3'd3 : NONE;
            wire [71:0] its = is_linear && of_group == now[1:0] ? its_info : info[now[1:0]];
            wire [23:0] matrix_rows = is_linear && of_group == now[1:0] ? record[191:168] : its_rows[now[1:0]];
            wire [15:0] slot, value_address, stride, words;
            wire [7:0] value;
            assign {slot, value, value_address, stride, words} = its;
            wire unused_slot = ^slot;
            wire [15:0] base = value_address + ({8'd0, rows_from} + {8'd0, row}) * stride;

            // what arrived
            wire comes = i_add[ADD_W-1] && i_add[ADD_W-3 -: 3] == p;
            reg [32*ALL_UPS-1:0] waiting [0:DEPTH-1];
            reg [D-1:0] put, get;
            wire launch;
            wire is_empty = put == get;
            wire [32*ALL_UPS-1:0] arrived, up;
            for (u = 0; u < U; u = u + 1) begin : gen_arrived
                assign arrived[32*UPS*u +: 32*UPS] = i_add[ADD_W*u +: 32*UPS];
            end
            assign up = is_empty ? arrived : waiting[get];
            always @(posedge clk) begin
                if (comes) waiting[put] <= arrived;
                put <= reset || go ? {D{1'b0}} : put + {{D-1{1'b0}}, comes};
                get <= reset || go ? {D{1'b0}} : get + {{D-1{1'b0}}, launch};
            end

            // what it is added to: the place before that has part, the bias, or the product
            wire [15:0] product = product_base + {13'd0, now} * blocks + {{16-BLOCK_BITS{1'b0}}, block};
            wire [3:0] earlier_biases = biases_all & ~(4'hf << now);
            wire [2:0] biases_before = {2'd0, earlier_biases[0]} + {2'd0, earlier_biases[1]} + {2'd0, earlier_biases[2]} + {2'd0, earlier_biases[3]};
            wire [15:0] bias = bias_base + {13'd0, biases_before} * blocks + {{16-BLOCK_BITS{1'b0}}, block};
            wire has_bias = biases_all[now[1:0]];
            wire signed [15:0] behind = products - product;
            wire is_at = behind == 16'sd0 && is_product;
            wire [15:0] wanted = (done_words + 16'd1) * (UPS / G);
            wire group_completes = is_at && group_comes && groups_now == wanted;
            wire signed [15:0] bias_behind = biases - bias;
            wire base_there = has_bias ? bias_behind > 16'sd0 : behind > 16'sd0 || is_at && groups >= wanted || group_completes;
            for (q = 0; q <= p; q = q + 1) begin : gen_before
                wire has_part, is_there, comes_now;
                wire [32*ALL_UPS-1:0] sum;
                if (q == 0) begin : gen_none
                    assign {has_part, is_there, comes_now, sum} = {3 + 32 * ALL_UPS{1'b0}};
                end else begin : gen_earlier
                    wire takes = gen_place[q-1].its_parts[slot[SLOT-1:0]];
                    wire out_now = gen_place[q-1].out_valid && gen_place[q-1].out_turn == turn
                        && {gen_place[q-1].out_product, gen_place[q-1].out_word} == {now, done_words};
                    wire is_written = gen_place[q-1].has_written && {gen_place[q-1].last_product, gen_place[q-1].last_word} >= {now, done_words};
                    assign has_part = takes || gen_before[q-1].has_part;
                    assign is_there = takes ? is_written || out_now : gen_before[q-1].is_there;
                    assign comes_now = takes ? out_now : gen_before[q-1].comes_now;
                    assign sum = takes ? sums[32*ALL_UPS*(q-1) +: 32*ALL_UPS] : gen_before[q-1].sum;
                end
            end
            wire is_later = gen_before[p].has_part, forwards = gen_before[p].comes_now;
            wire [32*ALL_UPS-1:0] before_sums = gen_before[p].sum;
            wire is_there = is_later ? gen_before[p].is_there : base_there;
            assign launch = now != NONE && (comes || !is_empty) && is_there;
            wire row_ends = row_words == words - 16'd1, value_ends = row_ends && row == rows_count - 8'd1;
            wire is_last = ~|(has & (has - 4'd1));  // of the place's products
            assign is_done[p] = now == NONE || launch && value_ends && is_last;  // a block's first word may follow in the next cycle
            always @(posedge clk) begin
                if (reset || go || advances) {least, done_words, row_words, row} <= 43'd0;
                else if (launch) begin
                    least <= value_ends ? now + 3'd1 : now;
                    done_words <= value_ends ? 16'd0 : done_words + 16'd1;
                    row_words <= row_ends ? 16'd0 : row_words + 16'd1;
                    row <= value_ends ? 8'd0 : row_ends ? row + 8'd1 : row;
                end
            end

            // its sums
            for (q = p; q < PLACES; q = q + 1) begin : gen_after
                wire has_part;
                if (q == p) begin : gen_none
                    assign has_part = 1'b0;
                end else begin : gen_later
                    wire [ROOM-1:0] q_parts = parts[ROOM*q +: ROOM];
                    assign has_part = gen_after[q-1].has_part || q_parts[slot[SLOT-1:0]];
                end
            end
            wire later_parts = gen_after[PLACES-1].has_part;
            wire out_valid, out_turn, out_ends;
            wire [2:0] out_product;
            wire [15:0] out_word, out_base, out_row_word, out_words;
            wire [23:0] out_rows;
            roma_delay #(.W(1), .N(ADD)) delay_valid (.clk(clk), .d(launch && !reset), .q(out_valid));
            roma_delay #(.W(2 + 3 + 64 + 24 + 8 + BLOCK_BITS), .N(ADD)) delay_info (
                .clk(clk), .d({turn, value_ends && !later_parts, now, done_words, base, row_words, words, matrix_rows, value, block}),
                .q({out_turn, out_ends, out_product, out_word, out_base, out_row_word, out_words, out_rows, ended_value[8*p +: 8],
                    ended_block[BLOCK_BITS*p +: BLOCK_BITS]}));
            assign ended[p] = out_valid && out_ends;
            reg [7:0] under_way;
            always @(posedge clk) under_way <= reset ? 8'd0 : under_way + {7'd0, launch} - {7'd0, out_valid};
            assign adding[p] = under_way != {7'd0, out_valid} || launch;
            reg has_written;
            reg [2:0] last_product;
            reg [15:0] last_word;
            wire unused_last = ^{has_written, last_product, last_word};
            always @(posedge clk) begin
                if (reset || go || advances) has_written <= 1'b0;
                else if (out_valid && out_turn == turn) {has_written, last_product, last_word} <= {1'b1, out_product, out_word};
            end
            for (u = 0; u < U; u = u + 1) begin : gen_unit
                for (k = 0; k < UPS; k = k + 1) begin : gen_row
                    localparam I = (U * p + u) * UPS + k;
                    localparam [31:0] NUMBER = u, ROW = k;
                    wire [31:0] element = NUMBER * UPS * {16'd0, words} + {16'd0, row_words} * UPS + ROW;
                    wire [31:0] out_element = NUMBER * UPS * {16'd0, out_words} + {16'd0, out_row_word} * UPS + ROW;
                    wire [31:0] at = {16'd0, base} + element / ALL, in_lane = element % VL;
                    wire [31:0] out_at = {16'd0, out_base} + out_element / ALL, out_lane = out_element % VL, out_unit = out_element / VL % V;
                    wire unused_high = ^{at, in_lane, out_at, out_lane};
                    assign address[16*I +: 16] = at[15:0];
                    assign lane[8*I +: 8] = in_lane[7:0];
                    assign write[I] = out_valid && out_unit == {16'd0, unit} && out_element < {8'd0, out_rows};
                    assign write_address[16*I +: 16] = out_at[15:0];
                    assign write_lane[8*I +: 8] = out_lane[7:0];
                    // a row group that comes in this cycle is the word's last
                    wire is_last_group = k / G == UPS / G - 1;
                    wire [31:0] x = forwards ? before_sums[32*(UPS*u + k) +: 32]
                        : !is_later && !has_bias && group_completes && is_last_group ? arriving[32*(G*u + k%G) +: 32] : y[32*I +: 32];
                    roma_fp_add #(.LATENCY(ADD)) add (.clk(clk), .a(x), .b(up[32*(UPS*u + k) +: 32]), .y(sums[32*I +: 32]));
                end
            end
        end
    endgenerate
endmodule
