/* Reads rom.v and rom.hex of each style (docs/rom-emission.md). The texts are as hostile as any file: nothing is taken
 * for granted but what was compared. */
#include "read.h"

#include <string.h>

enum { GROUP = 4, SHOWN = 40 };

/* ---- tokens ---- */

int roma_rtl_read_fail(const rtl_text *t, const char *fmt, ...) {
    char text[480];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail_line(t->err, ROMA_EDAMAGED, t->file, t->token_line, "%s", text);
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Letters, digits, and what joins them in names and literals. */
static bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '\'' ||
           c == '$';
}

static void skip(rtl_text *t) {
    for (; t->p < t->end && is_blank(*t->p); t->p++) t->line += *t->p == '\n';
}

static void next(rtl_text *t) {
    skip(t);
    t->token = t->p;
    t->token_line = t->line;
    if (t->p < t->end && is_word(*t->p)) {
        while (t->p < t->end && is_word(*t->p)) t->p++;
    } else if (t->p < t->end && *t->p == '"') {
        do t->p++;
        while (t->p < t->end && *t->p != '"' && *t->p != '\n');
        if (t->p < t->end && *t->p == '"') t->p++;
    } else if (t->p < t->end) {
        t->p++;
    }
    t->len = (size_t)(t->p - t->token);
}

/* Reads the tokens of a text of ours, which has no more than fits. */
static int expect(rtl_text *t, const char *fmt, ...) {
    char want[256], shown[SHOWN + 24];
    ROMA_PRINT_ARGS(want, fmt);
    rtl_text w = {.p = want, .end = want + strlen(want)};
    for (next(&w); w.len; next(&w)) {
        next(t);
        if (t->len == w.len && memcmp(t->token, w.token, w.len) == 0) continue;
        return roma_rtl_read_fail(t, "'%.*s' should stand here, not '%s'", (int)w.len, w.token,
                                  roma_error_name(shown, sizeof shown, t->token, t->len < SHOWN ? t->len : SHOWN));
    }
    return ROMA_OK;
}

static bool stands(const rtl_text *t, const char *text) {
    rtl_text peek = *t;
    next(&peek);
    return peek.len == strlen(text) && memcmp(peek.token, text, peek.len) == 0;
}

static int hex_digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

/* `bits` bits as digits, every one of them, of a token; lowest pieces first. */
static int digits(const rtl_text *t, const char *p, size_t n, uint32_t bits, uint32_t *out) {
    memset(out, 0, (bits + 31) / 32 * sizeof *out);
    bool ok = n == (bits + 3) / 4;
    for (size_t i = 0; ok && i < n; i++) {
        const int v = hex_digit(p[n - 1 - i]);
        ok = v >= 0 && (4 * i + 4 <= bits || v >> (bits - 4 * i) == 0);
        if (ok) out[i / 8] |= (uint32_t)v << (i % 8 * 4);
    }
    return ok ? ROMA_OK
              : roma_rtl_read_fail(t, "%u bits as %u lower-case digits should stand here", bits, (bits + 3) / 4);
}

/* A literal of so many bits, N'h... */
static int literal(rtl_text *t, uint32_t bits, uint32_t *out) {
    char size[16];
    const size_t n = (size_t)roma_print(size, sizeof size, "%u'h", bits);
    next(t);
    if (t->len < n || memcmp(t->token, size, n) != 0)
        return roma_rtl_read_fail(t, "a literal of %u bits should stand here", bits);
    return digits(t, t->token + n, t->len - n, bits, out);
}

/* ---- before the words ---- */

static int begin_array(rtl_rom *r) {
    const unsigned long long depth = 1ull << r->address_bits, words = r->words;
    int rc = expect(&r->v, "parameter FILE = \"rom.hex\"; reg [%u:0] rom [0:%llu]; integer i; initial begin",
                    r->width - 1, depth - 1);
    if (!rc) rc = expect(&r->v, "for (i = %llu; i < %llu; i = i + 1) rom[i] = %u'h0;", words, depth, r->width);
    if (!rc) rc = expect(&r->v, "$readmemh(FILE, rom, 0, %llu); end", words - 1);
    return rc ? rc : expect(&r->v, "always @(posedge clk) q <= rom[addr]; endmodule");
}

