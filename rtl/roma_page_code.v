// The weights of pages, between the pass that makes them and the one that uses them: from u to int16 codes (docs/numerics.md 4, step 5).
//   put, put_slot, put_at   u of a position is written
//   done, done_slot, most   the largest u of a page is known, of roma_weigh
//   get_slot, get_at        the position whose code is wanted, one cycle before u is needed; the page's largest is there when it is
//   code, exponent          c and the exponent field of the largest u, 1 + CONVERT after get
// Interval 1. A page here is one query's: SLOTS of them, written while others are read.
module roma_page_code #(
    parameter SLOTS = 16,
    parameter CONVERT = 2
) (
    input clk,
    input put,
    input [$clog2(SLOTS)-1:0] put_slot,
    input [4:0] put_at,
    input [31:0] u,
    input done,
    input [$clog2(SLOTS)-1:0] done_slot,
    input [30:0] most,
    input [$clog2(SLOTS)-1:0] get_slot,
    input [4:0] get_at,
    output [15:0] code,
    output [7:0] exponent
);
    reg [31:0] memory[0:32*SLOTS-1];
    reg [7:0] exponents[0:SLOTS-1];
    reg [31:0] read;
    reg [$clog2(SLOTS)-1:0] page;
    always @(posedge clk) begin
        if (put) memory[{put_slot, put_at}] <= u;
        if (done) exponents[done_slot] <= most[30:23];
        read <= memory[{get_slot, get_at}];
        page <= get_slot;
    end
    // The largest may be known only now.
    wire [7:0] exponent_d = done & done_slot == page ? most[30:23] : exponents[page];
    wire [22:0] unused_most = most[22:0];
    roma_fp_to_int #(.W(16), .LATENCY(CONVERT)) near (.clk(clk), .x(read), .scale(9'd141 - {1'b0, exponent_d}), .y(code));
    roma_delay #(.W(8), .N(CONVERT)) delay_exponent (.clk(clk), .d(exponent_d), .q(exponent));
endmodule
