/* The bench of a chip: its top beside probes at the ports of every tile's memories and units (rtl/cosim), whose lines
 * roma cosim reads. The chip takes nothing from the bench but the host's port. */
#include "chip.h"

static uint32_t number(double v) { return (uint32_t)v; }
static uint32_t rows_of_group(const rtl_chip *c) { return number(c->place->chip.lanes) / 8; }

/* Faults that a bench plants (docs/hardware.md): signals that are held while the fault is chosen, and memories of which
 * a bit is turned. They lie in the bench alone, behind a macro, so that a chip has none. */
static void print_faults(const rtl_chip *c, roma_buf *out) {
    const uint32_t g = rows_of_group(c), k = g > c->leaf_units ? g : c->leaf_units;
    roma_buf_print(out,
                   "`ifdef ROMA_FAULTS\n"
                   "    wire is_now = (fault_step == 32'd0 || step == fault_step) && cycle >= fault_from && cycle < "
                   "fault_to;\n"
                   "    localparam RES_INDEX = %u, RES_VALID = %u, CODE_VALID = CODES + 10;\n"
                   "    reg turned;\n    initial turned = 1'b0;\n"
                   "    always @(negedge clk) begin\n        turned <= fault != 8'd0;\n",
                   32 * k, 32 * k + 17);
    const roma_rtl_fault *f;
    for (unsigned i = 0; (f = roma_rtl_fault_at(i)); i++) {
        char where[80];
        const uint32_t n = f->is_matrix ? c->units : c->vectors, unit = f->unit < n ? f->unit : n - 1;
        roma_print(where, sizeof where, "chip.tile_%u.%s", c->tiles[f->is_matrix ? unit : c->units + unit], f->signal);
        if (f->how == ROMA_RTL_TURNED)
            roma_buf_print(out, "        if (fault == 8'd%u && !turned) %s = %s ^ %s;\n", i + 1, where, where,
                           f->value);
        else
            roma_buf_print(out, "        if (fault == 8'd%u && is_now) force %s = %s; else release %s;\n", i + 1, where,
                           f->value, where);
    }
    roma_buf_print(out, "    end\n`endif\n");
}

void roma_rtl_chip_bench(const rtl_chip *c, roma_buf *out) {
    roma_buf_print(
        out,
        "// The chip beside what looks at the ports of its memories and units (rtl/cosim).\n"
        "module bench (\n    input clk,\n    input reset,\n    input host_valid,\n    input [7:0] host_what,\n"
        "    input [47:0] host_address,\n    input [63:0] host_data,\n    input [7:0] fault,  // 0: none\n"
        "    input [31:0] fault_step, fault_from, fault_to,\n"
        "    output reg [31:0] step, cycle  // steps count from 1, cycles from 0\n);\n"
        "    wire unused_valid;\n    wire [7:0] unused_what;\n    wire [63:0] unused_data;\n"
        "    roma_chip chip (.clk(clk), .reset(reset), .host_valid(host_valid), .host_what(host_what), "
        ".host_address(host_address),\n        .host_data(host_data), .out_valid(unused_valid), "
        ".out_what(unused_what), .out_data(unused_data));\n"
        "    initial {step, cycle} = 64'd0;\n`ifdef ROMA_FLAT\n    localparam CODES = %u;\n"
        "    always @(posedge clk) begin\n"
        "        cycle <= chip.tile_%u.core.go ? 32'd0 : cycle + 32'd1;\n"
        "        if (chip.tile_%u.core.go && !reset) step <= step + 32'd1;\n    end\n`endif\n",
        number(c->place->chip.vector_lanes) / 8 * 67, c->tiles[c->units + c->root], c->tiles[c->units + c->root]);
    print_faults(c, out);
    roma_buf_print(out, "endmodule\n");
}
