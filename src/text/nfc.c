/* Unicode normalisation form C, as Qwen's tokenizers ask for (UAX #15). Works on the whole text at once:
 * decompose, order combining marks, compose. Linear in the text, whatever it holds. */
#include <string.h>
#include "text.h"

enum { HANGUL = 0xac00, HANGUL_L = 0x1100, HANGUL_V = 0x1161, HANGUL_T = 0x11a7 };
enum { N_L = 19, N_V = 21, N_T = 28, N_SYLLABLES = N_L * N_V * N_T };
#define RAW 0x80000000u /* marks an invalid byte among characters */

static unsigned order_of(uint32_t c) {
    if (c < 0x300 || c > 0x10ffff) return 0;
    size_t lo = 0, hi = roma_text_n_orders;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if (roma_text_orders[mid].last < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < roma_text_n_orders && roma_text_orders[lo].first <= c ? roma_text_orders[lo].order : 0;
}

static const roma_text_pair *decomp_of(uint32_t c) {
    size_t lo = 0, hi = roma_text_n_decomp;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if (roma_text_decomp[mid].c < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < roma_text_n_decomp && roma_text_decomp[lo].c == c ? &roma_text_decomp[lo] : NULL;
}

/* Character that a and b make, or 0. */
static uint32_t compose(uint32_t a, uint32_t b) {
    if (a - HANGUL_L < N_L && b - HANGUL_V < N_V) return HANGUL + ((a - HANGUL_L) * N_V + (b - HANGUL_V)) * N_T;
    if (a - HANGUL < N_SYLLABLES && (a - HANGUL) % N_T == 0 && b - HANGUL_T - 1 < N_T - 1) return a + (b - HANGUL_T);
    size_t lo = 0, hi = roma_text_n_comp;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        const roma_text_pair *p = &roma_text_decomp[roma_text_comp[mid]];
        if (p->a < a || (p->a == a && p->b < b))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == roma_text_n_comp) return 0;
    const roma_text_pair *p = &roma_text_decomp[roma_text_comp[lo]];
    return p->a == a && p->b == b ? p->c : 0;
}

bool roma_text_nfc_needed(const char *text, size_t len) {
    const uint8_t *p = (const uint8_t *)text, *end = p + len;
    while (p < end) {
        if (*p < 0xcc) { /* below U+0300 nothing changes by itself */
            p++;
            continue;
        }
        unsigned n;
        const uint32_t c = roma_text_utf8(p, end, &n);
        p += n;
        if (c == TEXT_BAD) continue;
        /* Ideographs, kana without marks and precomposed Hangul are most of what passes here. */
        if ((c >= 0x3400 && c < 0xa000) || (c >= HANGUL && c < HANGUL + N_SYLLABLES)) continue;
        if (order_of(c) || decomp_of(c)) return true;
        /* Blocks with starters that join to the character before them: Indic vowel signs, Hangul jamo. */
        if ((c >= 0x900 && c < 0x1200) || (c >= 0x1b00 && c < 0x1c00) || c >= 0x11000) return true;
    }
    return false;
}

/* Characters of c's full decomposition (at most 4) in out. A Hangul syllable stays whole: its parts would join again,
 * and what may follow joins the whole as it would the parts. */
static unsigned decompose(uint32_t c, uint32_t out[4]) {
    uint32_t tail[4];
    unsigned n_tail = 0;
    /* Only the first half of a pair decomposes further, at most three times. */
    const roma_text_pair *p;
    while (n_tail < 3 && c >= 0xc0 && c <= 0x10ffff && (p = decomp_of(c)) != NULL) {
        c = p->a;
        if (p->b) tail[n_tail++] = p->b;
    }
    unsigned n = 0;
    out[n++] = c;
    while (n_tail) out[n++] = tail[--n_tail];
    return n;
}

static size_t decompose_all(const char *text, size_t len, uint32_t *out) {
    const uint8_t *p = (const uint8_t *)text, *end = p + len;
    size_t total = 0;
    while (p < end) {
        unsigned n;
        uint32_t d[4], c = roma_text_utf8(p, end, &n);
        if (c == TEXT_BAD) c = RAW | *p;
        const unsigned k = decompose(c, d);
        if (out) memcpy(out + total, d, k * sizeof *d);
        total += k;
        p += n;
    }
    return total;
}

/* Sorts a run of marks by order, stably: by counting, as a run may be as long as the text. */
static void sort_marks(uint32_t *c, size_t n, uint32_t *tmp) {
    size_t start[257] = {0};
    for (size_t i = 0; i < n; i++) start[order_of(c[i]) + 1]++;
    for (size_t i = 1; i < 257; i++) start[i] += start[i - 1];
    for (size_t i = 0; i < n; i++) tmp[start[order_of(c[i])]++] = c[i];
    memcpy(c, tmp, n * sizeof *c);
}

static void order_marks(uint32_t *c, size_t n, uint32_t *tmp) {
    for (size_t i = 0; i < n;) {
        unsigned last = order_of(c[i]);
        size_t j = i + 1;
        bool sorted = true;
        for (; last && j < n; j++) {
            const unsigned o = order_of(c[j]);
            if (!o) break;
            if (o < last) sorted = false;
            last = o;
        }
        if (!sorted) sort_marks(c + i, j - i, tmp);
        i = j;
    }
}

static size_t compose_all(uint32_t *c, size_t n) {
    size_t out = 0, starter = SIZE_MAX;
    unsigned last = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned o = order_of(c[i]);
        const uint32_t joined = starter != SIZE_MAX && (last < o || last == 0) ? compose(c[starter], c[i]) : 0;
        if (joined) {
            c[starter] = joined;
            continue;
        }
        if (o == 0) starter = out;
        last = o;
        c[out++] = c[i];
    }
    return out;
}

int roma_text_nfc(const char *text, size_t len, char **out, size_t *out_len, roma_error *err) {
    const size_t n = decompose_all(text, len, NULL);
    uint32_t *c = roma_alloc_array(2 * (n + 1), sizeof *c);
    /* A composed character never takes more bytes than its parts. */
    uint8_t *bytes = roma_alloc(4 * n + 1);
    if (!c || !bytes) {
        roma_free(c);
        roma_free(bytes);
        return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory to normalise %zu bytes of text", len);
    }
    decompose_all(text, len, c);
    order_marks(c, n, c + n);
    const size_t m = compose_all(c, n);
    size_t w = 0;
    for (size_t i = 0; i < m; i++) {
        if (c[i] & RAW)
            bytes[w++] = (uint8_t)c[i];
        else
            w += roma_text_utf8_put(c[i], bytes + w);
    }
    roma_free(c);
    *out = (char *)bytes;
    *out_len = w;
    return ROMA_OK;
}
