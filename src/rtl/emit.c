/* Writes ROMs as Verilog-2005 (docs/rom-emission.md). What is written is read by three parsers without a warning; the
 * `line directive gives messages the module's name, since the file's is fixed. */
#include "internal.h"

#include <string.h>

enum { GROUP = 4, LINES = 16, TELL_EVERY = 4096 };

typedef struct {
    const roma_rtl_words *w;
    const roma_rtl_sink *v;
    roma_buf line;
    uint32_t address_bits;
    roma_rtl_counts *n;
} writer;

static int flush(writer *x, const roma_rtl_sink *to, roma_error *err) {
    if (x->line.failed) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a line of the ROM");
    const int rc = to->write(to->ctx, x->line.data, x->line.len, err);
    x->line.len = 0;
    return rc;
}

/* Bits of an address: at least 2, so that a group of four has a place. */
uint32_t roma_rtl_address_bits(uint64_t words) {
    uint32_t bits = 2;
    while (words > UINT64_C(1) << bits) bits++;
    return bits;
}

static void hex(roma_buf *b, const uint32_t *word, uint32_t width) {
    static const char digits[] = "0123456789abcdef";
    char text[8 * ROMA_RTL_WORD_PIECES];
    for (uint32_t i = 0; i < width / 4; i++) text[width / 4 - 1 - i] = digits[word[i / 8] >> (i % 8 * 4) & 15];
    roma_buf_append(b, text, width / 4);
}

/* The words of a ROM in order, each counted; addresses behind the last are zero. */
static void word_at(writer *x, uint64_t address, uint32_t *out) {
    memset(out, 0, ROMA_RTL_WORD_PIECES * sizeof *out);
    if (address >= x->w->words) return;
    x->w->word(x->w->ctx, address, out);
    for (uint32_t i = 0; i < x->w->width / 32; i++) x->n->ones += (uint64_t)__builtin_popcount(out[i]);
}

static int tell(const writer *x, const roma_progress *progress, uint64_t address) {
    return address % TELL_EVERY ? ROMA_OK : roma_progress_tell(progress, "writing the ROM", address, x->w->words);
}

/* ---- what all styles have ---- */

static const char *name_of(const writer *x) { return x->w->name ? x->w->name : "roma_rom"; }

static int head(writer *x, const char *what, roma_error *err) {
    roma_buf_print(&x->line,
                   "// %s: %llu words of %u bits, written by roma rtl (docs/rom-emission.md).\n"
                   "`line 3 \"%s.v\" 0\n"
                   "module %s(input clk, input [%u:0] addr, output [%u:0] word);\n"
                   "    reg [%u:0] q;\n    assign word = q;\n",
                   what, (unsigned long long)x->w->words, x->w->width, name_of(x), name_of(x), x->address_bits - 1,
                   x->w->width - 1, x->w->width - 1);
    return flush(x, x->v, err);
}

/* The same of a ROM with the L-Unit of rtl/roma_lunit.v, whose sums of a row take 25 bits. */
static int fused_head(writer *x, roma_error *err) {
    const uint32_t width = x->w->width, bits = x->w->lane_bits;
    const char *name = x->w->name ? x->w->name : "roma_fused";
    roma_buf_print(&x->line,
                   "// fused: %llu words of %u bits and their L-Unit, written by roma rtl (docs/rom-emission.md).\n"
                   "`line 3 \"%s.v\" 0\n"
                   "module %s(input clk, input [%u:0] addr, %sinput [127:0] codes, input [5:0] shifts, "
                   "output [%u:0] sums);\n    reg [%u:0] q;\n",
                   (unsigned long long)x->w->words, width, name, name, x->address_bits - 1,
                   bits ? "" : "input [1:0] bits, ", width / 32 * 25 - 1, width - 1);
    roma_buf_print(&x->line,
                   "    roma_lunit #(.LANES(%u), .LATENCY(%u)) lunit(.clk(clk), .bits(%s), .word(q), .codes(codes), "
                   ".shifts(shifts), .sums(sums));\n",
                   width / 4, x->w->latency ? x->w->latency : 2,
                   bits == 0   ? "bits"
                   : bits == 2 ? "2'd0"
                   : bits == 4 ? "2'd1"
                               : "2'd2");
    return flush(x, x->v, err);
}

