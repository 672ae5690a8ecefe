// What a bench sees at the ports of a matrix unit's memories and units. Lines, fields in hexadecimal:
//   R   roma_probe_reads: L of the L-Units' ROMs
//   C cycle unit number block group shift codes   eight codes and their shift go into the L-Units' buffers
//   S cycle unit bits                             a scale of activations is there
//   L cycle unit id bits                          a logit leaves the head's leaves
module roma_probe_matrix #(
    parameter UNIT = 0,
    parameter G = 2,
    parameter FILL = 4,
    parameter BB = 1
) (
    input clk,
    input [31:0] cycle,
    input starts,
    input reading,
    input [15:0] number,
    input [BB-1:0] block,
    input fill,
    input [15:0] fill_index,
    input [64*FILL-1:0] codes,
    input [3*FILL-1:0] shifts,
    input [15:0] codes_number,
    input [BB-1:0] codes_block,
    input scale_valid,
    input [31:0] scale,
    input logits,
    input [23:0] rows,
    input [23:0] unit_rows,
    input [15:0] index,
    input [32*G-1:0] results
);
    reg [15:0] its_number;
    reg [BB-1:0] its_block;
    always @(posedge clk) if (starts) {its_number, its_block} <= {number, block};
    roma_probe_reads #(.KIND("L"), .UNIT(UNIT)) of_unit (.clk(clk), .cycle(cycle), .strobe(reading), .number(its_number), .block({{(8-BB){1'b0}}, its_block}));
    integer i;
    reg [23:0] id;
    always @(posedge clk) begin
        for (i = 0; i < FILL; i = i + 1)
            if (fill)
                $write("C %0h %0h %0h %0h %0h %0h %0h\n", cycle, UNIT, codes_number, codes_block, fill_index * FILL + i, shifts[3*i +: 3], codes[64*i +: 64]);
        if (scale_valid) $write("S %0h %0h %0h\n", cycle, UNIT, scale);
        for (i = 0; i < G; i = i + 1) begin
            id = UNIT * unit_rows + index * G + i;
            if (logits && id < rows) $write("L %0h %0h %0h %0h\n", cycle, UNIT, id, results[32*i +: 32]);
        end
    end
endmodule
