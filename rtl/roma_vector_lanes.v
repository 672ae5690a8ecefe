// The lanes of a vector unit for operations that give an FP32 value for each element (docs/numerics.md 5): residual, bias, rotation, gates,
// angles. Operands that are read in a cycle have their result in the cycle that the operation's chain says, with the write that
// belongs to it; operations of different chains may end together, so each has a write port of its own.
//   what    number of the operation (docs/program-format.md); 14 residual, 7 bias: x + y; 10 rope: x turned by y, angles; 15 relu2 and
//           13 silu: gate x, up y; 9 angles
//   phase   of INTERVAL in which the lanes of a group take turns, and of the PHASES of an angles' address, counted over the row's: each has its share
//           of the lanes from the lowest on, as even as whole lanes are, so that the last one's results are the last
//   write   of class c (0 sums, 1 rotation, 2 relu2, 3 silu, 4 angles): address 16, lanes VL, last 1, value 8, block, number 16
module roma_vector_lanes #(
    parameter VL = 8,
    parameter INTERVAL = 4,
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter BLOCK_BITS = 1,
    parameter PHASES = 4,  // in which the angles of an address are made, VL / 2 pairs
    parameter SINES = (VL / 2 + PHASES - 1) / PHASES,  // units that make them
    parameter C = 16 + VL + 1 + 8 + BLOCK_BITS + 16
) (
    input clk,
    input reset,
    input valid,
    input [4:0] what,
    input [7:0] phase,
    input [32*VL-1:0] x, y,
    input [VL/2-1:0] turns,  // pairs that a rotation takes; the others keep x
    input [31:0] position,
    input [64*SINES-1:0] increments,
    input [15:0] angle_address,
    input [C-1:0] control,  // lanes and last are of the whole group
    output [4:0] write,
    output [5*C-1:0] writes,
    output [5*32*VL-1:0] results
);
    localparam SILUS = (VL + INTERVAL - 1) / INTERVAL;
    localparam EXP = 8 * MUL + 8 * ADD + 2 * CONVERT, SILU = EXP + ADD + 16 + 2 * MUL, SINE = 6 * MUL + 4 * ADD + CONVERT;
    wire [15:0] address = control[C-1 -: 16];
    wire [VL-1:0] lanes = control[C-17 -: VL];
    wire last = control[C-17-VL];
    wire [C-18-VL:0] rest = control[C-18-VL:0];
    wire is_sum = valid && (what == 5'd14 || what == 5'd7), is_turn = valid && what == 5'd10, is_relu = valid && what == 5'd15,
         is_silu = valid && what == 5'd13, is_angle = valid && what == 5'd9;

    // ---- a lane each; a pair of lanes turns ----
    genvar l;
    generate
        for (l = 0; l < VL; l = l + 1) begin : gen_lane
            wire [31:0] a = x[32*l +: 32], b = y[32*l +: 32];
            roma_fp_add #(.LATENCY(ADD)) sum (.clk(clk), .a(a), .b(b), .y(results[32*l +: 32]));
            roma_relu2 #(.MUL(MUL)) relu (.clk(clk), .gate(a), .up(b), .y(results[32*(2*VL+l) +: 32]));
        end
        for (l = 0; l < VL; l = l + 2) begin : gen_pair
            wire [31:0] a = x[32*l +: 32], b = x[32*l+32 +: 32];
            wire [31:0] y_a, y_b;
            wire keeps;
            wire [63:0] kept;
            roma_rotate #(.ADD(ADD), .MUL(MUL)) rotate (.clk(clk), .a(a), .b(b), .cosine(y[32*l +: 32]), .sine(y[32*l+32 +: 32]), .y_a(y_a), .y_b(y_b));
            roma_delay #(.W(65), .N(ADD + MUL)) keep (.clk(clk), .d({!turns[l/2], b, a}), .q({keeps, kept}));
            assign results[32*(VL+l) +: 64] = keeps ? kept : {y_b, y_a};
        end
    endgenerate

    // ---- gates and angles: in each phase some lanes, from the lowest ----
    wire [31:0] at = {24'd0, phase}, first_lane = at * VL / INTERVAL, next_lane = (at + 32'd1) * VL / INTERVAL;
    wire [31:0] of_address = at % PHASES, first_pair = of_address * (VL / 2) / PHASES, next_pair = (of_address + 32'd1) * (VL / 2) / PHASES;
    wire [31:0] address_of_row = at / PHASES;
    wire unused_high = ^address_of_row[31:16];
    wire [32*(VL+SILUS)-1:0] gates = {{32*SILUS{1'b0}}, x}, ups = {{32*SILUS{1'b0}}, y};
    wire [32*SILUS-1:0] gate_now = gates[32*first_lane +: 32*SILUS], up_now = ups[32*first_lane +: 32*SILUS];
    wire [VL-1:0] silu_lanes, angle_lanes;
    wire [32*SILUS-1:0] silus;
    wire [64*SINES-1:0] sines;
    generate
        for (l = 0; l < SILUS; l = l + 1) begin : gen_silu
            wire unused_done;
            roma_silu #(.ADD(ADD), .MUL(MUL), .CONVERT(CONVERT)) silu (
                .clk(clk), .reset(reset), .start(is_silu), .gate(gate_now[32*l +: 32]), .up(up_now[32*l +: 32]), .done(unused_done), .y(silus[32*l +: 32]));
        end
        for (l = 0; l < SINES; l = l + 1) begin : gen_sine
            wire [31:0] turn;
            roma_phase #(.POSITION(32), .LATENCY(MUL)) angle (.clk(clk), .position(position), .increment(increments[64*l +: 64]), .turn(turn));
            roma_sincos #(.ADD(ADD), .MUL(MUL), .CONVERT(CONVERT)) both (.clk(clk), .turn(turn), .sine(sines[64*l+32 +: 32]), .cosine(sines[64*l +: 32]));
        end
        for (l = 0; l < VL; l = l + 1) begin : gen_result
            // its turn, and which unit it then has
            localparam TURN = ((l + 1) * INTERVAL - 1) / VL, SILU_UNIT = l - TURN * VL / INTERVAL;
            localparam PAIR = l / 2, PAIR_TURN = ((PAIR + 1) * PHASES - 1) / (VL / 2), SINE_UNIT = PAIR - PAIR_TURN * (VL / 2) / PHASES;
            localparam [31:0] LANE = l, ITS_PAIR = PAIR;
            assign results[32*(3*VL+l) +: 32] = silus[32*SILU_UNIT +: 32];
            assign results[32*(4*VL+l) +: 32] = sines[32*(2*SINE_UNIT+l%2) +: 32];
            assign silu_lanes[l] = LANE >= first_lane && LANE < next_lane;
            assign angle_lanes[l] = ITS_PAIR >= first_pair && ITS_PAIR < next_pair;
        end
    endgenerate
    wire [15:0] angle_at = angle_address + address_of_row[15:0];

    // ---- what is written, with its results ----
    roma_delay #(.W(C + 1), .N(ADD)) late_sum (.clk(clk), .d({is_sum, control}), .q({write[0], writes[0 +: C]}));
    roma_delay #(.W(C + 1), .N(ADD + MUL)) late_turn (.clk(clk), .d({is_turn, control}), .q({write[1], writes[C +: C]}));
    roma_delay #(.W(C + 1), .N(2 * MUL)) late_relu (.clk(clk), .d({is_relu, control}), .q({write[2], writes[2*C +: C]}));
    roma_delay #(.W(C + 1), .N(SILU)) late_silu (.clk(clk), .d({is_silu, address, lanes & silu_lanes, last, rest}), .q({write[3], writes[3*C +: C]}));
    roma_delay #(.W(C + 1), .N(MUL + SINE)) late_sine (.clk(clk), .d({is_angle, angle_at, angle_lanes, last, rest}), .q({write[4], writes[4*C +: C]}));
endmodule
