/* Special tokens: control, unknown and user tokens in order of their text, and which of them begins a text. */
#include <string.h>
#include "text.h"

static bool is_special(const roma_vocab *v, uint32_t i) {
    const unsigned type = v->type[i];
    return (type == ROMA_TT_CONTROL || type == ROMA_TT_UNKNOWN || type == ROMA_TT_USER) &&
           v->text_off[i + 1] > v->text_off[i];
}

static int by_text(const roma_vocab *v, uint32_t a, uint32_t b) {
    uint32_t la, lb;
    const char *sa = roma_text_of(v, a, &la), *sb = roma_text_of(v, b, &lb);
    const int d = memcmp(sa, sb, la < lb ? la : lb);
    return d ? d : (la > lb) - (la < lb);
}

static int in_order(const void *a, const void *b, void *v) {
    return by_text(v, *(const uint32_t *)a, *(const uint32_t *)b);
}

int roma_text_special(roma_tokenizer *t, const char *file, roma_error *err) {
    const roma_vocab *v = &t->v;
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_tokens; i++) n += is_special(v, i);
    t->special = roma_alloc_array(n + 1, sizeof *t->special);
    if (!t->special) return roma_text_fail(err, ROMA_ENOMEM, file, "no memory for the special tokens", n);
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        if (!is_special(v, i)) continue;
        t->special[t->n_special++] = i;
        t->special_first[(uint8_t)v->text[v->text_off[i]]] |= roma_text_is_marker(v, i) ? 2 : 1;
    }
    roma_sort(t->special, n, sizeof *t->special, in_order, &t->v);
    for (uint32_t i = 1; i < n; i++)
        if (by_text(v, t->special[i - 1], t->special[i]) == 0)
            return roma_text_fail(err, ROMA_EDAMAGED, file, "a special token's text is there twice", t->special[i]);
    return ROMA_OK;
}

/* First special token in [lo, hi), all of which agree up to `depth`, whose next byte is at least c. */
static uint32_t narrow(const roma_tokenizer *t, uint32_t lo, uint32_t hi, uint32_t depth, unsigned c) {
    while (lo < hi) {
        const uint32_t mid = lo + (hi - lo) / 2;
        uint32_t len;
        const char *s = roma_text_of(&t->v, t->special[mid], &len);
        if (len <= depth || (uint8_t)s[depth] < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int32_t roma_text_match_special(const roma_tokenizer *t, const char *p, const char *end, bool control) {
    if (!(t->special_first[(uint8_t)*p] & (control ? 3 : 1))) return -1;
    int32_t best = -1;
    uint32_t lo = 0, hi = t->n_special;
    for (uint32_t depth = 0; lo < hi && p < end; depth++, p++) {
        const unsigned c = (uint8_t)*p;
        lo = narrow(t, lo, hi, depth, c);
        hi = narrow(t, lo, hi, depth, c + 1);
        if (lo == hi) break;
        const uint32_t id = t->special[lo]; /* the shortest of those left comes first */
        if (t->v.text_off[id + 1] - t->v.text_off[id] == depth + 1 && (control || !roma_text_is_marker(&t->v, id)))
            best = (int32_t)id;
    }
    return best;
}

int32_t roma_text_find_special(const roma_tokenizer *t, const char *text, size_t len) {
    const int32_t id = len ? roma_text_match_special(t, text, text + len, true) : -1;
    return id >= 0 && t->v.text_off[id + 1] - t->v.text_off[id] == len ? id : -1;
}
