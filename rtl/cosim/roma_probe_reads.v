// Tells when an operation's operands are read: a line for each run of cycles in which `strobe` is up with one tag.
// Lines, fields in hexadecimal: R cycle-after-the-last kind unit number block cycle-of-the-first
// They come in the middle of a cycle, before the lines of its writes: what is one cycle behind its operand (vector.add = 1) is written in the
// cycle after the last read, and an operation must not end before its reads are known.
module roma_probe_reads #(
    parameter [7:0] KIND = "V"
) (
    input clk,
    input [15:0] unit,
    input [31:0] cycle,
    input strobe,
    input [15:0] number,
    input [15:0] block  // or a tag of what reads
);
    reg was;
    reg [15:0] number_was;
    reg [15:0] block_was;
    reg [31:0] from;
    wire is_same = number == number_was && block == block_was;
    initial was = 1'b0;
    always @(negedge clk) begin
        if (was && !(strobe && is_same)) $write("R %0h %c %0h %0h %0h %0h\n", cycle, KIND, unit, number_was, block_was, from);
        if (strobe && !(was && is_same)) from <= cycle;
        was <= strobe;
        {number_was, block_was} <= {number, block};
    end
endmodule
