// What the root has beside a vector unit: the scales of activations, which go to all matrix units, the choice of the token, and the
// host's port.
//   factor_done   a row's scale is there, of QUANTISE whole; a NORM's is multiplied by 1/rms, whose sum of squares comes on `sum`
//   o_scale       valid, soon, row of `soon` 8, row 8, scale 32: `soon` with the sum, rms and a product before the scale itself; with that of
//                 QUANTISE
//   over          a step without logits has ended
//   host_what     0: host_data is word host_address of the next step; 1: begin the step; 2: host_data for a matrix unit's memory of
//                 adapters, host_address {unit 16, address 32}
//   out_what      0: the token of the step's last row in the low bits of out_data, bit 32: a logit is a NaN, bit 33: there is none; 1: a step without logits is over
module roma_root #(
    parameter ADD = 3,
    parameter MUL = 3,
    parameter CONVERT = 2,
    parameter DIV_INTERVAL = 4,
    parameter ROWS = 4
) (
    input clk,
    input reset,
    input is_norm,
    input factor_done,
    input [7:0] factor_row,
    input [31:0] scale,
    input [32*ROWS-1:0] norm_scales,
    input [64:0] sum,
    input [7:0] sum_row,
    input [30:0] largest,
    input [31:0] inverse_n,
    input [31:0] epsilon,
    input over,
    output [49:0] o_scale,
    input [56:0] i_best,
    input host_valid,
    input [7:0] host_what,
    input [47:0] host_address,
    input [63:0] host_data,
    output [73:0] o_step,
    output [112:0] o_load,
    output out_valid,
    output [7:0] out_what,
    output [63:0] out_data
);
    localparam RMS = CONVERT + MUL + ADD + 30;
    wire inverse_done, whole_done;
    wire [31:0] inverse, its_scale, whole;
    wire [7:0] whole_row;
    roma_rms #(.INTERVAL(DIV_INTERVAL), .ADD(ADD), .MUL(MUL), .CONVERT(CONVERT)) rms (
        .clk(clk), .reset(reset), .start(sum[64]), .squares(sum[63:0]), .largest(largest), .inverse_n(inverse_n), .epsilon(epsilon), .done(inverse_done), .y(inverse));
    wire [7:0] its_row;  // its scale may be known after its sum, and always before 1/rms
    roma_delay #(.W(8), .N(RMS)) keep_row (.clk(clk), .d(sum_row), .q(its_row));
    assign its_scale = norm_scales[32*its_row +: 32];
    roma_fp_mul #(.LATENCY(MUL)) mul (.clk(clk), .a(its_scale), .b(inverse), .y(whole));
    roma_delay #(.W(1), .N(MUL)) late_whole (.clk(clk), .d(inverse_done && !reset), .q(whole_done));
    roma_delay #(.W(8), .N(MUL)) keep_whole (.clk(clk), .d(its_row), .q(whole_row));
    wire is_quantised = factor_done && !is_norm;
    assign o_scale = {is_quantised || whole_done, is_quantised || sum[64], is_quantised ? factor_row : sum_row, whole_done ? whole_row : factor_row, whole_done ? whole : scale};

    wire [23:0] id;
    wire is_nan, is_none;
    roma_choice #(.ID(24)) choice (.key(i_best[55:0]), .id(id), .is_nan(is_nan), .is_none(is_none));
    assign {out_valid, out_what, out_data} = {i_best[56] || over, 7'd0, over, 30'd0, is_none, is_nan, 8'd0, id};

    assign o_step = {host_valid && host_what == 8'd1, host_valid && host_what == 8'd0, host_address[7:0], host_data};
    assign o_load = {host_valid && host_what == 8'd2, host_address, host_data};
endmodule
