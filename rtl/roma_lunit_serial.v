// L-Unit, bit-serial: as roma_lunit, with the activations one bit a cycle, the sign first.
//   start   word, codes, shifts and bits are there; a start may follow another after 8 cycles
//   done    sums are there
// Ports otherwise as roma_lunit. Latency 10: taken over, eight bits, shifted. Interval 8.
module roma_lunit_serial #(
    parameter LANES = 16
) (
    input clk,
    input reset,
    input start,
    input [1:0] bits,
    input [4*LANES-1:0] word,
    input [127:0] codes,
    input [5:0] shifts,
    output done,
    output [LANES/8*25-1:0] sums
);
    localparam ROWS = LANES / 8;
    reg [1:0] bits_now;
    reg [4*LANES-1:0] word_now;
    reg [127:0] codes_now;
    reg [5:0] shifts_now;
    reg [7:0] phase;
    genvar r, h, b, f;
    generate
        for (b = 0; b < 16; b = b + 1) begin : gen_activation
            always @(posedge clk) codes_now[8*b+:8] <= start ? codes[8*b+:8] : {codes_now[8*b+:7], 1'b0};
        end
    endgenerate
    always @(posedge clk) begin
        phase <= {phase[6:0], start} & {8{~reset}};
        if (start) begin
            bits_now <= bits;
            word_now <= word;
            shifts_now <= shifts;
        end
    end
    wire is2 = bits_now == 2'd0;
    wire is8 = bits_now == 2'd2;
    wire [3:0] low = {1'b0, shifts_now[2:0]};
    wire [3:0] high = is2 ? {1'b0, shifts_now[5:3]} : {1'b0, is8, 2'd0} + {1'b0, shifts_now[2:0]};
    wire [3:0] low_end, high_end;
    // what ends may be followed at once by another word
    roma_cut #(.W(8)) cut_shift (.clk(clk), .d({low, high}), .q({low_end, high_end}));

    generate
        for (r = 0; r < ROWS; r = r + 1) begin : gen_row
            for (h = 0; h < 2; h = h + 1) begin : gen_half
                // the codes whose activation has this bit
                wire [8*7-1:0] term;
                for (b = 0; b < 4; b = b + 1) begin : gen_byte
                    for (f = 0; f < 2; f = f + 1) begin : gen_code
                        localparam FIELD = 2 * h + f;
                        wire [1:0] code = word_now[32*r+8*b+2*FIELD+:2] ^ {FIELD == 3 ? is8 : 1'b0, 1'b0};
                        wire a = is2 ? codes_now[8*(4*FIELD+b)+7] : is8 ? codes_now[8*b+7] : codes_now[8*(4*h+b)+7];
                        wire [1:0] gated = code & {2{a}};
                        assign term[7*(2*b+f)+:7] = f == 1 && !is2 ? {3'd0, gated, 2'd0} : {5'd0, gated};
                    end
                end
                wire [6:0] sum, carry;
                roma_compress #(.ROWS(8), .W(7)) tree (.clk(clk), .rows(term), .sum(sum), .carry(carry));
                wire [6:0] here = sum + carry;
                // the first bit is the sign: its codes count negative
                reg [13:0] total;
                wire [13:0] twice = {total[12:0], 1'b0};
                always @(posedge clk) total <= phase[0] ? 14'd0 - {7'd0, here} : twice + {7'd0, here};
            end
            wire [24:0] first = {{11{gen_half[0].total[13]}}, gen_half[0].total} << low_end;
            wire [24:0] second = {{11{gen_half[1].total[13]}}, gen_half[1].total} << high_end;
            roma_cut #(.W(25)) cut_sum (.clk(clk), .d(first + second), .q(sums[25*r+:25]));
        end
    endgenerate
    reg [1:0] ended;
    always @(posedge clk) ended <= {ended[0], phase[7]} & {2{~reset}};
    assign done = ended[1];
endmodule
