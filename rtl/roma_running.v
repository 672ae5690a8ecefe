// The running one behind a roma_reduce: the largest, as unsigned integers, or with SUM = 1 the sum of a row's groups as they come.
//   valid        a group's number is there; first, last: of its row
//   y            the row's number, with done
// Latency HOP after the last group, and none where a row is a single group: the running one of R(e) in docs/cost-model.md 1.5. Interval 1, row
// after row; rows of one group do not mix with longer ones.
module roma_running #(
    parameter W = 31,
    parameter SUM = 0,
    parameter HOP = 1
) (
    input clk,
    input reset,
    input valid,
    input first,
    input last,
    input [W-1:0] x,
    output done,
    output [W-1:0] y
);
    reg [W-1:0] running;
    reg ended;
    wire is_single = valid & first & last;
    wire [W-1:0] so_far = running & {W{~first}};
    wire [W-1:0] next = SUM != 0 ? so_far + x : x > so_far ? x : so_far;
    always @(posedge clk) begin
        if (valid) running <= next;
        ended <= valid & last & ~first & ~reset;
    end
    wire late_done;
    wire [W-1:0] late_y;
    roma_delay #(.W(W + 1), .N(HOP - 1)) hop (.clk(clk), .d({ended & ~reset, running}), .q({late_done, late_y}));
    assign done = is_single & ~reset | late_done;
    assign y = is_single ? x : late_y;
endmodule
