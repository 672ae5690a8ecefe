// A small ROM whose WORDS words of W bits are the lines of FILE: the word at an address in the same cycle, and all of them side by side, the
// first lowest. FILE "": all zero.
module roma_word_file #(
    parameter FILE = "",
    parameter WORDS = 2,
    parameter W = 64,
    parameter A = $clog2(WORDS)
) (
    input [A-1:0] addr,
    output [W-1:0] word,
    output [W*WORDS-1:0] all
);
    reg [W-1:0] words [0:(1<<A)-1];
    integer i;
    initial begin
        for (i = 0; i < (1 << A); i = i + 1) words[i] = {W{1'b0}};
        if (FILE != "") $readmemh(FILE, words, 0, WORDS - 1);
    end
    assign word = words[addr];
    genvar k;
    generate
        for (k = 0; k < WORDS; k = k + 1) begin : gen_word
            assign all[W*k +: W] = words[k];
        end
    endgenerate
endmodule
