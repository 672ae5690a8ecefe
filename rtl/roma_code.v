// Codes of a sub-group of eight values under one shift (docs/numerics.md 2, steps 2 to 4).
//   x       eight FP32 values, the first in the lowest bits
//   factor  the row's, of roma_reciprocal; 0: the row has no codes, all is 0
//   codes   eight signed bytes; shift theirs
// Latency MUL + 3 HOP + CONVERT, the chain `code` of the timing law; interval 1. The shift of the largest is the largest of eight shifts, so the
// tree compares three bits.
module roma_code #(
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter HOP = 1
) (
    input clk,
    input [255:0] x,
    input [31:0] factor,
    output [63:0] codes,
    output [2:0] shift
);
    wire [2:0] most;
    wire [8*3-1:0] shifts;
    wire is_there = |factor[30:23];
    genvar i;
    generate
        for (i = 0; i < 8; i = i + 1) begin : gen_value
            wire [31:0] v, v_late;
            roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a(x[32*i+:32] & {32{is_there}}), .b(factor), .y(v));
            // The least k with |v| < 127.5 * 2^k, whose exponent is 133 + k: 7 at most, for |v| is 16256 and a rounding at most.
            wire [7:0] place = v[30:23] + {7'd0, &v[22:16]};
            assign shifts[3*i+:3] = place <= 8'd133 ? 3'd0 : place[2:0] - 3'd5;
            roma_delay #(.W(32), .N(3 * HOP)) delay_v (.clk(clk), .d(v), .q(v_late));
            roma_fp_to_int #(.W(8), .LATENCY(CONVERT)) code (.clk(clk), .x(v_late), .scale(9'd0 - {6'd0, most}), .y(codes[8*i+:8]));
        end
    endgenerate
    roma_reduce #(.LANES(8), .W(3), .HOP(HOP)) largest (.clk(clk), .x(shifts), .y(most));
    roma_delay #(.W(3), .N(CONVERT)) delay_shift (.clk(clk), .d(most), .q(shift));
endmodule
