// Signatures of all matrix units on their way to the host: what comes in one cycle leaves in U, unit after unit.
//   signs   from each matrix unit: valid, signature; all come together, and the next ones no sooner than U cycles later
//   data    number of the L-Unit that was read last 16, of the matrix unit 16, signature 32
module roma_signatures #(
    parameter U = 8,
    parameter N = 4
) (
    input clk,
    input reset,
    input [33*U-1:0] signs,
    output valid,
    output [63:0] data
);
    localparam [15:0] LAST_UNIT = U - 1, LAST_LUNIT = N - 1;
    reg [32*U-1:0] waiting;
    wire [32*U-1:0] coming;
    reg active;
    reg [15:0] unit, lunit;
    wire comes = signs[32];
    wire [U-1:0] unused_valid;
    genvar u;
    generate
        for (u = 0; u < U; u = u + 1) begin : gen_unit
            assign coming[32*u +: 32] = signs[33*u +: 32];
            assign unused_valid[u] = signs[33*u+32];
        end
    endgenerate
    always @(posedge clk) begin
        if (reset) begin
            {active, unit, lunit} <= 33'd0;
        end else if (comes) begin
            {active, unit} <= {1'b1, 16'd0};
        end else if (active) begin
            if (unit == LAST_UNIT) {active, lunit} <= {1'b0, lunit == LAST_LUNIT ? 16'd0 : lunit + 16'd1};
            unit <= unit + 16'd1;
        end
        waiting <= comes ? coming : waiting >> 32;
    end
    assign valid = active;
    assign data = active ? {lunit, unit, waiting[31:0]} : 64'd0;
endmodule
