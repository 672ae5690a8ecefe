// What a bench sees at the ports of a vector unit's memories. Lines, fields in hexadecimal:
//   R   roma_probe_reads: V of the unit's own operations, S of what is sent to H-Units
//   W cycle unit number block address lane bits   an element of a value is written
//   C cycle unit number block address group shift codes   eight codes and their shift are written
//   Y cycle unit place address lane bits      the same, with what an adapter adds
//   T cycle bits                                  the root has a token (ROOT)
module roma_probe_vector #(
    parameter ROOT = 0,
    parameter V = 4,
    parameter VL = 8,
    parameter U = 8,
    parameter K = 2,
    parameter KV = 2,
    parameter BB = 1,
    parameter CODE = 8,  // cycles from an operand to its code
    parameter PLACES = 2,
    parameter UPS = 1,
    parameter ADDS = PLACES * U * UPS,
    parameter OF_HEAD = (V * VL + KV - 1) / KV,  // FP32 of a KV head at once
    parameter ATTS = KV * OF_HEAD,
    parameter C = 16 + VL + 1 + 8 + BB + 16,
    parameter RES_W = 18 + 32 * K,
    parameter ATT_W = 10 + 32 * OF_HEAD
) (
    input clk,
    input reset,
    input [15:0] unit,
    input go,  // the step's cycle 0 is the next one
    input reading,
    input [15:0] number,
    input [BB-1:0] block,
    input code_write,
    input [15:0] code_address,
    input [VL/8*67-1:0] codes,
    input [4:0] write,
    input [5*C-1:0] writes,
    input [5*32*VL-1:0] results,
    input [U*K-1:0] res_write,
    input [16*U*K-1:0] res_address,
    input [8*U*K-1:0] res_lane,
    input [U*RES_W-1:0] res,
    input [15:0] res_number,
    input [BB-1:0] res_block,
    input att_write,
    input [ATTS-1:0] att_here,
    input [16*ATTS-1:0] att_address,
    input [8*ATTS-1:0] att_lane,
    input [KV*ATT_W-1:0] att,
    input [15:0] att_number,
    input [BB-1:0] att_block,
    input send_start,
    input sending,
    input [15:0] send_number,
    input [BB-1:0] send_block,
    input [ADDS-1:0] sum_write,
    input [16*ADDS-1:0] sum_address,
    input [8*ADDS-1:0] sum_lane,
    input [32*ADDS-1:0] sums,
    input best,
    input out_valid,
    input [63:0] out_data
);
    reg [31:0] cycle;
    always @(posedge clk) cycle <= reset || go ? 32'd0 : cycle + 32'd1;
    reg [15:0] sent_number;
    reg [BB-1:0] sent_block;
    always @(posedge clk) if (send_start) {sent_number, sent_block} <= {send_number, send_block};
    roma_probe_reads #(.KIND("V")) of_unit (.clk(clk), .unit(unit), .cycle(cycle), .strobe(reading), .number(number), .block({{(16-BB){1'b0}}, block}));
    roma_probe_reads #(.KIND("S")) of_sender (.clk(clk), .unit(unit), .cycle(cycle), .strobe(sending), .number(sent_number), .block({{(16-BB){1'b0}}, sent_block}));
    integer a, b;
    reg [15+BB:0] late [0:CODE-1];  // whose codes are made
    wire [15:0] code_number;
    wire [BB-1:0] code_block;
    assign {code_number, code_block} = late[CODE-1];
    always @(posedge clk) begin
        late[0] <= {number, block};
        for (a = 1; a < CODE; a = a + 1) late[a] <= late[a-1];
        for (a = 0; a < VL / 8; a = a + 1)
            if (code_write)
                $write("C %0h %0h %0h %0h %0h %0h %0h %0h\n", cycle, unit, code_number, code_block, code_address, a, codes[67*a + 64 +: 3], codes[67*a +: 64]);
        for (a = 0; a < 5; a = a + 1)
            for (b = 0; b < VL; b = b + 1)
                if (write[a] && writes[C*a + C-16-VL + b])
                    $write("W %0h %0h %0h %0h %0h %0h %0h\n", cycle, unit, writes[C*a +: 16], writes[C*a + 16 +: BB], writes[C*a + C-16 +: 16], b, results[32*(VL*a + b) +: 32]);
        for (a = 0; a < U * K; a = a + 1)
            if (res_write[a])
                $write("W %0h %0h %0h %0h %0h %0h %0h\n", cycle, unit, res_number, res_block, res_address[16*a +: 16], res_lane[8*a +: 8], res[RES_W*(a/K) + 32*(a%K) +: 32]);
        for (a = 0; a < ATTS; a = a + 1)
            if (att_write && att_here[a])
                $write("W %0h %0h %0h %0h %0h %0h %0h\n", cycle, unit, att_number, att_block, att_address[16*a +: 16], att_lane[8*a +: 8], att[ATT_W*(a/OF_HEAD) + 32*(a%OF_HEAD) +: 32]);
        for (a = 0; a < ADDS; a = a + 1)
            if (sum_write[a])
                $write("Y %0h %0h %0h %0h %0h %0h\n", cycle, unit, a / (U * UPS), sum_address[16*a +: 16], sum_lane[8*a +: 8], sums[32*a +: 32]);
        if (ROOT != 0 && best) $write("B %0h\n", cycle);
        if (ROOT != 0 && out_valid) $write("T %0h %0h\n", cycle, out_data);
    end
endmodule
