/* Choosing the next token: docs/numerics.md 5.10. Sums run over candidates in order of falling logit, ties by id, so
 * that the choice is the same everywhere; the draw comes from a counter-based generator keyed by (seed, position). */
#include "roma/exec.h"

#include <float.h>
#include <string.h>

enum { RECENT = 64, BLOCK = 256, LANES = 16 }; /* a vocabulary is looked at in blocks */
/* A candidate this far below the best (in units of temperature) has less than 1e-8 of its probability: never drawn. */
#define FAR 19.0f

typedef struct {
    float logit;
    int32_t id;
} candidate;

void roma_sampling_default(roma_sampling *s) { *s = (roma_sampling){.top_p = 1, .repeat_penalty = 1}; }

int roma_sampling_check(const roma_sampling *s, roma_error *err) {
    const char *what = NULL;
    if (!(s->temperature >= 0 && s->temperature <= 100)) what = "temperature must lie in 0 to 100";
    if (!(s->top_p >= 0 && s->top_p <= 1)) what = "top-p must lie in 0 to 1";
    if (!(s->min_p >= 0 && s->min_p <= 1)) what = "min-p must lie in 0 to 1";
    if (!(s->repeat_penalty >= 0.1f && s->repeat_penalty <= 10)) what = "repeat penalty must lie in 0.1 to 10";
    if (!(s->presence_penalty >= -2 && s->presence_penalty <= 2)) what = "presence penalty must lie in -2 to 2";
    if (!(s->frequency_penalty >= -2 && s->frequency_penalty <= 2)) what = "frequency penalty must lie in -2 to 2";
    if (s->n_bias > ROMA_BIAS_MAX) what = "at most 1024 tokens can have a bias";
    for (size_t i = 0; i < s->n_bias && !what; i++)
        if (!(s->bias[i].bias >= -100 && s->bias[i].bias <= 100)) what = "a bias must lie in -100 to 100";
    return what ? roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s", what) : ROMA_OK;
}

static uint32_t blocks_of(uint32_t vocab) { return (vocab + BLOCK - 1) / BLOCK; }
static uint32_t block_end(uint32_t block, uint32_t vocab) {
    return vocab - block * BLOCK < BLOCK ? vocab : (block + 1) * BLOCK;
}

/* Candidates twice, changed logits, the largest logit of each block. */
size_t roma_sample_bytes(uint32_t vocab) {
    return vocab * (2 * sizeof(candidate) + sizeof(float)) + blocks_of(vocab) * sizeof(float);
}

static bool is_finite(float x) { return x >= -FLT_MAX && x <= FLT_MAX; }

/* A penalty makes no finite logit infinite: the last token with a logit would otherwise have none. */
static float penalised(float l, float penalty) {
    const float p = l > 0 ? l / penalty : l * penalty;
    return is_finite(p) || !is_finite(l) ? p : l > 0 ? FLT_MAX : -FLT_MAX;
}

static void penalise(float *logits, uint32_t vocab, const roma_sampling *s, const int32_t *recent, size_t n) {
    for (size_t i = n > RECENT ? n - RECENT : 0; i < n; i++) {
        bool skip = recent[i] < 0 || (uint32_t)recent[i] >= vocab;
        for (size_t j = n > RECENT ? n - RECENT : 0; j < i; j++) skip |= recent[j] == recent[i];
        if (!skip) logits[recent[i]] = penalised(logits[recent[i]], s->repeat_penalty);
    }
}

/* What is finite stays so. */
static float moved(float l, float by) {
    const float p = l + by;
    return is_finite(p) || !is_finite(l) ? p : p > 0 ? FLT_MAX : -FLT_MAX;
}

