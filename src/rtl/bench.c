/* The bench of a chip, whose cores' probes (rtl/cosim) write lines that roma cosim reads, and the faults that a
 * simulation can plant. A chip has neither: both stand behind macros. */
#include "chip.h"

#include <string.h>

static uint32_t number(double v) { return (uint32_t)v; }
static uint32_t rows_of_group(const rtl_chip *c) { return number(c->place->chip.lanes) / 8; }

/* ---- faults ---- */

/* What is below a core, which a simulator may keep to itself, is planted by statements inside the core. */
static const char *in_core(const roma_rtl_fault *f) {
    return strncmp(f->signal, "core.", 5) == 0 ? f->signal + 5 : NULL;
}

/* A signal is let go once, behind its window: a simulator may put the held value into a signal that it lets go. */
static void print_fault(const roma_rtl_fault *f, unsigned number, const char *when, const char *tile, roma_buf *out) {
    const char *signal = in_core(f) ? in_core(f) : f->signal, *of_value = f->value[0] == '.' ? tile : "";
    const char *dot = tile[0] ? "." : "";
    if (f->is_turned)
        roma_buf_print(out, "        if (fault == %u && !turned%s) %s%s%s = %s%s%s ^ %s;\n", number, when, tile, dot,
                       signal, tile, dot, signal, f->value);
    else
        roma_buf_print(out,
                       "        if (fault == %u && is_now%s) force %s%s%s = %s%s;\n"
                       "        else if (fault == %u && was_now%s) release %s%s%s;\n",
                       number, when, tile, dot, signal, of_value, f->value, number, when, tile, dot, signal);
}

/* Numbers that the command line of a simulator has: +fault=N +fault_step=S (0: all; from 1) +fault_from=A +fault_to=B.
 */
static void print_window(const char *go, roma_buf *out) {
    roma_buf_print(
        out,
        "    integer fault, fault_step, fault_from, fault_to, fault_now, fault_cycle;\n    reg turned, was_now;\n"
        "    wire is_now = (fault_step == 0 || fault_step == fault_now) && fault_cycle >= fault_from && "
        "fault_cycle < fault_to;\n    initial begin\n        {turned, was_now} = 2'b00;\n"
        "        fault_now = 0;\n        fault_cycle = 0;\n"
        "        if (!$value$plusargs(\"fault=%%d\", fault)) fault = 0;\n"
        "        if (!$value$plusargs(\"fault_step=%%d\", fault_step)) fault_step = 0;\n"
        "        if (!$value$plusargs(\"fault_from=%%d\", fault_from)) fault_from = 0;\n"
        "        if (!$value$plusargs(\"fault_to=%%d\", fault_to)) fault_to = 2147483647;\n    end\n"
        "    always @(posedge clk) begin\n        fault_cycle <= %s ? 0 : fault_cycle + 1;\n"
        "        if (%s && !reset) fault_now <= fault_now + 1;\n    end\n"
        "    always @(negedge clk) begin\n        turned <= fault != 0;\n        was_now <= is_now;\n",
        go, go);
}

void roma_rtl_chip_faults(const rtl_chip *c, bool is_matrix, roma_buf *out) {
    const uint32_t n = is_matrix ? c->units : c->vectors;
    const roma_rtl_fault *f;
    roma_buf_print(out, "    // Faults of a simulation, one chosen by its command line.\n");
    print_window("i_step[73]", out);
    for (unsigned i = 0; (f = roma_rtl_fault_at(i)); i++) {
        char when[40];
        if (!in_core(f) || f->is_matrix != is_matrix) continue;
        roma_print(when, sizeof when, " && unit == %u", f->unit < n ? f->unit : n - 1);
        print_fault(f, i + 1, when, "", out);
    }
    roma_buf_print(out, "    end\n");
}

/* Faults of what stands beside the cores. */
static void print_faults(const rtl_chip *c, roma_buf *out) {
    const uint32_t g = rows_of_group(c), k = g > c->leaf_units ? g : c->leaf_units;
    const roma_rtl_fault *f;
    const roma_hyper *h = &c->place->plan->desc->hyper;
    roma_buf_print(
        out, "`ifdef ROMA_FAULTS\n    localparam RES_INDEX = %u, RES_VALID = %u, CODE_VALID = %u, PEAK_VALID = %u;\n",
        32 * k, 32 * k + 17, number(c->place->chip.vector_lanes) / 8 * 67 + 10, 32 * (h->heads / h->kv_heads));
    print_window("go", out);
    for (unsigned i = 0; (f = roma_rtl_fault_at(i)); i++) {
        char where[80];
        const uint32_t n = f->is_matrix ? c->units : c->vectors, unit = f->unit < n ? f->unit : n - 1;
        if (in_core(f) || !roma_rtl_fault_fits(f, unit, c->styles)) continue;
        roma_print(where, sizeof where, "chip.tile_%u", c->tiles[f->is_matrix ? unit : c->units + unit]);
        print_fault(f, i + 1, "", where, out);
    }
    roma_buf_print(out, "    end\n`endif\n");
}

/* ---- the bench ---- */

void roma_rtl_chip_bench(const rtl_chip *c, roma_buf *out) {
    roma_buf_print(
        out,
        "// The chip for a simulation: what its cores' probes see is written out (rtl/cosim).\n"
        "module bench (\n    input clk,\n    input reset,\n    input host_valid,\n    input [7:0] host_what,\n"
        "    input [47:0] host_address,\n    input [63:0] host_data,\n"
        "    output reg [31:0] step, cycle  // steps count from 1, cycles from 0: for waveforms\n);\n"
        "    // In registers: a simulator looks at all that hangs on its inputs at both edges of the clock.\n"
        "    reg in_reset, in_valid;\n    reg [7:0] in_what;\n    reg [47:0] in_address;\n    reg [63:0] in_data;\n"
        "    always @(posedge clk) {in_reset, in_valid, in_what, in_address, in_data} <=\n"
        "        {reset, host_valid, host_what, host_address, host_data};\n"
        "    wire unused_valid;\n    wire [7:0] unused_what;\n    wire [63:0] unused_data;\n"
        "    roma_chip chip (.clk(clk), .reset(in_reset), .host_valid(in_valid), .host_what(in_what), "
        ".host_address(in_address),\n        .host_data(in_data), .out_valid(unused_valid), "
        ".out_what(unused_what), .out_data(unused_data));\n"
        "    wire go = go_late[%u];\n    reg [31:0] go_late;\n    initial {step, cycle} = 64'd0;\n"
        "    always @(posedge clk) begin\n"
        "        go_late <= {go_late[30:0], !in_reset && in_valid && in_what == 8'd1};\n"
        "        cycle <= go ? 32'd0 : cycle + 32'd1;\n"
        "        if (go && !in_reset) step <= step + 32'd1;\n    end\n",
        c->span - 1);
    print_faults(c, out);
    roma_buf_print(out, "endmodule\n");
}