/* wire cK = |(4'hK & at): what the line is at an address of a group is a bit of its literal, whatever its name. */
static int line(rtl_rom *r) {
    uint32_t truth;
    next(&r->v);
    const int k = r->v.len == 2 && r->v.token[0] == 'c' ? hex_digit(r->v.token[1]) : -1;
    if (k < 0 || r->declared[k])
        return roma_rtl_read_fail(&r->v, "the name of another candidate line should stand here");
    int rc = expect(&r->v, "= | (");
    if (!rc) rc = literal(&r->v, 4, &truth);
    if (rc) return rc;
    r->declared[k] = true;
    r->truth[k] = truth;
    return expect(&r->v, "& at);");
}

static int begin_brom(rtl_rom *r) {
    int rc = expect(&r->v, "wire [3:0] at = 4'b0001 << addr[1:0];");
    while (!rc && stands(&r->v, "wire")) {
        next(&r->v);
        rc = line(r);
    }
    if (!rc) rc = expect(&r->v, "always @(posedge clk)");
    if (rc || r->address_bits == 2) return rc;
    return expect(&r->v, "case (addr[%u:2])", r->address_bits - 1);
}

/* The one comment. Others are refused: tools take orders from comments, as `// synopsys translate_off`. */
static int first_line(rtl_rom *r) {
    static const char *const named[] = {
        [ROMA_RTL_ARRAY] = "array", [ROMA_RTL_CASE] = "case", [ROMA_RTL_BROM] = "B-ROM", [ROMA_RTL_FUSED] = "fused"};
    char want[120];
    rtl_text *v = &r->v;
    const size_t n = (size_t)roma_print(
        want, sizeof want, "// %s: %llu words of %u bits%s, written by roma rtl (docs/rom-emission.md).",
        named[r->style], (unsigned long long)r->words, r->width, r->style == ROMA_RTL_FUSED ? " and their L-Unit" : "");
    if ((size_t)(v->end - v->p) <= n || memcmp(v->p, want, n) != 0 || !is_blank(v->p[n]))
        return roma_rtl_read_fail(v, "the first line should be '%s'", want);
    v->p += n;
    return ROMA_OK;
}

/* Module, ports, and of a fused block the L-Unit, which has the word, and whose codes have so many bits. */
static int head(rtl_rom *r) {
    rtl_text *v = &r->v;
    const uint32_t a = r->address_bits - 1, w = r->width - 1;
    const int first = first_line(r);
    if (first) return first;
    if (r->style != ROMA_RTL_FUSED) {
        const int rc = expect(
            v, "`line 3 \"roma_rom.v\" 0 module roma_rom(input clk, input [%u:0] addr, output [%u:0] word);", a, w);
        return rc ? rc : expect(v, "reg [%u:0] q; assign word = q;", w);
    }
    int rc = expect(v, "`line 3 \"roma_fused.v\" 0 module roma_fused(input clk, input [%u:0] addr,", a);
    if (!rc) rc = expect(v, "input [127:0] codes, input [5:0] shifts, output [%u:0] sums);", r->width / 32 * 25 - 1);
    if (!rc) rc = expect(v, "reg [%u:0] q; roma_lunit #(.LANES(%u), .LATENCY(2)) lunit(.clk(clk),", w, r->width / 4);
    const unsigned code = r->lane_bits == 2 ? 0 : r->lane_bits == 4 ? 1 : 2;
    return rc ? rc : expect(v, ".bits(2'd%u), .word(q), .codes(codes), .shifts(shifts), .sums(sums));", code);
}

int roma_rtl_read_begin(rtl_rom *r) {
    r->v.line = r->v.token_line = r->hex.line = r->hex.token_line = 1;
    const int rc = head(r);
    if (rc) return rc;
    switch (r->style) {
    case ROMA_RTL_ARRAY: return begin_array(r);
    case ROMA_RTL_CASE: return expect(&r->v, "always @(posedge clk) case (addr)");
    case ROMA_RTL_BROM:
    case ROMA_RTL_FUSED: return begin_brom(r);
    }
    return ROMA_EINTERNAL;
}

/* ---- words ---- */

/* The label of a branch, which must be the next number: a branch that is missing or stands twice would be another ROM.
 */
static int label(rtl_rom *r, uint32_t bits, uint64_t number) {
    uint32_t got = 0;
    const int rc = literal(&r->v, bits, &got);
    if (rc) return rc;
    if (got != number)
        return roma_rtl_read_fail(&r->v, "the branch of 0x%llx should stand here", (unsigned long long)number);
    return expect(&r->v, ": q <=");
}

