/* The L-Units of a chip's matrix unit and the memories beside its core, as Verilog; in which style each of them is. */
#include "chip.h"
#include "internal.h"

#include <string.h>

static uint32_t number(double v) { return (uint32_t)v; }

uint32_t roma_rtl_chip_lunit_address(const rtl_chip *c) { return roma_rtl_address_bits(c->place->rom_words); }
uint32_t roma_rtl_chip_scale_address(const rtl_chip *c) { return bits_for(c->place->scale_words); }

/* ---- styles ---- */

const struct roma_rtl_other *roma_rtl_chip_other(const rtl_chip *c, uint32_t unit, uint32_t lunit) {
    for (size_t i = 0; i < c->styles->others; i++)
        if (c->styles->other[i].unit == unit && c->styles->other[i].lunit == lunit) return &c->styles->other[i];
    return NULL;
}

/* UNIT.LUNIT= at the begin of a word of so many characters; where its style begins, or 0. */
static size_t read_lunit(const char *word, size_t len, struct roma_rtl_other *out) {
    const char *dot = memchr(word, '.', len), *sign = memchr(word, '=', len);
    uint64_t unit, lunit;
    if (!dot || !sign || dot > sign || !roma_json_to_u64(word, (size_t)(dot - word), &unit) ||
        !roma_json_to_u64(dot + 1, (size_t)(sign - dot - 1), &lunit))
        return 0;
    out->unit = unit < UINT32_MAX ? (uint32_t)unit : UINT32_MAX;
    out->lunit = lunit < UINT32_MAX ? (uint32_t)lunit : UINT32_MAX;
    return (size_t)(sign + 1 - word);
}

/* A style's word, or `netlist`, which leaves the style as it is. */
static int read_word(roma_rtl_styles *s, const char *word, size_t len, roma_error *err) {
    struct roma_rtl_other one = {.style = s->style};
    char name[16];
    const size_t at = read_lunit(word, len, &one);
    roma_print(name, sizeof name, "%.*s", (int)(len - at), word + at);
    if (at && strcmp(name, "netlist") == 0)
        one.is_netlist = true;
    else {
        const int rc = roma_rtl_style_find(name, &one.style, err);
        if (rc) return rc;
    }
    if (!at) return s->style = one.style, ROMA_OK;
    if (s->others == ROMA_RTL_OTHERS_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--style takes at most %d L-Units by number",
                         ROMA_RTL_OTHERS_MAX);
    s->other[s->others++] = one;
    return ROMA_OK;
}

int roma_rtl_styles_read(roma_rtl_styles *s, const char *text, roma_error *err) {
    int rc = ROMA_OK;
    for (size_t len; !rc; text += len + 1) {
        len = strcspn(text, ",");
        rc = read_word(s, text, len, err);
        if (!text[len]) break;
    }
    return rc;
}

/* ---- Verilog ---- */

/* Bits of a sum: more with level tables. */
static uint32_t sum_bits(const roma_chip *p) { return (int)p->table ? number(p->table_bits) + 18 : 25; }

static void print_wires(const rtl_chip *c, roma_buf *out) {
    const roma_chip *p = &c->place->chip;
    const uint32_t n = number(p->lunits), g = number(p->lanes) / 8;
    roma_buf_print(out,
                   "    wire [%u:0] lunit_address;\n    wire [1:0] lunit_bits;\n    wire [%u:0] lunit_codes;\n"
                   "    wire [%u:0] lunit_shifts;\n    wire lunit_table;\n    wire [%u:0] lunit_levels;\n"
                   "    wire [%u:0] lunit_sums;\n    wire [%u:0] scale_address;\n    wire [%u:0] scale_word;\n",
                   roma_rtl_chip_lunit_address(c) - 1, 128 * n - 1, 6 * n - 1,
                   16 * ((int)p->table ? number(p->table_bits) : 8) - 1, sum_bits(p) * g * n - 1,
                   roma_rtl_chip_scale_address(c) - 1, number(p->scale_bits) - 1);
}

static void print_lunit(const rtl_chip *c, uint32_t unit, uint32_t i, roma_buf *out) {
    const roma_chip *p = &c->place->chip;
    const struct roma_rtl_other *other = roma_rtl_chip_other(c, unit, i);
    const uint32_t lanes = number(p->lanes), sums = sum_bits(p) * lanes / 8;
    char ports[160];
    roma_print(ports, sizeof ports,
               ".codes(lunit_codes[%u:%u]), .shifts(lunit_shifts[%u:%u]), .sums(lunit_sums[%u:%u])", 128 * i + 127,
               128 * i, 6 * i + 5, 6 * i, sums * (i + 1) - 1, sums * i);
    if ((other ? other->style : c->styles->style) == ROMA_RTL_FUSED) {
        roma_buf_print(out,
                       "    rom_%u_%u lunit_%u (.clk(clk), .addr(lunit_address), .bits(lunit_bits),\n        %s);\n",
                       unit, i, i, ports);
        return;
    }
    roma_buf_print(
        out, "    wire [%u:0] word_%u;\n    rom_%u_%u rom_%u (.clk(clk), .addr(lunit_address), .word(word_%u));\n",
        4 * lanes - 1, i, unit, i, i, i);
    if (other && other->is_netlist)
        roma_buf_print(out, "    lunit_%u_%u", unit, i);
    else if ((int)p->table)
        roma_buf_print(out, "    roma_lunit_any #(.LANES(%u), .LATENCY(%u), .TABLE(%u))", lanes,
                       number(p->lunit_pipeline) - 1, number(p->table_bits));
    else
        roma_buf_print(out, "    roma_lunit #(.LANES(%u), .LATENCY(%u))", lanes, number(p->lunit_pipeline) - 1);
    roma_buf_print(out, " lunit_%u (.clk(clk), .bits(lunit_bits), .word(word_%u),%s\n        %s);\n", i, i,
                   (int)p->table ? " .is_table(lunit_table), .levels(lunit_levels)," : "", ports);
}

void roma_rtl_chip_lunits(const rtl_chip *c, uint32_t unit, roma_buf *out) {
    const roma_chip *p = &c->place->chip;
    print_wires(c, out);
    for (uint32_t i = 0; i < number(p->lunits); i++) print_lunit(c, unit, i, out);
    roma_buf_print(out,
                   "    roma_rom_file #(.FILE(\"scales_%u.hex\"), .WORDS(%u), .W(%u), .A(%u)) scales (.clk(clk), "
                   ".addr(scale_address), .word(scale_word));\n",
                   unit, (uint32_t)c->place->scale_words, number(p->scale_bits), roma_rtl_chip_scale_address(c));
}
