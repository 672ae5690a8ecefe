// What a bench sees at the ports of a matrix unit's memories and units. Lines, fields in hexadecimal:
//   R   roma_probe_reads: L of the L-Units' ROMs, P of the H-Unit's SRAM by an attention, A by a down or an up, with a tag in place of the block:
//       is_up 1, 0, product of the group 2, place 4, block 8
//   E cycle unit                          the last codes of an operation and block are there
//   S cycle unit row bits                 a scale of activations is there, of this row of the step
//   L cycle unit id bits                  a logit leaves the head's leaves
//   M cycle unit id                       the unit's own choice of all its logits leaves
//   K cycle unit address part bits        eight bytes of a page are written
//   D cycle unit piece row bits           codes of h have come, four a piece, and behind the last ones t; row of the step
//   U cycle unit place index lane bits    what an adapter adds leaves: row `lane` of word `index` of rows of B
module roma_probe_matrix #(
    parameter G = 2,
    parameter BB = 1,
    parameter WIDE = 32,
    parameter A = 11,
    parameter UPS = 1,
    parameter RANK = 16,
    parameter PLACES = 2,
    parameter ROWS = 8,
    parameter DOWN_W = 41 + 16 * RANK,
    parameter ADD_W = 21 + 32 * UPS
) (
    input clk,
    input reset,
    input [15:0] unit,
    input go,  // the step's cycle 0 is the next one
    input reading,
    input [15:0] number,
    input [BB-1:0] block,
    input codes_last,
    input scale_valid,
    input [7:0] scale_row,
    input [31:0] scale,
    input logits,
    input [23:0] rows,
    input [23:0] unit_rows,
    input [15:0] index,
    input [32*G-1:0] results,
    input chosen,
    input [23:0] choice,
    input asked,
    input [15:0] attend_number,
    input [BB-1:0] attend_block,
    input page_reads,
    input page_write,
    input [WIDE/8-1:0] page_parts,
    input [A-1:0] page_address,
    input [8*WIDE-1:0] page_word,
    input lora_starts,
    input lora_is_up,
    input [15:0] lora_number,
    input [BB-1:0] lora_block,
    input [7:0] lora_place,
    input [1:0] lora_product,
    input lora_reads,
    input [3:0] sixteens,
    input [DOWN_W-1:0] down,
    input [ADD_W-1:0] add
);
    reg [31:0] cycle;
    always @(posedge clk) cycle <= reset || go ? 32'd0 : cycle + 32'd1;
    reg [15:0] attend_now;
    reg [BB-1:0] attend_block_now;
    always @(posedge clk) if (asked) {attend_now, attend_block_now} <= {attend_number, attend_block};
    roma_probe_reads #(.KIND("L")) of_lunits (.clk(clk), .unit(unit), .cycle(cycle), .strobe(reading), .number(number), .block({{(16-BB){1'b0}}, block}));
    reg page_word_comes;  // an operand is read when its word leaves the SRAM, a cycle after its address
    always @(posedge clk) page_word_comes <= page_reads;
    roma_probe_reads #(.KIND("P")) of_pages (
        .clk(clk), .unit(unit), .cycle(cycle), .strobe(page_word_comes), .number(attend_now), .block({{(16-BB){1'b0}}, attend_block_now}));
    reg [15:0] lora_now, lora_tag;
    always @(posedge clk)
        if (lora_starts) {lora_now, lora_tag} <= {lora_number, lora_is_up, 1'b0, lora_product, lora_place[3:0], {{(8-BB){1'b0}}, lora_block}};
    roma_probe_reads #(.KIND("A")) of_adapters (.clk(clk), .unit(unit), .cycle(cycle), .strobe(lora_reads), .number(lora_now), .block(lora_tag));
    wire [7:0] down_row = down[DOWN_W-2 -: 8] % ROWS;
    integer i;
    reg [23:0] id;
    always @(posedge clk) begin
        if (codes_last) $write("E %0h %0h\n", cycle, unit);
        if (scale_valid) $write("S %0h %0h %0h %0h\n", cycle, unit, scale_row, scale);
        for (i = 0; i < G; i = i + 1) begin
            id = {8'd0, unit} * unit_rows + index * G + i;
            if (logits && id < rows) $write("L %0h %0h %0h %0h\n", cycle, unit, id, results[32*i +: 32]);
        end
        if (chosen) $write("M %0h %0h %0h\n", cycle, unit, choice);
        for (i = 0; i < WIDE / 8; i = i + 1)
            if (page_write && page_parts[i]) $write("K %0h %0h %0h %0h %0h\n", cycle, unit, page_address, i, page_word[64*i +: 64]);
        for (i = 0; i < RANK / 4; i = i + 1)
            if (down[DOWN_W-1] && i < 4 * sixteens) $write("D %0h %0h %0h %0h %0h\n", cycle, unit, i, down_row, down[64*i +: 64]);
        if (down[DOWN_W-1]) $write("D %0h %0h %0h %0h %0h\n", cycle, unit, {2'd0, sixteens, 2'd0}, down_row, down[16*RANK +: 32]);
        for (i = 0; i < UPS; i = i + 1)
            if (add[ADD_W-1]) $write("U %0h %0h %0h %0h %0h %0h\n", cycle, unit, add[ADD_W-3 -: 3], add[ADD_W-6 -: 16], i, add[32*i +: 32]);
    end
endmodule
