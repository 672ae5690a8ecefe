// SRAM of an H-Unit: pages of the cache, and adapters (docs/placement.md). WIDE bytes are read a cycle, and WIDE bytes written, of which
// write_parts chooses eight at a time.
//   word   what stood at the address of the last cycle with `read`
// Latency 1; what is written in a cycle can be read in the next.
module roma_page_sram #(
    parameter WORDS = 2048,
    parameter WIDE = 32,
    parameter A = $clog2(WORDS)
) (
    input clk,
    input read,
    input [A-1:0] address,
    output reg [8*WIDE-1:0] word,
    input write,
    input [WIDE/8-1:0] write_parts,
    input [A-1:0] write_address,
    input [8*WIDE-1:0] write_word
);
    reg [8*WIDE-1:0] memory[0:WORDS-1];
    integer i;
    always @(posedge clk) begin
        if (read) word <= memory[address];
        for (i = 0; i < WIDE / 8; i = i + 1)
            if (write && write_parts[i]) memory[write_address][64*i +: 64] <= write_word[64*i +: 64];
    end
endmodule
