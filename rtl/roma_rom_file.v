// A ROM whose WORDS words of W bits are the lines of FILE; the word comes one cycle after the address. FILE "": all zero.
module roma_rom_file #(
    parameter FILE = "",
    parameter WORDS = 2,
    parameter W = 64,
    parameter A = 1
) (
    input clk,
    input [A-1:0] addr,
    output [W-1:0] word
);
    reg [W-1:0] words [0:(1<<A)-1];
    reg [W-1:0] q;
    integer i;
    initial begin
        for (i = 0; i < (1 << A); i = i + 1) words[i] = {W{1'b0}};
        if (FILE != "") $readmemh(FILE, words, 0, WORDS - 1);
    end
    always @(posedge clk) q <= words[addr];
    assign word = q;
endmodule
