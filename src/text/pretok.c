/* Pre-tokenizers of byte-level BPE: stages, each of which cuts every piece of the one before it. A stage that looks for
 * one thing gives what it finds and what lies between two finds as pieces. Linear; nothing is tried twice. */
#include <string.h>
#include "text.h"

/* ---- ranges of DeepSeek's expressions ---- */

typedef struct {
    uint32_t first, last;
} range;

/* clang-format off */
static const range deepseek_letters[] = {
    {0x41, 0x5a}, {0x61, 0x7a}, {0xb5, 0xb5}, {0xc0, 0xd6}, {0xd8, 0xf6},
    {0xf8, 0x1ba}, {0x1bc, 0x1bf}, {0x1c4, 0x293}, {0x295, 0x2af}, {0x370, 0x373},
    {0x376, 0x377}, {0x37b, 0x37d}, {0x37f, 0x37f}, {0x386, 0x386}, {0x388, 0x38a},
    {0x38c, 0x38c}, {0x38e, 0x3a1}, {0x3a3, 0x3f5}, {0x3f7, 0x481}, {0x48a, 0x52f},
    {0x531, 0x556}, {0x10a0, 0x10c5}, {0x13a0, 0x13f5}, {0x13f8, 0x13fd}, {0x1c90, 0x1cba},
    {0x1cbd, 0x1cbf}, {0x1d00, 0x1d2b}, {0x1d6b, 0x1d77}, {0x1d79, 0x1d9a}, {0x1e00, 0x1f15},
    {0x1f18, 0x1f1d}, {0x1f20, 0x1f45}, {0x1f48, 0x1f4d}, {0x1f50, 0x1f57}, {0x1f59, 0x1f59},
    {0x1f5b, 0x1f5b}, {0x1f5d, 0x1f5d}, {0x1f5f, 0x1f7d}, {0x1f80, 0x1fb4}, {0x1fb6, 0x1fbc},
    {0x1fbe, 0x1fbe}, {0x1fc2, 0x1fc4}, {0x1fc6, 0x1fcc}, {0x1fd0, 0x1fd3}, {0x1fd6, 0x1fdb},
    {0x1fe0, 0x1fec}, {0x1ff2, 0x1ff4}, {0x1ff6, 0x1ffc}, {0x2102, 0x2102}, {0x2107, 0x2107},
    {0x210a, 0x2113}, {0x2115, 0x2115}, {0x2119, 0x211d}, {0x2124, 0x2124}, {0x2126, 0x2126},
    {0x2128, 0x2128}, {0x212a, 0x212d}, {0x212f, 0x2134}, {0x2139, 0x2139}, {0x213c, 0x213f},
    {0x2145, 0x2149}, {0x214e, 0x214e}, {0x2183, 0x2184}, {0x2c00, 0x2c7b}, {0x2c7e, 0x2ce4},
    {0x2ceb, 0x2cee}, {0x2cf2, 0x2cf3}, {0xa640, 0xa66d}, {0xa680, 0xa69b}, {0xa722, 0xa76f},
    {0xa771, 0xa787}, {0xa78b, 0xa78e}, {0xab70, 0xabbf}, {0xfb00, 0xfb06}, {0xfb13, 0xfb17},
    {0xff21, 0xff3a}, {0xff41, 0xff5a}, {0x10400, 0x1044f}, {0x104b0, 0x104d3}, {0x104d8, 0x104fb},
    {0x10c80, 0x10cb2}, {0x10cc0, 0x10cf2}, {0x118a0, 0x118df}, {0x1e900, 0x1e943},
};
/* clang-format on */

static bool in_ranges(const range *r, size_t n, uint32_t c) {
    size_t lo = 0;
    while (n > 1) {
        const size_t half = n / 2;
        if (c >= r[lo + half].first) lo += half;
        n -= half;
    }
    return c >= r[lo].first && c <= r[lo].last;
}

static bool is_deepseek_letter(uint32_t c) {
    return in_ranges(deepseek_letters, sizeof deepseek_letters / sizeof *deepseek_letters, c);
}
/* As published: what stands between colon and tilde, and so ASCII's letters too. */
static bool is_deepseek_punct(uint32_t c) {
    static const range r[] = {{0x21, 0x2f},     {0x3a, 0x7e},     {0x2018, 0x201f},
                              {0x3000, 0x3002}, {0xff01, 0xff0f}, {0xff1a, 0xff5e}};
    return in_ranges(r, sizeof r / sizeof *r, c);
}
static bool is_cjk(uint32_t c) {
    static const range r[] = {{0x800, 0x9fa5}, {0xac00, 0xd7ff}};
    return in_ranges(r, sizeof r / sizeof *r, c);
}
static bool is_letter(uint32_t c) { return (roma_text_class(c) & TEXT_LETTER) != 0; }
static bool is_punct(uint32_t c) { return (roma_text_class(c) & TEXT_PUNCT) != 0; }
static bool is_delimiter(uint32_t c) { return (roma_text_class(c) & TEXT_DELIMITER) != 0; }

