/* Pre-tokenizers that are one regular expression, as hand-written scanners, linear and without backtracking: each gives
 * the end of what the expression takes at p. An invalid byte is a character without flags. */
#include "text.h"

unsigned roma_text_class_at(const uint8_t *p, const uint8_t *end, unsigned *len) {
    return roma_text_class(roma_text_utf8(p, end, len));
}

/* End of a run of characters that have one of these flags. */
static const uint8_t *run(const uint8_t *p, const uint8_t *end, unsigned flags, unsigned most) {
    unsigned n;
    for (; p < end && most; p += n, most--)
        if (!(roma_text_class_at(p, end, &n) & flags)) break;
    return p;
}

/* End of a run of characters that have none of them. */
static const uint8_t *run_without(const uint8_t *p, const uint8_t *end, unsigned flags) {
    unsigned n;
    for (; p < end; p += n)
        if (roma_text_class_at(p, end, &n) & flags) break;
    return p;
}

static const uint8_t *newlines(const uint8_t *p, const uint8_t *end, bool slashes) {
    while (p < end && (*p == '\r' || *p == '\n' || (slashes && *p == '/'))) p++;
    return p;
}

/* Length of 's 't 're 've 'm 'll 'd at p (p < end), or 0. */
static unsigned contraction(const uint8_t *p, const uint8_t *end, bool any_case) {
    const size_t left = (size_t)(end - p);
    if (*p != '\'' || left < 2) return 0;
    const uint8_t fold = any_case ? 0x20 : 0;
    const uint8_t a = p[1] | fold, b = left > 2 ? p[2] | fold : 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return 3;
    /* The long s, U+017F, is an s when case does not matter. */
    if (any_case && left > 2 && p[1] == 0xc5 && p[2] == 0xbf) return 3;
    return 0;
}

/* End of what `\s*[\r\n]+` (only if `lines`), `\s+(?!\S)` or `\s+` takes from a run of space at p. */
static const uint8_t *space(const uint8_t *p, const uint8_t *end, bool lines) {
    const uint8_t *q = p, *last = p, *line = NULL;
    unsigned n;
    while (q < end) {
        const unsigned f = roma_text_class_at(q, end, &n);
        if (!(f & TEXT_SPACE)) break;
        last = q;
        q += n;
        if (f & TEXT_NEWLINE) line = q;
    }
    if (lines && line) return line;
    /* Before other text the last space is left to the next piece, unless it is the only one. */
    return q < end && last > p ? last : q;
}

const uint8_t *roma_text_scan_gpt2(const uint8_t *p, const uint8_t *end) {
    unsigned n = contraction(p, end, false);
    if (n) return p + n;
    const uint8_t *q = *p == ' ' && p + 1 < end ? p + 1 : p;
    const unsigned f = roma_text_class_at(q, end, &n);
    if (f & TEXT_LETTER) return run(q, end, TEXT_LETTER, UINT32_MAX);
    if (f & TEXT_NUMBER) return run(q, end, TEXT_NUMBER, UINT32_MAX);
    return f & TEXT_SPACE ? space(p, end, false) : run_without(q, end, TEXT_SPACE | TEXT_LETTER | TEXT_NUMBER);
}

/* What is neither word nor number, ` ?[^\s\p{L}\p{N}]+[\r\n]*`, or space: no word begins at p, whose flags are f. */
static const uint8_t *rest(const uint8_t *p, const uint8_t *end, unsigned f, unsigned words, bool slashes) {
    const unsigned taken = TEXT_SPACE | TEXT_NUMBER | words;
    unsigned n;
    const uint8_t *q = *p == ' ' && p + 1 < end ? p + 1 : p;
    if (q > p) f = roma_text_class_at(q, end, &n);
    return f & taken ? space(p, end, true) : newlines(run_without(q, end, taken), end, slashes);
}

/* Llama 3's expression and its kin: letters have one of the flags `words`, numbers at most so many digits. */
static const uint8_t *words_of(const uint8_t *p, const uint8_t *end, unsigned words, unsigned digits) {
    unsigned n = contraction(p, end, true);
    if (n) return p + n;
    const unsigned f = roma_text_class_at(p, end, &n);
    if (f & words) return run(p, end, words, UINT32_MAX);
    if (f & TEXT_NUMBER) return run(p, end, TEXT_NUMBER, digits);
    const uint8_t *q = p + n;
    if (!(f & TEXT_NEWLINE) && q < end && roma_text_class_at(q, end, &n) & words) return run(q, end, words, UINT32_MAX);
    return rest(p, end, f, words, false);
}

const uint8_t *roma_text_scan_llama3(const uint8_t *p, const uint8_t *end) { return words_of(p, end, TEXT_LETTER, 3); }
const uint8_t *roma_text_scan_qwen2(const uint8_t *p, const uint8_t *end) { return words_of(p, end, TEXT_LETTER, 1); }
const uint8_t *roma_text_scan_qwen35(const uint8_t *p, const uint8_t *end) {
    return words_of(p, end, TEXT_LETTER | TEXT_MARK, 1);
}

/* With U for letters in upper case or without case and for marks, and L for those in lower case or without and marks:
 * what `U*L+` takes at p, *lower; or else what `U+L*` takes; or p. After the longest U* an L+ that finds no lower case
 * begins with the last character that is of both kinds. */
static const uint8_t *cased(const uint8_t *p, const uint8_t *end, bool *lower) {
    const uint8_t *q = p, *both = NULL;
    unsigned n, f = 0;
    for (; q < end && (f = roma_text_class_at(q, end, &n)) & (TEXT_UPPER | TEXT_MARK); q += n)
        if (f & (TEXT_LOWER | TEXT_MARK)) both = q + n;
    *lower = both || (q < end && f & TEXT_LOWER);
    if (q < end && f & TEXT_LOWER) return run(q, end, TEXT_LOWER | TEXT_MARK, UINT32_MAX);
    return both ? both : q;
}

/* Tekken's expression and GPT-4o's: a word is `[^\r\n\p{L}\p{N}]?U*L+` or `[^\r\n\p{L}\p{N}]?U+L*`. A mark can be the
 * first character or belong to the word: as the word where no L follows. */
static const uint8_t *cased_words(const uint8_t *p, const uint8_t *end, unsigned digits, bool contractions) {
    unsigned n;
    bool lower = false;
    const unsigned f = roma_text_class_at(p, end, &n);
    if (f & TEXT_NUMBER) return run(p, end, TEXT_NUMBER, digits);
    if (!(f & TEXT_NEWLINE)) {
        const uint8_t *from = f & TEXT_LETTER ? p : p + n, *q = cased(from, end, &lower);
        const bool lonely = f & TEXT_MARK && !lower;
        if (lonely) q = from;
        if (lonely || lower || q > from) return contractions && q < end ? q + contraction(q, end, true) : q;
    }
    return rest(p, end, f, TEXT_LETTER, true);
}

const uint8_t *roma_text_scan_tekken(const uint8_t *p, const uint8_t *end) { return cased_words(p, end, 1, false); }
const uint8_t *roma_text_scan_gpt4o(const uint8_t *p, const uint8_t *end) { return cased_words(p, end, 3, true); }
