/* A conversation that goes on: the tokens that the cache has in place of others that spell the same. */
#include "answer/internal.h"

#include <string.h>

/* A place in a list of ids, and within the text of the id before it. */
typedef struct {
    const int32_t *ids;
    size_t n, at;
    char text[ROMA_TOKEN_BYTES_MAX];
    size_t len, used;
} spelling;

static bool is_between(const spelling *s) { return s->used == s->len; }

/* Takes the next id; false at the end, and at a token without text. */
static bool take(spelling *s, const roma_tokenizer *t) {
    if (s->at == s->n) return false;
    s->len = roma_token_bytes(t, s->ids[s->at++], false, s->text, sizeof s->text);
    s->used = 0;
    return s->len > 0;
}

/* Goes on by as many bytes as both have; false when they differ. */
static bool step(spelling *a, spelling *b) {
    const size_t left = a->len - a->used, other = b->len - b->used, n = left < other ? left : other;
    const bool same = memcmp(a->text + a->used, b->text + b->used, n) == 0;
    a->used += n;
    b->used += n;
    return same;
}

/* How many of each list spell the same and end together. */
static void common(spelling *a, spelling *b, const roma_tokenizer *t, size_t *n_a, size_t *n_b) {
    for (;;) {
        if (is_between(a) && is_between(b)) {
            *n_a = a->at;
            *n_b = b->at;
            if (a->at < a->n && b->at < b->n && a->ids[a->at] == b->ids[b->at]) {
                a->at++;
                b->at++;
                continue;
            }
        }
        if (is_between(a) && !take(a, t)) return;
        if (is_between(b) && !take(b, t)) return;
        if (!step(a, b)) return;
    }
}

int roma_answer_carry(const roma_answer *a, const int32_t *known, size_t n_known, int32_t **ids, size_t *n_ids,
                      roma_error *err) {
    spelling *s = roma_alloc_array(2, sizeof *s);
    size_t n_old = 0, n_new = 0;
    if (!s) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the conversation");
    s[0] = (spelling){.ids = known, .n = n_known};
    s[1] = (spelling){.ids = *ids, .n = *n_ids};
    common(&s[0], &s[1], a->tok, &n_old, &n_new);
    roma_free(s);
    const size_t behind = *n_ids - n_new;
    int32_t *joined = roma_alloc_array(n_old + behind + 1, sizeof *joined);
    if (!joined) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the conversation");
    if (n_old) memcpy(joined, known, n_old * sizeof *joined);
    if (behind) memcpy(joined + n_old, *ids + n_new, behind * sizeof *joined);
    roma_free(*ids);
    *ids = joined;
    *n_ids = n_old + behind;
    return ROMA_OK;
}
