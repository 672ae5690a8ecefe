// Leaves of pages on their way to the first H-Unit of a KV head, WIDE FP32 a cycle (docs/cost-model.md 1.9, send over network.link): MAC leaves
// come at once, page after page, and wait in a queue where pages are short.
//   put, leaves, tag    of a query's page and part
//   valid, word, beat   those that leave, with the tag and the number of the word among those of the part
// Latency 1 from put to the first word.
module roma_leaf_queue #(
    parameter MAC = 8,
    parameter WIDE = 4,
    parameter TAG = 8,
    parameter DEPTH = 8,
    parameter BEAT = MAC > WIDE ? $clog2(MAC / WIDE) : 1
) (
    input clk,
    input reset,
    input put,
    input [32*MAC-1:0] leaves,
    input [TAG-1:0] tag,
    output valid,
    output [32*WIDE-1:0] word,
    output [TAG-1:0] word_tag,
    output reg [BEAT-1:0] beat
);
    localparam A = DEPTH > 1 ? $clog2(DEPTH) : 1;
    reg [32*MAC-1:0] memory[0:(1<<A)-1];
    reg [TAG-1:0] tags[0:(1<<A)-1];
    reg [A-1:0] head, tail;
    reg [A:0] count;
    wire ends = valid && {{(32-BEAT){1'b0}}, beat} == MAC / WIDE - 1;
    wire [32*MAC-1:0] first = memory[head];
    assign valid = count != {(A+1){1'b0}};
    assign word = first[32*WIDE*beat +: 32*WIDE];
    assign word_tag = tags[head];
    always @(posedge clk) begin
        if (put) {memory[tail], tags[tail]} <= {leaves, tag};
        if (reset) begin
            {head, tail, count, beat} <= {(3*A+1+BEAT){1'b0}};
        end else begin
            count <= count + {{A{1'b0}}, put} - {{A{1'b0}}, ends};
            if (put) tail <= tail + {{(A-1){1'b0}}, 1'b1};
            if (ends) head <= head + {{(A-1){1'b0}}, 1'b1};
            if (valid) beat <= ends ? {BEAT{1'b0}} : beat + {{(BEAT-1){1'b0}}, 1'b1};
        end
    end
endmodule
