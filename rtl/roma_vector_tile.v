// Vector unit with its memories and control (docs/cost-model.md 1.7): VL lanes that hold element e of every value where
// floor(e / VL) mod V = unit, at address floor(e / (V VL)) of a row. All vector units run alike, each by its own copy of the program
// (docs/program-format.md). ROOT has the host's port: it sends steps and the scales of activations to all, and chooses the token.
//
// Channels (i_ and o_, fields from the highest bit down) have one latency for all that they reach, counted from o_ to i_:
//   step       from the root, SPAN: go, valid, index 8, word 64. Words of a step: 0 {rows in 7..0, logits in bit 8}, 1 + r {token 32, position 32}
//              of row r. `go` comes in the cycle before the first of the step
//   code       to matrix units, FAR, codes as they are made: valid (of a block's first row), row_end, last (of operation and block), row 8, VL / 8
//              times {shift 3, eight codes}
//   pull       from matrix unit 0, FAR: valid, address of codes 16, addresses 8; they go to matrix units as `pulled`, FAR: valid, last, and codes
//   scale      from the root to matrix units, FAR: valid, soon, row of `soon` 8, row 8, scale 32: `soon` comes SOON cycles before the scale of a
//              norm does, with that of QUANTISE
//   res        from each matrix unit, FAR: valid, last, index 16, K FP32: row group `index` of a product, or F elements of the embedding
//   add        from each matrix unit, FAR: valid, last of a row, place 3, index 16, UPS FP32 that adapters add to a product
//   part, down to the root, merged, and from it to matrix units, DEEP: roma_downs
//   best       to the root, FAR: valid, key of roma_logit_key #(.ID(24))
//   kv         to matrix units, FAR: valid, last, what 2 (0 key and value, 1 query), row 8, VL FP32
//   att        from the first H-Unit of each KV head, FAR: valid, last, row 8, V VL / KV FP32 (rounded up)
//   tok        FAR: the cache has ended, H-Units are free, both sent so that they come in the last cycle of what they tell
//   max, sum   to the root, merged, and _back, ACROSS: valid, two magnitudes each with bit 31 set where it is there; valid, sum 64
//   load       to matrix units: what the host writes into adapters' memories
module roma_vector_tile #(
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
    parameter LINK = 64,
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter FIRST = 3,
    parameter BANDWIDTH = 32,  // of an H-Unit
    parameter ROOT = 0,
    parameter EXP_INTERVAL = 4,
    parameter DIV_INTERVAL = 4,
    parameter VALUE_WORDS = 2,
    parameter CODE_WORDS = 2,
    parameter G = LANES / 8,
    parameter K = G > F ? G : F,
    parameter CODES = VL / 8 * 67,
    parameter CODE_W = 11 + CODES,
    parameter PULLED_W = 2 + CODES,
    parameter PAIRS = (HEAD_DIM > V * VL ? HEAD_DIM / (V * VL) : 1) * VL / 2,
    parameter RES_W = 18 + 32 * K,
    parameter MAC = 32,
    parameter RANK = 16,
    parameter PLACES = 2,
    parameter SLOTS = 21,
    parameter ENTRIES = 84,
    parameter LEAVES = 4,
    parameter DEPTH = 128,
    parameter UPS = MAC > 16 ? MAC / 16 : 1,
    parameter ADD_W = 21 + 32 * UPS,
    parameter PART_W = 2 + 32 * LEAVES,
    parameter DOWN_W = 41 + 16 * RANK,
    parameter KV_W = 12 + 32 * VL,
    parameter ATT_W = 10 + 32 * ((V * VL + KV - 1) / KV)
) (
    input clk,
    input reset,
    input [15:0] unit,
    input [73:0] i_step,
    output [73:0] o_step,
    output [CODE_W-1:0] o_code,
    input [24:0] i_pull,
    output [PULLED_W-1:0] o_pulled,
    output [49:0] o_scale,
    input [U*RES_W-1:0] i_res,
    input [U*ADD_W-1:0] i_add,
    input [PART_W-1:0] i_part,
    output [DOWN_W-1:0] o_down,
    input [56:0] i_best,
    output [KV_W-1:0] o_kv,
    input [KV*ATT_W-1:0] i_att,
    input [1:0] i_tok,
    output [64:0] o_max,
    input [64:0] i_max,
    output [64:0] o_max_back,
    input [64:0] i_max_back,
    output [64:0] o_sum,
    input [64:0] i_sum,
    output [64:0] o_sum_back,
    input [64:0] i_sum_back,
    output [112:0] o_load,
    input [33*U-1:0] i_sign,
    input host_valid,
    input [7:0] host_what,
    input [47:0] host_address,
    input [63:0] host_data,
    output out_valid,
    output [7:0] out_what,
    output [63:0] out_data,
    output [15:0] vector_address,  // of the unit's ROM
    input [32*VL-1:0] vector_word,
    input [64*PAIRS-1:0] increments  // of the pairs of a head that lie here
);
    localparam ALL = V * VL, INTERVAL = EXP_INTERVAL > DIV_INTERVAL ? EXP_INTERVAL : DIV_INTERVAL, BB = BLOCK_BITS;
    localparam ANGLE_GROUPS = (HEAD_DIM / 2 + ALL - 1) / ALL;
    localparam PHASES = ANGLE_GROUPS * INTERVAL * (VL / 2) / PAIRS;  // in which the pairs of an address of angles are made
    localparam SINES = (VL / 2 + PHASES - 1) / PHASES;
    localparam C = 16 + VL + 1 + 8 + BB + 16, VA = $clog2(VALUE_WORDS), CA = $clog2(CODE_WORDS), LA = $clog2(VL);
    localparam CODE = MUL + 3 + CONVERT;

    // ---- the step ----
    wire go = i_step[73];
    reg [7:0] rows;
    reg logits;
    reg [32*ROWS-1:0] positions;
    integer r;
    always @(posedge clk)
        if (i_step[72]) begin
            if (i_step[71:64] == 8'd0) {logits, rows} <= i_step[8:0];
            for (r = 0; r < ROWS; r = r + 1)
                if ({24'd0, i_step[71:64]} == r + 1) positions[32*r +: 32] <= i_step[31:0];
        end

    // ---- what has ended ----
    localparam EVENTS = 8 + PLACES;
    wire [EVENTS-1:0] ended;
    wire [4:0] written;  // last results of the unit's own operations
    wire keeps, keeps_bias, bias_ends, product_ended;  // ups follow
    wire [8*EVENTS-1:0] ended_value;
    wire [BB*EVENTS-1:0] ended_block;

    // ---- operations of the unit ----
    wire start, idle, last, reading, first_of_row, last_of_row, unused_last_of_pass;
    wire [319:0] record;
    wire [15:0] number, number_now, index, address0, address1, address_out, address_vector;
    wire [BB-1:0] block;
    wire [7:0] rows_from, rows_count, row, row_of_block, phase, value;
    wire [4:0] what;
    wire [1:0] pass;
    wire [19:0] elements;
    wire [9:0] rotated;
    wire [31:0] constant0, constant1;
    wire unused_offers, over;
    wire [7:0] unused_before0, unused_before1;
    reg [BB-1:0] block_now;
    reg has_largest, has_factor;
    always @(posedge clk) if (start) block_now <= block;
    roma_sequencer #(.PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .KINDS(32'h0000e7b0), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BB), .EVENTS(EVENTS)) sequencer (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(ended), .ended_value(ended_value), .ended_block(ended_block),
        .free(idle || last), .allowed(1'b1), .offers(unused_offers), .start(start), .record(record), .number(number), .block(block),
        .rows_from(rows_from), .rows_count(rows_count), .before0(unused_before0), .before1(unused_before1), .over(over));
    wire is_norm = what == 5'd4, is_quantise = what == 5'd5;
    roma_vector_passes #(.ALL(ALL), .INTERVAL(INTERVAL)) passes (
        .clk(clk), .reset(reset), .start(start), .record(record), .number(number), .rows_from(rows_from), .rows_count(rows_count),
        .known(is_norm ? {has_factor, has_largest, 1'b1} : {1'b1, has_factor, 1'b1}), .idle(idle), .last(last), .reading(reading), .what(what), .pass(pass),
        .row(row), .row_of_block(row_of_block), .first_of_row(first_of_row), .last_of_row(last_of_row), .last_of_pass(unused_last_of_pass), .index(index),
        .phase(phase), .address0(address0), .address1(address1), .address_out(address_out), .address_vector(address_vector), .elements(elements),
        .rotated(rotated), .constant0(constant0), .constant1(constant1), .value(value), .number_now(number_now));

    // ---- memories ----
    assign vector_address = address_vector;
    reg [32*VL-1:0] values [0:(1<<VA)-1];
    reg [32*VL-1:0] gained [0:(1<<CA)-1];  // x g of a norm, from its first pass to its last
    reg [CODES-1:0] coded [0:(1<<CA)-1];
    wire [VL-1:0] lanes;  // that hold elements of the value
    genvar l, u, k;
    generate
        for (l = 0; l < VL; l = l + 1) begin : gen_lanes
            wire [31:0] element = {16'd0, index} * ALL + {16'd0, unit} * VL + l;
            assign lanes[l] = element < {12'd0, elements};
        end
    endgenerate
    function [32*VL-1:0] only(input [32*VL-1:0] x, input [VL-1:0] some);
        integer j;
        for (j = 0; j < VL; j = j + 1) only[32*j +: 32] = some[j] ? x[32*j +: 32] : 32'd0;
    endfunction
    wire [32*VL-1:0] x = only(values[address0[VA-1:0]], lanes), gain = only(vector_word, lanes),
                     kept = only(gained[address_out[CA-1:0]], lanes), y = what == 5'd7 ? gain : values[address1[VA-1:0]];

    // ---- FP32 results ----
    wire [4:0] write;
    wire [5*C-1:0] writes;
    wire [5*32*VL-1:0] results;
    wire [VL/2-1:0] turns;
    wire [64*SINES-1:0] increments_now;
    wire [7:0] angle_phase = index[7:0] * INTERVAL + phase;
    wire [31:0] angle_at = {24'd0, angle_phase}, first_pair = angle_at / PHASES * (VL / 2) + angle_at % PHASES * (VL / 2) / PHASES;
    generate
        for (l = 0; l < VL / 2; l = l + 1) begin : gen_turn
            wire [31:0] of_head = ({16'd0, index} * ALL + {16'd0, unit} * VL + 2 * l) % HEAD_DIM;
            assign turns[l] = of_head < {22'd0, rotated};
        end
        for (l = 0; l < SINES; l = l + 1) begin : gen_increment
            wire [31:0] pair = first_pair + l;
            assign increments_now[64*l +: 64] = increments[64*pair[$clog2(PAIRS)-1:0] +: 64];
            wire unused_pair = ^pair;
        end
    endgenerate
    roma_vector_lanes #(.VL(VL), .INTERVAL(INTERVAL), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .BLOCK_BITS(BB), .PHASES(PHASES)) fp32 (
        .clk(clk), .reset(reset), .valid(reading), .what(what), .phase(what == 5'd9 ? angle_phase : phase), .x(x), .y(y), .turns(turns),
        .position(positions[32*row +: 32]), .increments(increments_now), .angle_address(address_out),
        .control({address_out, lanes, last, value, block_now, number_now}), .write(write), .writes(writes), .results(results));
    generate
        for (k = 0; k < 5; k = k + 1) begin : gen_ended
            wire [C-1:0] w = writes[C*k +: C];
            assign written[k] = write[k] && w[C-17-VL];
            if (k == 0) begin : gen_bias
                assign ended[k] = written[k] && !(bias_ends && keeps_bias);
            end else begin : gen_plain
                assign ended[k] = written[k];
            end
            assign ended_value[8*k +: 8] = w[16+BB +: 8];
            assign ended_block[BB*k +: BB] = w[16 +: BB];
        end
    endgenerate

    // ---- largest magnitudes, factors, squares ----
    wire counts = reading && pass == 2'd0 && (is_norm || is_quantise);
    wire [32*VL-1:0] product;
    generate
        for (l = 0; l < VL; l = l + 1) begin : gen_gain
            roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a(x[32*l +: 32]), .b(gain[32*l +: 32]), .y(product[32*l +: 32]));
        end
    endgenerate
    wire gains, gains_first, gains_last;
    wire [CA-1:0] gains_at;
    roma_delay #(.W(3 + CA), .N(MUL)) late_gain (.clk(clk), .d({counts && is_norm, first_of_row, last_of_row, address_out[CA-1:0]}), .q({gains, gains_first, gains_last, gains_at}));
    always @(posedge clk) if (gains) gained[gains_at] <= product;
    wire done_x, done_xg;
    wire [30:0] largest_x, largest_xg;
    roma_largest #(.LANES(VL)) of_x (.clk(clk), .reset(reset), .valid(counts), .first(first_of_row), .last(last_of_row), .x(x), .done(done_x), .y(largest_x));
    roma_largest #(.LANES(VL)) of_xg (.clk(clk), .reset(reset), .valid(gains), .first(gains_first), .last(gains_last), .x(product), .done(done_xg), .y(largest_xg));
    assign o_max = {done_x || done_xg, done_xg, done_xg ? largest_xg : 31'd0, done_x, done_x ? largest_x : 31'd0};
    assign o_max_back = i_max;
    wire knows_x = i_max_back[64] && i_max_back[31], knows_xg = i_max_back[64] && i_max_back[63];
    wire [30:0] all_x = i_max_back[30:0], all_xg = i_max_back[62:32];
    wire done_factor;
    wire [31:0] factor, scale;
    roma_reciprocal #(.INTERVAL(DIV_INTERVAL), .MUL(MUL)) reciprocal (
        .clk(clk), .reset(reset), .start(is_norm ? knows_xg : knows_x), .largest(is_norm ? all_xg : all_x), .done(done_factor), .factor(factor), .scale(scale));
    // What is known of a row of the step; of a block's first row it says when a pass may begin.
    reg [7:0] x_row, factor_row, sum_row;
    reg [31*ROWS-1:0] largest;
    reg [32*ROWS-1:0] factors, scales;
    reg [31:0] inverse_n, epsilon;
    always @(posedge clk) begin
        if (reset || start) begin
            {has_largest, has_factor} <= 2'b00;
            {x_row, factor_row} <= {rows_from, rows_from};
        end else begin
            if (knows_x) begin
                largest[31*x_row +: 31] <= all_x;
                {has_largest, x_row} <= {1'b1, x_row + 8'd1};
            end
            if (done_factor) begin
                factors[32*factor_row +: 32] <= factor;
                scales[32*factor_row +: 32] <= scale;
                {has_factor, factor_row} <= {1'b1, factor_row + 8'd1};
            end
        end
        if (squares_begin) {sum_row, inverse_n, epsilon} <= {row, constant0, constant1};
        else if (i_sum_back[64]) sum_row <= sum_row + 8'd1;
    end
    wire done_sum;
    wire [63:0] sum;
    wire [30:0] largest_now = largest[31*row +: 31];
    wire squares_begin = reading && is_norm && pass == 2'd1 && first_of_row && row_of_block == 8'd0;
    roma_squares #(.LANES(VL), .MUL(MUL), .CONVERT(CONVERT)) squares (
        .clk(clk), .reset(reset), .valid(reading && is_norm && pass == 2'd1), .first(first_of_row), .last(last_of_row), .x(x), .exponent(largest_now[30:23]),
        .done(done_sum), .y(sum));
    assign o_sum = {done_sum, done_sum ? sum : 64'd0};
    assign o_sum_back = i_sum;

    // ---- codes ----
    wire codes = reading && (is_norm && pass == 2'd2 || is_quantise && pass == 2'd1);
    generate
        for (l = 0; l < VL / 8; l = l + 1) begin : gen_code
            wire [63:0] eight;
            wire [2:0] shift;
            roma_code #(.MUL(MUL), .CONVERT(CONVERT)) code (
                .clk(clk), .x(is_norm ? kept[256*l +: 256] : x[256*l +: 256]), .factor(factors[32*row +: 32]), .codes(eight), .shift(shift));
            assign o_code[67*l +: 67] = {shift, eight};
        end
    endgenerate
    wire is_first = codes && row_of_block == 8'd0;
    wire code_write;
    wire [CA-1:0] code_at;
    roma_delay #(.W(11), .N(CODE)) late_code (.clk(clk), .d({is_first, is_first && last_of_row, codes && last, row}), .q(o_code[CODES +: 11]));
    roma_delay #(.W(1 + CA), .N(CODE)) late_address (.clk(clk), .d({codes, address_out[CA-1:0]}), .q({code_write, code_at}));
    reg [15:0] pull_at;
    reg [7:0] pull_left;
    always @(posedge clk) begin
        if (code_write) coded[code_at] <= o_code[CODES-1:0];
        pull_at <= i_pull[24] ? i_pull[23:8] : pull_at + 16'd1;
        pull_left <= reset ? 8'd0 : i_pull[24] ? i_pull[7:0] : pull_left == 8'd0 ? 8'd0 : pull_left - 8'd1;
    end
    assign o_pulled = {pull_left != 8'd0, pull_left == 8'd1, coded[pull_at[CA-1:0]]};

    // ---- a step without logits is over when the last result is written ----
    reg [7:0] outstanding;
    reg in_step;
    wire begins = start && record[63:59] != 5'd4 && record[63:59] != 5'd5;
    wire ends = in_step && !logits && over && idle && outstanding == 8'd0;
    always @(posedge clk) begin
        outstanding <= reset ? 8'd0 : outstanding + {7'd0, begins} - {7'd0, written[0]} - {7'd0, written[1]} - {7'd0, written[2]} - {7'd0, written[3]} - {7'd0, written[4]};
        in_step <= !reset && (go || in_step && !ends);
    end

    // ---- what arrives, what is sent, the root ----
    wire [15:0] product_slot;
    wire biased, group_comes;
    assign ended[5] = product_ended && !keeps;
    wire [U*K-1:0] res_write;
    wire [U*K*16-1:0] res_address;
    wire [U*K*8-1:0] res_lane;
    roma_arrivals #(.V(V), .VL(VL), .U(U), .N(N), .G(G), .F(F), .K(K), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BB), .PROGRAM(PROGRAM), .WORDS(WORDS),
        .FIRST(FIRST)) arrivals (
        .clk(clk), .reset(reset), .unit(unit), .go(go), .rows(rows), .logits(logits), .i_res(i_res), .write(res_write), .address(res_address), .lane(res_lane),
        .slot(product_slot), .biased(biased), .group_comes(group_comes), .ended(product_ended), .ended_value(ended_value[40 +: 8]), .ended_block(ended_block[5*BB +: BB]));
    wire att_write;
    localparam OF_HEAD = (ALL + KV - 1) / KV, ATTS = KV * OF_HEAD;  // elements that come at once
    wire [ATTS-1:0] att_here;
    wire [16*ATTS-1:0] att_address;
    wire [8*ATTS-1:0] att_lane;
    roma_att_arrivals #(.V(V), .VL(VL), .KV(KV), .HEADS(HEADS), .HEAD_DIM(HEAD_DIM), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BB), .PROGRAM(PROGRAM),
        .WORDS(WORDS), .FIRST(FIRST)) att_arrivals (
        .clk(clk), .reset(reset), .unit(unit), .go(go), .rows(rows), .logits(logits), .i_att(i_att), .write(att_write), .here(att_here), .address(att_address), .lane(att_lane),
        .ended(ended[6]), .ended_value(ended_value[48 +: 8]), .ended_block(ended_block[6*BB +: BB]));
    wire [15:0] send_address, send_number;
    wire are_added;
    roma_sender #(.ALL(ALL), .VL(VL), .KV(KV), .HEAD_DIM(HEAD_DIM), .WIDE(BANDWIDTH), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BB), .PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST), .EVENTS(EVENTS)) sender (
        .clk(clk), .reset(reset), .go(go), .rows(rows), .logits(logits), .ended(ended), .ended_value(ended_value), .ended_block(ended_block), .tok(i_tok), .number(send_number), .allowed(are_added),
        .address(send_address), .word(values[send_address[VA-1:0]]), .o_kv(o_kv),
        .cached(ended[7]), .cached_block(ended_block[7*BB +: BB]));
    assign ended_value[56 +: 8] = 8'd254;

    // ---- what adapters add ----
    localparam ADDS = PLACES * U * UPS;
    wire [32*G*U-1:0] arriving;
    wire [16*ADDS-1:0] add_address, sum_address;
    wire [8*ADDS-1:0] add_lane, sum_lane;
    wire [32*ADDS-1:0] add_y, sums;
    wire [ADDS-1:0] sum_write;
    wire [15:0] bias_slot;
    reg [15:0] slot_now;
    always @(posedge clk) if (start) slot_now <= record[79:64];
    roma_delay #(.W(17), .N(ADD)) late_bias (.clk(clk), .d({last && what == 5'd7, slot_now}), .q({bias_ends, bias_slot}));
    generate
        for (u = 0; u < U; u = u + 1) begin : gen_arriving
            assign arriving[32*G*u +: 32*G] = i_res[RES_W*u +: 32*G];
        end
        for (u = 0; u < ADDS; u = u + 1) begin : gen_add
            wire [32*VL-1:0] word = values[add_address[16*u +: VA]];
            wire [7:0] of_lane = add_lane[8*u +: 8];
            wire unused_lane = ^of_lane;
            assign add_y[32*u +: 32] = word[32*of_lane[LA-1:0] +: 32];
        end
    endgenerate
    roma_ups #(.V(V), .VL(VL), .U(U), .LANES(LANES), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BB), .ADD(ADD), .PROGRAM(PROGRAM), .WORDS(WORDS), .FIRST(FIRST),
        .MAC(MAC), .PLACES(PLACES), .SLOTS(SLOTS), .DEPTH(DEPTH)) ups (
        .clk(clk), .reset(reset), .unit(unit), .step(i_step), .i_add(i_add), .slot_now(product_slot), .biased(biased), .group_comes(group_comes),
        .arriving(arriving), .product_ends(product_ended), .bias_ends(bias_ends), .bias_slot(bias_slot), .keeps(keeps), .keeps_bias(keeps_bias), .asked(send_number), .are_added(are_added),
        .address(add_address), .lane(add_lane), .y(add_y), .write(sum_write), .write_address(sum_address), .write_lane(sum_lane), .sums(sums),
        .ended(ended[8 +: PLACES]), .ended_value(ended_value[64 +: 8*PLACES]), .ended_block(ended_block[8*BB +: BB*PLACES]));

    // ---- writes ----
    integer a, b;
    always @(posedge clk) begin
        for (a = 0; a < 5; a = a + 1)
            for (b = 0; b < VL; b = b + 1)
                if (write[a] && writes[C*a + C-16-VL + b]) values[writes[C*a + C-16 +: VA]][32*b +: 32] <= results[32*(VL*a + b) +: 32];
        for (a = 0; a < U; a = a + 1)
            for (b = 0; b < K; b = b + 1)
                if (res_write[K*a + b]) values[res_address[16*(K*a + b) +: VA]][{24'd0, res_lane[8*(K*a + b) +: 8]} * 32 +: 32] <= i_res[RES_W*a + 32*b +: 32];
        for (a = 0; a < ADDS; a = a + 1)
            if (sum_write[a]) values[sum_address[16*a +: VA]][{24'd0, sum_lane[8*a +: 8]} * 32 +: 32] <= sums[32*a +: 32];
        for (a = 0; a < KV; a = a + 1)
            for (b = 0; b < OF_HEAD; b = b + 1)
                if (att_write && att_here[OF_HEAD*a + b])
                    values[att_address[16*(OF_HEAD*a + b) +: VA]][{24'd0, att_lane[8*(OF_HEAD*a + b) +: 8]} * 32 +: 32] <= i_att[ATT_W*a + 32*b +: 32];
    end

    generate
        if (ROOT != 0) begin : gen_root
            wire token_valid, sign_valid;
            wire [7:0] token_what;
            wire [63:0] token_data, sign_data;
            roma_root #(.ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .DIV_INTERVAL(DIV_INTERVAL), .ROWS(ROWS)) root (
                .clk(clk), .reset(reset), .is_norm(is_norm), .factor_done(done_factor), .factor_row(factor_row), .scale(scale), .norm_scales(scales),
                .sum(i_sum_back), .sum_row(sum_row), .largest(largest[31*sum_row +: 31]), .inverse_n(inverse_n), .epsilon(epsilon), .over(ends), .o_scale(o_scale),
                .i_best(i_best), .host_valid(host_valid), .host_what(host_what), .host_address(host_address), .host_data(host_data), .o_step(o_step),
                .o_load(o_load), .out_valid(token_valid), .out_what(token_what), .out_data(token_data));
            roma_downs #(.U(U), .ROWS(ROWS), .BLOCK_ROWS(BLOCK_ROWS), .BLOCK_BITS(BB), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT), .LINK(LINK), .PROGRAM(PROGRAM),
                .WORDS(WORDS), .FIRST(FIRST), .MAC(MAC), .RANK(RANK), .PLACES(PLACES), .SLOTS(SLOTS), .ENTRIES(ENTRIES), .LEAVES(LEAVES)) downs (
                .clk(clk), .reset(reset), .step(i_step), .part(i_part), .begins(start && (record[63:59] == 5'd4 || record[63:59] == 5'd5)),
                .from_now(rows_from), .rows_now(rows_count), .scale(o_scale), .load(o_load), .o_down(o_down));
            roma_signatures #(.U(U), .N(N)) signatures (.clk(clk), .reset(reset), .signs(i_sign), .valid(sign_valid), .data(sign_data));
            assign out_valid = token_valid || sign_valid;
            assign out_what = sign_valid ? 8'd1 : token_what;
            assign out_data = sign_valid ? sign_data : token_data;
        end else begin : gen_other
            assign {o_scale, o_step, o_load, o_down, out_valid, out_what, out_data} = {(50+74+113+73+DOWN_W){1'b0}};
            wire unused_host = ^{scales, inverse_n, epsilon, sum_row, host_valid, host_what, host_address, host_data, i_best, i_sign, i_part};
        end
    endgenerate

`ifdef ROMA_PROBES
    // What a simulation sees (rtl/cosim); a chip has none of it.
    roma_probe_vector #(.ROOT(ROOT), .V(V), .VL(VL), .U(U), .K(K), .KV(KV), .BB(BB), .CODE(CODE), .PLACES(PLACES), .UPS(UPS)) probe (
        .clk(clk), .reset(reset), .unit(unit), .go(go), .reading(reading), .number(number_now), .block(block_now), .code_write(code_write),
        .code_address({{(16-CA){1'b0}}, code_at}), .codes(o_code[CODES-1:0]), .write(write), .writes(writes), .results(results), .res_write(res_write),
        .res_address(res_address), .res_lane(res_lane), .res(i_res), .res_number(arrivals.number), .res_block(arrivals.block),
        .att_write(att_write), .att_here(att_here), .att_address(att_address), .att_lane(att_lane), .att(i_att), .att_number(att_arrivals.number),
        .att_block(att_arrivals.block), .send_start(sender.start), .sending(sender.active), .send_number(send_number),
        .send_block(sender.block), .sum_write(sum_write), .sum_address(sum_address), .sum_lane(sum_lane), .sums(sums), .best(i_best[56]), .out_valid(out_valid), .out_data(out_data));
`endif
    wire unused_bits = ^{i_step[63:32], i_sum_back, address0, address1, largest_now[22:0], send_address, add_address};
`ifdef ROMA_FAULTS
`include "faults_vector.vh"
`endif
endmodule
