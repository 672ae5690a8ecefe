// Self-test of a matrix unit's ROMs (docs/program-format.md, "Self-test"): every word of every L-Unit is read through the L-Units' own address and
// sums. L-Unit after L-Unit takes activations by which each bit of a word's row weighs something else, the others take zeros; the sums of all
// L-Units go into a signature, which leaves after each of them.
//   start      the test begins in the next cycle; nobody else may use the L-Units while `busy`
//   address    of all L-Units, with codes one cycle later, as roma_lunit takes them for words of 2-bit codes, shifts 7 and 0
//   sums       PIPELINE cycles after the address
//   sign       valid, signature: of all words read so far, WORDS + PIPELINE + 1 cycles after `start` for L-Unit 0, PASS more for each other
module roma_selftest #(
    parameter N = 4,
    parameter LANES = 16,
    parameter WORDS = 4,  // of an L-Unit
    parameter PASS = 4,   // cycles from L-Unit to L-Unit, WORDS at least
    parameter ADDRESS = 2,
    parameter PIPELINE = 3,
    parameter SUM = 25  // bits of a sum, of which 25 count
) (
    input clk,
    input reset,
    input start,
    output reg busy,
    output [ADDRESS-1:0] address,
    output [128*N-1:0] codes,
    input [SUM*(LANES/8)*N-1:0] sums,
    output [32:0] sign
);
    localparam ROWS = LANES / 8, LOG = $clog2(N), CYCLE = $clog2(PASS + 1);
    localparam [63:0] ACTIVATIONS = {8'd105, 8'd101, 8'd87, 8'd67, 8'd65, 8'd61, 8'd53, 8'd31};
    localparam [CYCLE-1:0] LAST_WORD = WORDS - 1, LAST_CYCLE = PASS - 1;
    localparam [31:0] LAST_LUNIT = N - 1;

    // ---- addresses, L-Unit after L-Unit ----
    reg reads;
    reg [CYCLE-1:0] at;
    reg [LOG-1:0] lunit;
    wire is_word = reads && at <= LAST_WORD, is_last = reads && at == LAST_WORD, pass_ends = at == LAST_CYCLE;
    wire [CYCLE+ADDRESS-1:0] wide = {{ADDRESS{1'b0}}, at};
    wire [CYCLE-1:0] unused_wide = wide[CYCLE+ADDRESS-1:ADDRESS];
    assign address = wide[ADDRESS-1:0];
    wire is_last_lunit = lunit == LAST_LUNIT[LOG-1:0];
    wire arrives, arrives_last, ends;
    always @(posedge clk) begin
        if (reset) begin
            {reads, busy} <= 2'b00;
        end else begin
            reads <= start || reads && !(pass_ends && is_last_lunit);
            busy <= start || busy && !ends;
        end
        at <= start || pass_ends ? {CYCLE{1'b0}} : at + {{(CYCLE-1){1'b0}}, 1'b1};
        lunit <= start ? {LOG{1'b0}} : pass_ends ? lunit + {{(LOG-1){1'b0}}, 1'b1} : lunit;
    end

    // ---- activations ----
    reg [N-1:0] chosen;
    always @(posedge clk) chosen <= is_word ? {{(N-1){1'b0}}, 1'b1} << lunit : {N{1'b0}};
    genvar i;
    generate
        for (i = 0; i < N; i = i + 1) begin : gen_codes
            assign codes[128*i +: 128] = {ACTIVATIONS, ACTIVATIONS} & {128{chosen[i]}};
        end
    endgenerate

    // ---- the signature: rows turned by 7 places each ----
    reg [31:0] folded, turned;
    reg [24:0] row;
    integer r, l;
    always @* begin
        folded = 32'd0;
        for (r = 0; r < ROWS; r = r + 1) begin
            row = 25'd0;
            for (l = 0; l < N; l = l + 1) row = row ^ sums[SUM*(ROWS*l+r) +: 25];
            turned = {7'd0, row};
            folded = folded ^ turned << 7 * r % 32 ^ turned >> (32 - 7 * r % 32);
        end
    end
    reg [31:0] signature;
    wire [31:0] moved = {signature[30:0], 1'b0} ^ (signature[31] ? 32'h00400007 : 32'd0);
    reg told;
    roma_delay #(.W(3), .N(PIPELINE)) late (
        .clk(clk), .d({is_word && !reset, is_last && !reset, is_last && is_last_lunit && !reset}), .q({arrives, arrives_last, ends}));
    always @(posedge clk) begin
        signature <= start ? 32'hffffffff : arrives ? moved ^ folded : signature;
        told <= !reset && arrives_last;
    end
    assign sign = {told, signature & {32{told}}};
endmodule
