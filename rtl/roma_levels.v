// Level table of the operation that a matrix unit's L-Units carry out, from the program's formats (docs/program-format.md), for roma_lunit_any.
//   start      with the operation's format, and whether that has a table; as in roma_matrix_unit another may follow with the last address
//   levels     LEVEL bits each, that of code 0 in the lowest; they come with the codes: 2 cycles after `start`
module roma_levels #(
    parameter PROGRAM = "",
    parameter WORDS = 8,
    parameter LEVEL = 8
) (
    input clk,
    input start,
    input has_table,
    input [8:0] format,
    output reg is_table,
    output reg [16*LEVEL-1:0] levels
);
    localparam A = $clog2(WORDS + 5);
    localparam [A-1:0] ONE = 1, HEADER = 3;
    reg [63:0] words [0:(1<<A)-1];
    integer i;
    initial begin
        for (i = 0; i < (1 << A); i = i + 1) words[i] = 64'd0;
        if (PROGRAM != "") $readmemh(PROGRAM, words, 0, WORDS - 1);
    end
    wire [63:0] header = words[ONE];
    wire [31:0] values = {16'd0, header[47:32]};
    wire [47:0] unused_header = {header[63:48], header[31:0]};
    wire [31:0] first = {{(32-A){1'b0}}, HEADER} + values + {23'd0, format} * 32'd5 + 32'd1;
    wire [31-A:0] unused_first = first[31:A];
    wire [A-1:0] at = first[A-1:0];
    wire [255:0] table_now = {words[at+ONE+ONE+ONE], words[at+ONE+ONE], words[at+ONE], words[at]};
    reg its_table;
    reg [16*LEVEL-1:0] its_levels;
    genvar l;
    generate
        for (l = 0; l < 16; l = l + 1) begin : gen_level
            wire [15:0] level = table_now[16*l +: 16];
            wire [15-LEVEL:0] unused_level = level[15:LEVEL];
            always @(posedge clk) if (start) its_levels[LEVEL*l +: LEVEL] <= level[LEVEL-1:0];
        end
    endgenerate
    always @(posedge clk) begin
        if (start) its_table <= has_table;
        {is_table, levels} <= {its_table, its_levels};
    end
endmodule