static int end_case(writer *x, roma_error *err) {
    static const uint32_t zero[ROMA_RTL_WORD_PIECES];
    roma_buf_print(&x->line, "            default: q <= %u'h", x->w->width);
    hex(&x->line, zero, x->w->width);
    roma_buf_print(&x->line, ";\n        endcase\nendmodule\n");
    return flush(x, x->v, err);
}

/* ---- array ---- */

static int array(writer *x, const roma_rtl_sink *file, const roma_progress *progress, roma_error *err) {
    uint32_t word[ROMA_RTL_WORD_PIECES];
    const unsigned long long words = x->w->words, depth = 1ull << x->address_bits;
    int rc = head(x, "array", err);
    roma_buf_print(&x->line,
                   "    parameter FILE = \"%s.hex\";\n"
                   "    reg [%u:0] rom [0:%llu];\n"
                   "    integer i;\n"
                   "    initial begin\n"
                   "        for (i = %llu; i < %llu; i = i + 1) rom[i] = %u'h0;\n"
                   "        $readmemh(FILE, rom, 0, %llu);\n"
                   "    end\n"
                   "    always @(posedge clk) q <= rom[addr];\n"
                   "endmodule\n",
                   x->w->name ? x->w->name : "rom", x->w->width - 1, depth - 1, words, depth, x->w->width, words - 1);
    if (!rc) rc = flush(x, x->v, err);
    for (uint64_t a = 0; !rc && a < words; a++) {
        word_at(x, a, word);
        hex(&x->line, word, x->w->width);
        roma_buf_append(&x->line, "\n", 1);
        rc = tell(x, progress, a);
        if (!rc && file) rc = flush(x, file, err);
        if (!file) x->line.len = 0;
    }
    return rc;
}

/* ---- case ---- */

static int logic(writer *x, const roma_progress *progress, roma_error *err) {
    uint32_t word[ROMA_RTL_WORD_PIECES];
    int rc = head(x, "case", err);
    roma_buf_print(&x->line, "    always @(posedge clk)\n        case (addr)\n");
    for (uint64_t a = 0; !rc && a < x->w->words; a++) {
        word_at(x, a, word);
        roma_buf_print(&x->line, "            %u'h%0*llx: q <= %u'h", x->address_bits, (int)(x->address_bits + 3) / 4,
                       (unsigned long long)a, x->w->width);
        hex(&x->line, word, x->w->width);
        roma_buf_append(&x->line, ";\n", 2);
        rc = tell(x, progress, a);
        if (!rc) rc = flush(x, x->v, err);
    }
    return rc ? rc : end_case(x, err);
}

/* ---- B-ROM ---- */

/* What bit `bit` holds at the four addresses of a group: the number of the line that its device selects. */
static unsigned pattern(uint32_t word[GROUP][ROMA_RTL_WORD_PIECES], uint32_t bit) {
    unsigned line = 0;
    for (unsigned a = 0; a < GROUP; a++) line |= (word[a][bit / 32] >> bit % 32 & 1) << a;
    return line;
}

static void group_at(writer *x, uint64_t group, uint32_t word[GROUP][ROMA_RTL_WORD_PIECES]) {
    for (unsigned a = 0; a < GROUP; a++) word_at(x, GROUP * group + a, word[a]);
}