/* ---- stages that look for one thing ---- */

typedef bool (*is_fn)(uint32_t c);

static const uint8_t *run(const uint8_t *p, const uint8_t *end, is_fn is, bool wanted) {
    unsigned n;
    for (; p < end; p += n)
        if (is(roma_text_utf8(p, end, &n)) != wanted) break;
    return p;
}

/* Where the run of a match `\s?[is]+` at p begins; NULL: there is none. */
static const uint8_t *spaced(const uint8_t *p, const uint8_t *end, is_fn is) {
    unsigned n, n2;
    const uint32_t c = roma_text_utf8(p, end, &n);
    if (is(c)) return p;
    return p + n < end && roma_text_class(c) & TEXT_SPACE && is(roma_text_utf8(p + n, end, &n2)) ? p + n : NULL;
}

static const uint8_t *spaced_run(const uint8_t *p, const uint8_t *end, is_fn is) {
    const uint8_t *from = spaced(p, end, is);
    if (from) return run(from, end, is, true);
    unsigned n;
    do {
        roma_text_utf8(p, end, &n);
        p += n;
    } while (p < end && !spaced(p, end, is));
    return p;
}

/* Runs of what is, and of what is not. */
static const uint8_t *runs(const uint8_t *p, const uint8_t *end, is_fn is) {
    unsigned n;
    return run(p, end, is, is(roma_text_utf8(p, end, &n)));
}

static const uint8_t *deepseek_words(const uint8_t *p, const uint8_t *end) {
    return spaced_run(p, end, is_deepseek_letter);
}
static const uint8_t *deepseek_puncts(const uint8_t *p, const uint8_t *end) {
    return spaced_run(p, end, is_deepseek_punct);
}
static const uint8_t *words(const uint8_t *p, const uint8_t *end) { return spaced_run(p, end, is_letter); }
static const uint8_t *puncts(const uint8_t *p, const uint8_t *end) { return spaced_run(p, end, is_punct); }
static const uint8_t *cjk(const uint8_t *p, const uint8_t *end) { return runs(p, end, is_cjk); }
static const uint8_t *delimiters(const uint8_t *p, const uint8_t *end) { return runs(p, end, is_delimiter); }

/* Line ends, each alone. */
static const uint8_t *line_ends(const uint8_t *p, const uint8_t *end) {
    if (*p == '\r' || *p == '\n') return p + 1;
    while (p < end && *p != '\r' && *p != '\n') p++;
    return p;
}

/* `\s+$` */
static const uint8_t *space_at_end(const uint8_t *p, const uint8_t *end) {
    const uint8_t *from = p; /* of the run of space that goes on */
    unsigned n;
    for (const uint8_t *q = p; q < end; q += n)
        if (!(roma_text_class_at(q, end, &n) & TEXT_SPACE)) from = q + n;
    return from > p ? from : end;
}

/* Numbers, each alone. */
static const uint8_t *single_digits(const uint8_t *p, const uint8_t *end) {
    unsigned n;
    if (roma_text_class_at(p, end, &n) & TEXT_DIGIT) return p + n;
    do p += n;
    while (p < end && !(roma_text_class_at(p, end, &n) & TEXT_DIGIT));
    return p;
}

/* Falcon looks for numbers when bytes are characters of the byte alphabet already, six of which are numbers in Latin-1:
 * superscripts and fractions. */
static bool is_number_byte(uint8_t b) {
    return (b >= '0' && b <= '9') || b == 0xb2 || b == 0xb3 || b == 0xb9 || (b >= 0xbc && b <= 0xbe);
}
static const uint8_t *number_bytes(const uint8_t *p, const uint8_t *end) {
    const bool is = is_number_byte(*p);
    while (p < end && is_number_byte(*p) == is) p++;
    return p;
}

/* `[0-9][0-9][0-9]` */
static bool is_triple(const uint8_t *p, const uint8_t *end) {
    for (unsigned i = 0; i < 3; i++)
        if (p + i == end || p[i] < '0' || p[i] > '9') return false;
    return true;
}
static const uint8_t *triples(const uint8_t *p, const uint8_t *end) {
    if (is_triple(p, end)) return p + 3;
    while (p < end && !is_triple(p, end)) p++;
    return p;
}