/* Presence and frequency, of the answer's tokens; seen: vocab bytes of scratch. */
static void penalise_answer(float *logits, uint32_t vocab, const roma_sampling *s, const int32_t *answer, size_t n,
                            uint8_t *seen) {
    memset(seen, 0, vocab);
    for (size_t i = 0; i < n; i++) {
        if (answer[i] < 0 || (uint32_t)answer[i] >= vocab) continue;
        float *l = &logits[answer[i]];
        if (!seen[answer[i]]) *l = moved(*l, -s->presence_penalty);
        *l = moved(*l, -s->frequency_penalty);
        seen[answer[i]] = 1;
    }
}

static void add_bias(float *logits, uint32_t vocab, const roma_sampling *s) {
    for (size_t i = 0; i < s->n_bias; i++) {
        const roma_logit_bias *b = &s->bias[i];
        if (b->id >= 0 && (uint32_t)b->id < vocab) logits[b->id] = moved(logits[b->id], b->bias);
    }
}

/* A copy of the logits in which those that the mask leaves out are -infinity. */
static void copy_masked(float *to, const float *logits, uint32_t vocab, const uint64_t *mask) {
    const float none = roma_f32_from_bits(0xff800000);
    for (uint32_t i = 0; i < vocab; i += 64) {
        const uint64_t word = mask[i / 64];
        const uint32_t n = vocab - i < 64 ? vocab - i : 64;
        for (uint32_t j = 0; j < n; j++) to[i + j] = word >> j & 1 ? logits[i + j] : none;
    }
}

static bool is_zero(float x) { return !(x > 0) && !(x < 0); }

/* The largest of n logits, in lanes that a compiler makes vectors of. *nan: one is no number. */
static float largest(const float *l, uint32_t n, bool *nan) {
    float most[LANES];
    int32_t odd[LANES] = {0};
    for (uint32_t j = 0; j < LANES; j++) most[j] = roma_f32_from_bits(0xff800000);
    uint32_t i = 0;
    for (; n - i >= LANES; i += LANES)
        for (uint32_t j = 0; j < LANES; j++) {
            most[j] = l[i + j] > most[j] ? l[i + j] : most[j];
            odd[j] |= l[i + j] != l[i + j];
        }
    for (uint32_t j = 0; i + j < n; j++) {
        most[j] = l[i + j] > most[j] ? l[i + j] : most[j];
        odd[j] |= l[i + j] != l[i + j];
    }
    for (uint32_t j = 0; j < LANES; j++) {
        most[0] = most[j] > most[0] ? most[j] : most[0];
        *nan |= odd[j];
    }
    return most[0];
}

/* *best: of the largest, the lowest id among equals. block: the largest of each block. Refuses logits that say nothing.
 */
static int find_best(const float *l, uint32_t n, bool is_masked, float *block, uint32_t *best, roma_error *err) {
    uint32_t in = 0, i = 0;
    bool nan = false;
    for (uint32_t b = 0; b < blocks_of(n); b++) {
        block[b] = largest(l + b * BLOCK, block_end(b, n) - b * BLOCK, &nan);
        if (block[b] > block[in]) in = b;
    }
    while (nan && l[i] == l[i]) i++;
    if (nan)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "the logit of token %u is not a number: the numbers in the weights or adapters are so large "
                         "that the arithmetic overflows on this text",
                         i);
    *best = in * BLOCK;
    while (l[*best] < block[in]) ++*best;
    if (l[*best] < -FLT_MAX && is_masked)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "none of the tokens that may follow has a logit above minus infinity");
    if (l[*best] < -FLT_MAX)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "the logits of all %u tokens are minus infinity: the numbers in the weights or adapters are "
                         "so large that the arithmetic overflows on this text",
                         n);
    return ROMA_OK;
}

/* Logits that equal the best are as likely as it, two infinite ones too, whose difference would be no number. */
static bool is_candidate(float l, float best, float temperature) {
    return (l == best) | (best - l < FAR * temperature);
}

static float weight_of(float l, float best, float temperature) {
    return l == best ? 1 : roma_exp((l - best) / temperature);
}

/* Falling logits as rising numbers; 0 and -0, which are equal, are one. */
static uint32_t rank_of(float logit) {
    const uint32_t bits = roma_f32_bits(logit + 0.0f);
    return bits >> 31 ? bits : ~(bits | 1u << 31);
}