/* Lines that some bit takes; a line that nobody takes is not drawn. Counts devices. */
static int find_lines(writer *x, const roma_progress *progress, bool used[LINES]) {
    uint32_t word[GROUP][ROMA_RTL_WORD_PIECES];
    int rc = ROMA_OK;
    for (uint64_t g = 0; !rc && g < (x->w->words + GROUP - 1) / GROUP; g++) {
        group_at(x, g, word);
        for (uint32_t bit = 0; bit < x->w->width; bit++) {
            const unsigned line = pattern(word, bit);
            used[line] = true;
            x->n->devices += line != 0;
        }
        rc = tell(x, progress, GROUP * g);
    }
    x->n->ones = 0; /* counted again when the words are written */
    return rc;
}

/* Line k is bit addr[1:0] of k. */
static int lines(writer *x, const bool used[LINES], roma_error *err) {
    roma_buf_print(&x->line, "    wire [3:0] at = 4'b0001 << addr[1:0];\n");
    for (unsigned k = 0; k < LINES; k++) {
        if (!used[k]) continue;
        roma_buf_print(&x->line, "    wire c%x = |(4'h%x & at);\n", k, k);
        x->n->lines += k != 0;
    }
    roma_buf_print(&x->line, "    always @(posedge clk)\n");
    if (x->address_bits > 2) roma_buf_print(&x->line, "        case (addr[%u:2])\n", x->address_bits - 1);
    return flush(x, x->v, err);
}

static void selects(writer *x, uint32_t word[GROUP][ROMA_RTL_WORD_PIECES]) {
    static const char digits[] = "0123456789abcdef";
    for (uint32_t bit = x->w->width; bit-- > 0;) {
        const char select[3] = {'c', digits[pattern(word, bit)], bit ? ',' : '}'};
        roma_buf_append(&x->line, select, 3);
    }
    roma_buf_append(&x->line, ";\n", 2);
}

static int brom(writer *x, bool fused, const roma_progress *progress, roma_error *err) {
    uint32_t word[GROUP][ROMA_RTL_WORD_PIECES];
    bool used[LINES] = {false};
    const uint32_t bits = x->address_bits - 2;
    int rc = fused ? fused_head(x, err) : head(x, "B-ROM", err);
    if (!rc) rc = find_lines(x, progress, used);
    if (!rc) rc = lines(x, used, err);
    for (uint64_t g = 0; !rc && g < (x->w->words + GROUP - 1) / GROUP; g++) {
        group_at(x, g, word);
        if (bits)
            roma_buf_print(&x->line, "            %u'h%0*llx: q <= {", bits, (int)(bits + 3) / 4,
                           (unsigned long long)g);
        else
            roma_buf_print(&x->line, "        q <= {");
        selects(x, word);
        rc = tell(x, progress, GROUP * g);
        if (!rc) rc = flush(x, x->v, err);
    }
    if (rc || bits) return rc ? rc : end_case(x, err);
    roma_buf_print(&x->line, "endmodule\n");
    return flush(x, x->v, err);
}

/* ---- any of them ---- */

static int write_style(writer *x, roma_rtl_style style, const roma_rtl_sink *file, const roma_progress *progress,
                       roma_error *err) {
    switch (style) {
    case ROMA_RTL_ARRAY: return array(x, file, progress, err);
    case ROMA_RTL_CASE: return logic(x, progress, err);
    case ROMA_RTL_BROM: return brom(x, false, progress, err);
    case ROMA_RTL_FUSED: return brom(x, true, progress, err);
    }
    return ROMA_EINTERNAL;
}

int roma_rtl_verilog(const roma_rtl_words *w, roma_rtl_style style, const roma_rtl_sink *v, const roma_rtl_sink *hex,
                     const roma_progress *progress, roma_rtl_counts *out, roma_error *err) {
    const uint32_t address_bits = roma_rtl_address_bits(w->words);
    *out = (roma_rtl_counts){.style = style, .width = w->width, .address_bits = address_bits, .words = w->words};
    writer x = {.w = w, .v = v, .address_bits = address_bits, .n = out};
    int rc = write_style(&x, style, hex, progress, err);
    if (rc == ROMA_ECANCEL) rc = roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
    roma_buf_destroy(&x.line);
    return rc;
}
