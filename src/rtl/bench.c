/* The bench of a chip: its top beside probes at the ports of every tile's memories and units (rtl/cosim), whose lines
 * roma cosim reads. The chip takes nothing from the bench but the host's port. */
#include "chip.h"

static uint32_t number(double v) { return (uint32_t)v; }
static uint32_t rows_of_group(const rtl_chip *c) { return number(c->place->chip.lanes) / 8; }

static void print_vector(const rtl_chip *c, uint32_t v, roma_buf *out) {
    const uint32_t tile = c->tiles[c->units + v], g = rows_of_group(c);
    roma_buf_print(out,
                   "    roma_probe_vector #(.UNIT(%u), .ROOT(%d), .V(%u), .VL(%u), .U(%u), .K(%u), .KV(%u), .BB(%u), "
                   ".CODE(%u)) vector_%u (.clk(clk), .cycle(cycle)",
                   v, v == c->root, c->vectors, number(c->place->chip.vector_lanes), c->units,
                   g > c->leaf_units ? g : c->leaf_units, c->kv_heads, roma_rtl_chip_block_bits(c),
                   number(c->place->chip.lat_mul) + 3 + number(c->place->chip.lat_convert), v);
    static const char *const ports[][2] = {{"reading", "reading"},
                                           {"number", "number_now"},
                                           {"block", "block_now"},
                                           {"code_write", "code_write"},
                                           {"code_address", "code_at"},
                                           {"codes", "o_code[CODES-1:0]"},
                                           {"write", "write"},
                                           {"writes", "writes"},
                                           {"results", "results"},
                                           {"res_write", "res_write"},
                                           {"res_address", "res_address"},
                                           {"res_lane", "res_lane"},
                                           {"res", "i_res"},
                                           {"res_number", "arrivals.unused_number"},
                                           {"res_block", "arrivals.block"},
                                           {"att_write", "att_write"},
                                           {"att_here", "att_here"},
                                           {"att_address", "att_address"},
                                           {"att", "i_att"},
                                           {"att_number", "att_arrivals.unused_number"},
                                           {"att_block", "att_arrivals.block"},
                                           {"send_start", "sender.start"},
                                           {"sending", "sender.active"},
                                           {"send_number", "sender.unused_number"},
                                           {"send_block", "sender.block"},
                                           {"best", "i_best[56]"},
                                           {"out_valid", "out_valid"},
                                           {"out_data", "out_data"}};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        roma_buf_print(out, ",\n        .%s(chip.tile_%u.core.%s)", ports[i][0], tile, ports[i][1]);
    roma_buf_print(out, ");\n");
}

static void print_matrix(const rtl_chip *c, uint32_t u, roma_buf *out) {
    static const char *const ports[][2] = {{"reading", "reading"},
                                           {"number", "unused_number"},
                                           {"block", "unused_block"},
                                           {"codes_last", "i_code[CODES + 8]"},
                                           {"scale_valid", "i_scale[49]"},
                                           {"scale_row", "i_scale[39:32]"},
                                           {"scale", "i_scale[31:0]"},
                                           {"rows", "last_rows"},
                                           {"unit_rows", "units_rows"},
                                           {"index", "index"},
                                           {"results", "results"},
                                           {"asked", "hunit.asked"},
                                           {"attend_number", "hunit.unused_number"},
                                           {"attend_block", "hunit.unused_block"},
                                           {"page_reads", "hunit.reads"},
                                           {"page_write", "hunit.page_write"},
                                           {"page_parts", "hunit.page_parts"},
                                           {"page_address", "hunit.page_address"},
                                           {"page_word", "hunit.page_word"}};
    const roma_chip *p = &c->place->chip;
    uint32_t address = 0;
    while ((number(p->hunit_sram_bytes) / number(p->hunit_bandwidth) - 1) >> address) address++;
    roma_buf_print(out,
                   "    roma_probe_matrix #(.UNIT(%u), .G(%u), .BB(%u), .WIDE(%u), .A(%u)) matrix_%u (.clk(clk), "
                   ".cycle(cycle),\n        .logits(chip.tile_%u.core.result && chip.tile_%u.core.head_now)",
                   u, rows_of_group(c), roma_rtl_chip_block_bits(c), number(p->hunit_bandwidth), address, u,
                   c->tiles[u], c->tiles[u]);
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        roma_buf_print(out, ",\n        .%s(chip.tile_%u.core.%s)", ports[i][0], c->tiles[u], ports[i][1]);
    roma_buf_print(out, ");\n");
}

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
        "    localparam CODES = %u;\n    initial {step, cycle} = 64'd0;\n"
        "    always @(posedge clk) begin\n"
        "        cycle <= chip.tile_%u.core.go ? 32'd0 : cycle + 32'd1;\n"
        "        if (chip.tile_%u.core.go && !reset) step <= step + 32'd1;\n    end\n",
        number(c->place->chip.vector_lanes) / 8 * 67, c->tiles[c->units + c->root], c->tiles[c->units + c->root]);
    for (uint32_t v = 0; v < c->vectors; v++) print_vector(c, v, out);
    for (uint32_t u = 0; u < c->units; u++) print_matrix(c, u, out);
    print_faults(c, out);
    roma_buf_print(out, "endmodule\n");
}