static int select_line(rtl_rom *r, uint32_t bit) {
    next(&r->v);
    const int k = r->v.len == 2 && r->v.token[0] == 'c' ? hex_digit(r->v.token[1]) : -1;
    if (k < 0 || !r->declared[k])
        return roma_rtl_read_fail(&r->v, "bit %u should select a candidate line that is there", bit);
    for (unsigned a = 0; a < GROUP; a++) r->word[a][bit / 32] |= (uint32_t)(r->truth[k] >> a & 1) << bit % 32;
    r->devices += r->truth[k] != 0;
    r->selected[k] = true;
    return expect(&r->v, bit ? "," : "};");
}

static int read_group(rtl_rom *r) {
    memset(r->word, 0, sizeof r->word);
    int rc = r->address_bits > 2 ? label(r, r->address_bits - 2, r->at / GROUP) : expect(&r->v, "q <=");
    if (!rc) rc = expect(&r->v, "{");
    for (uint32_t bit = r->width; !rc && bit-- > 0;) rc = select_line(r, bit);
    return rc;
}

static int read_hex(rtl_rom *r, uint32_t *out) {
    rtl_text *t = &r->hex;
    t->token = t->p;
    t->token_line = t->line;
    while (t->p < t->end && *t->p != '\n') t->p++;
    if (t->p == t->end) return roma_rtl_read_fail(t, "a word and the end of a line should stand here");
    t->len = (size_t)(t->p++ - t->token);
    t->line++;
    return digits(t, t->token, t->len, r->width, out);
}

static int read_branch(rtl_rom *r, uint32_t *out) {
    int rc = label(r, r->address_bits, r->at);
    if (!rc) rc = literal(&r->v, r->width, out);
    return rc ? rc : expect(&r->v, ";");
}

int roma_rtl_read_word(rtl_rom *r, uint32_t *out) {
    int rc = ROMA_OK;
    memset(out, 0, ROMA_RTL_WORD_PIECES * sizeof *out);
    switch (r->style) {
    case ROMA_RTL_ARRAY: rc = read_hex(r, out); break;
    case ROMA_RTL_CASE: rc = read_branch(r, out); break;
    case ROMA_RTL_BROM:
    case ROMA_RTL_FUSED:
        if (r->at % GROUP == 0) rc = read_group(r);
        memcpy(out, r->word[r->at % GROUP], sizeof r->word[0]);
        break;
    }
    r->at += !rc;
    return rc;
}

/* ---- behind the words ---- */

static int end_padding(rtl_rom *r) {
    for (; r->at % GROUP; r->at++)
        for (unsigned i = 0; i < ROMA_RTL_WORD_PIECES; i++)
            if (r->word[r->at % GROUP][i])
                return roma_rtl_read_fail(&r->v, "padding at address 0x%llx is not zero", (unsigned long long)r->at);
    for (unsigned k = 0; k < 16; k++) r->lines += r->selected[k] && r->truth[k];
    return ROMA_OK;
}

static int end_case(rtl_rom *r) {
    uint32_t rest[ROMA_RTL_WORD_PIECES];
    int rc = expect(&r->v, "default: q <=");
    if (!rc) rc = literal(&r->v, r->width, rest);
    for (uint32_t i = 0; !rc && i < r->width / 32; i++)
        if (rest[i]) rc = roma_rtl_read_fail(&r->v, "the word of other addresses is not zero");
    return rc ? rc : expect(&r->v, "; endcase endmodule");
}

static int expect_end(rtl_text *t) {
    next(t);
    return t->len ? roma_rtl_read_fail(t, "the file should end here") : ROMA_OK;
}

int roma_rtl_read_end(rtl_rom *r) {
    const bool grouped = r->style == ROMA_RTL_BROM || r->style == ROMA_RTL_FUSED;
    int rc = grouped ? end_padding(r) : ROMA_OK;
    if (!rc && r->style == ROMA_RTL_ARRAY) {
        r->hex.token_line = r->hex.line;
        if (r->hex.p < r->hex.end) rc = roma_rtl_read_fail(&r->hex, "the file should end here");
    } else if (!rc) {
        rc = grouped && r->address_bits == 2 ? expect(&r->v, "endmodule") : end_case(r);
    }
    return rc ? rc : expect_end(&r->v);
}

const rtl_text *roma_rtl_read_text(const rtl_rom *r) { return r->style == ROMA_RTL_ARRAY ? &r->hex : &r->v; }