/* Sorts n candidates that stand in order of their ids by falling logit, those of equal logits staying as they stand:
 * by digits of the rank from the last to the first, between c and `other`. Returns the one that holds them then. */
static candidate *sort(candidate *c, candidate *other, size_t n) {
    enum { BITS = 11, DIGITS = 3, VALUES = 1 << BITS };
    uint32_t count[DIGITS][VALUES] = {{0}};
    for (size_t i = 0; i < n; i++)
        for (unsigned d = 0; d < DIGITS; d++) count[d][rank_of(c[i].logit) >> d * BITS & (VALUES - 1)]++;
    for (unsigned d = 0; d < DIGITS; d++) {
        uint32_t before = 0;
        for (unsigned v = 0; v < VALUES; v++) {
            const uint32_t here = count[d][v];
            count[d][v] = before;
            before += here;
        }
        for (size_t i = 0; i < n; i++) other[count[d][rank_of(c[i].logit) >> d * BITS & (VALUES - 1)]++] = c[i];
        candidate *const sorted = other;
        other = c;
        c = sorted;
    }
    return c;
}

/* Draws among n >= 1 candidates in order: takes them one by one, stopping where top-k, min-p or top-p cut. The best is
 * always taken. */
static int32_t draw(const roma_sampling *s, const candidate *c, size_t n, float *weight, uint64_t position) {
    size_t kept = 0, m = 0;
    float all = 0, sum = 0;
    const size_t limit = s->top_k && s->top_k < n ? s->top_k : n;
    for (; kept < limit; kept++) {
        const float w = weight_of(c[kept].logit, c[0].logit, s->temperature);
        if (kept && w < s->min_p) break;
        weight[kept] = w;
        all += w;
    }
    do sum += weight[m++];
    while (m < kept && sum < s->top_p * all);
    const float u = (float)(roma_random(s->seed, position) >> 40) * roma_pow2(-24) * sum;
    float run = 0;
    for (size_t i = 0; i < m; i++) {
        run += weight[i];
        if (u < run) return c[i].id;
    }
    return c[m - 1].id;
}

int roma_sample(const roma_sampling *s, const float *logits, uint32_t vocab, const int32_t *recent, size_t n_recent,
                size_t n_answer, uint64_t position, void *scratch, int32_t *token, roma_error *err) {
    candidate *c = scratch, *other = c + vocab;
    float *own = (float *)(void *)(other + vocab), *block = own + vocab; /* changed logits, then the weights */
    const bool repeats = s->repeat_penalty != 1.0f,
               answers = n_answer && (!is_zero(s->presence_penalty) || !is_zero(s->frequency_penalty));
    if (repeats || answers || s->n_bias || s->mask) {
        if (s->mask)
            copy_masked(own, logits, vocab, s->mask);
        else
            memcpy(own, logits, vocab * sizeof *own);
        if (repeats) penalise(own, vocab, s, recent, n_recent);
        if (answers) penalise_answer(own, vocab, s, recent + n_recent - n_answer, n_answer, scratch);
        add_bias(own, vocab, s);
        logits = own;
    }
    uint32_t best = 0;
    const int rc = find_best(logits, vocab, s->mask != NULL, block, &best, err);
    if (rc) return rc;
    *token = (int32_t)best;
    if (s->temperature <= 0 || s->top_k == 1) return ROMA_OK;
    size_t n = 0;
    const float most = logits[best];
    for (uint32_t b = 0; b < blocks_of(vocab); b++) {
        if (!is_candidate(block[b], most, s->temperature)) continue;
        for (uint32_t i = b * BLOCK; i < block_end(b, vocab); i++) { /* without a branch that nobody could foresee */
            c[n] = (candidate){logits[i], (int32_t)i};
            n += is_candidate(logits[i], most, s->temperature);
        }
    }
    *token = draw(s, sort(c, other, n), n, own, position);
    return ROMA_OK;
}