/* ---- the pre-tokenizers ---- */

static const roma_text_scan stages[ROMA_PRE_LAST + 1][TEXT_STAGES_MAX] = {
    [ROMA_PRE_GPT2] = {roma_text_scan_gpt2},
    [ROMA_PRE_SMOLLM] = {single_digits, roma_text_scan_gpt2},
    [ROMA_PRE_LLAMA3] = {roma_text_scan_llama3},
    [ROMA_PRE_QWEN2] = {roma_text_scan_qwen2},
    [ROMA_PRE_DEEPSEEK_LLM] = {line_ends, deepseek_words, deepseek_puncts, space_at_end, cjk, single_digits},
    [ROMA_PRE_DEEPSEEK_CODER] = {line_ends, words, puncts, cjk, single_digits},
    [ROMA_PRE_FALCON] = {delimiters, roma_text_scan_gpt2, number_bytes, triples},
    [ROMA_PRE_TEKKEN] = {roma_text_scan_tekken},
    [ROMA_PRE_GPT4O] = {roma_text_scan_gpt4o},
    [ROMA_PRE_QWEN35] = {roma_text_scan_qwen35},
    [ROMA_PRE_MPT] = {roma_text_scan_gpt2},
    [ROMA_PRE_COMMAND_R] = {single_digits, roma_text_scan_gpt2},
};

bool roma_text_pre_composes(uint32_t pre) {
    return pre == ROMA_PRE_QWEN2 || pre == ROMA_PRE_MPT || pre == ROMA_PRE_COMMAND_R;
}

void roma_text_pre_init(roma_text_pre *s, uint32_t pre, const char *text, size_t len) {
    *s = (roma_text_pre){.stage = stages[pre]};
    while (s->n < TEXT_STAGES_MAX && s->stage[s->n]) s->n++;
    for (unsigned i = 0; i < s->n; i++) s->at[i].p = s->at[i].end = (const uint8_t *)text;
    s->at[0].end += len;
}

bool roma_text_pre_next(roma_text_pre *s, const uint8_t **piece, size_t *len) {
    unsigned i = s->n - 1;
    while (s->at[i].p == s->at[i].end) /* the last stage that has something left */
        if (i-- == 0) return false;
    const uint8_t *p = s->at[i].p, *q;
    for (;; i++) {
        q = s->stage[i](p, s->at[i].end);
        s->at[i].p = q;
        if (i + 1 == s->n) break;
        s->at[i + 1].end = q;
    }
    *piece = p;
    *len = (size_t)(q - p);
    return true;
}

/* ---- names ---- */

/* clang-format off */
#define NAMES(X) /* name, pattern, a piece that is a token is that token, BOS where the file does not say so */ \
    X("gpt-2", GPT2, false, false) X("smollm", SMOLLM, false, false)                                             \
    X("llama-bpe", LLAMA3, true, true) X("llama3", LLAMA3, true, true) X("llama-v3", LLAMA3, true, true)         \
    X("qwen2", QWEN2, false, false) X("deepseek-r1-qwen", QWEN2, false, false)                                   \
    X("smaug-bpe", LLAMA3, false, false) X("deepseek-llm", DEEPSEEK_LLM, false, false)                           \
    X("deepseek-coder", DEEPSEEK_CODER, false, false) X("falcon", FALCON, false, false)                          \
    X("falcon3", LLAMA3, true, true) X("mpt", MPT, false, false) X("tekken", TEKKEN, true, true)                 \
    X("refact", SMOLLM, false, false) X("starcoder", SMOLLM, false, false)                                       \
    X("command-r", COMMAND_R, false, false) X("gpt-4o", GPT4O, false, false) X("qwen35", QWEN35, false, false)
/* clang-format on */

bool roma_text_pre_find(const char *name, size_t len, roma_pre_rule *out) {
    static const struct {
        const char *name;
        roma_pre_rule rule;
    } known[] = {
#define X(text, id, whole, bos) {text, {ROMA_PRE_##id, whole, bos}},
        NAMES(X)
#undef X
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].name) != len || memcmp(known[i].name, name, len) != 0) continue;
        *out = known[i].rule;
        return true;
    }
    return false;
}

const char *roma_text_pre_names(void) {
#define X(text, id, whole, bos) ", " text
    static const char all[] = NAMES(X);
#undef X
    return all + 2;
}
