/* The FP32 evaluator: against the double-precision textbook pass of tests/exec/random_model.h, for every architecture,
 * with tied and own heads; the same bits whatever the team and the room; what a hook sees, and how it ends a pass. */
#include <unistd.h>

#include "roma/ref.h"
#include "../base/scarce.h"
#include "../exec/random_model.h"
#include "../test.h"

enum { TOKENS = 37, VOCAB = 200 };

static const roma_format q4_1 = {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32};
static const roma_format q6_k = {.bits = 6, .scale = ROMA_SCALE_S8, .group = 16, .super = 256, .zero = 32};
static int32_t ids[TOKENS];

static void open_random(roma_image *img, uint32_t arch, roma_format f, uint32_t vocab) {
    char path[64];
    roma_error err = {0};
    random_model *r = calloc(1, sizeof *r);
    snprintf(path, sizeof path, "/tmp/roma-test-ref-%ld", (long)getpid());
    random_model_init(r, arch, f, 11);
    r->d.hyper.vocab = vocab;
    for (size_t i = 0; i < r->d.n_tensors; i++)
        roma_hyper_shape(&r->d.hyper, r->tensors[i].role, &r->tensors[i].rows, &r->tensors[i].cols);
    CHECK_EQ(random_model_write(r, path, &err), 0);
    CHECK_EQ(roma_image_open(img, path, 0, NULL, &err), 0);
    unlink(path);
    free(r);
}

/* ---- against doubles ---- */

static void check_close(uint32_t arch, roma_format f) {
    roma_image img;
    roma_team *team;
    roma_ref *ref;
    double want[VOCAB], norm = 0, diff = 0;
    open_random(&img, arch, f, VOCAB);
    CHECK_EQ(roma_team_create(&team, 2, NULL), 0);
    CHECK_EQ(roma_ref_create(&ref, (roma_ref_weights[]){roma_ref_image(&img)}, team, TOKENS, 3, NULL), 0);
    CHECK_EQ(roma_ref_forward(ref, ids, TOKENS, NULL, NULL, NULL), 0);
    for (uint32_t n = 1; n <= TOKENS; n += 12) { /* n tokens: the logits of position n - 1 */
        const float *got = roma_ref_logits(ref, n - 1, 1);
        ref_forward(&img, ids, n, want);
        for (uint32_t i = 0; i < VOCAB; i++) {
            norm += want[i] * want[i];
            diff += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        }
    }
    CHECK(norm > 0);
    CHECK(sqrt(diff / norm) < 2e-6);
    roma_ref_destroy(ref);
    roma_team_destroy(team);
    roma_image_close(&img);
}

/* ---- one value by hand ---- */

/* A pass of one token in a model whose layers add nothing (ROMA_W_O and ROMA_W_DOWN are zero): the logit is the head's
 * row times the token's normalised embedding, which a reader can follow. */
static void zero_tile(void *ctx, size_t tensor, uint64_t tile, uint8_t *out) {
    const random_model *m = ctx;
    const roma_image_tensor *t = &m->tensors[tensor];
    if (t->role != ROMA_W_O && t->role != ROMA_W_DOWN) {
        random_tile(ctx, tensor, tile, out);
        return;
    }
    uint8_t code[512] = {0};
    uint16_t scale[16] = {0}, min[16] = {0};
    const roma_row row = {code, scale, min, NULL, NULL, NULL, NULL};
    for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) roma_tile_put_row(&t->format, t->cols, out, r, &row);
}

static void weight_row(const roma_image *img, uint32_t role, uint32_t r, float *out) {
    const roma_image_tensor *t = roma_description_find(&img->desc, role, 0);
    roma_tile_dequant_row(&t->format, t->cols, t->data + r / 16 * t->tile_bytes, r % 16, out);
}

static void check_by_hand(void) {
    char path[64];
    roma_image img;
    roma_team *team;
    roma_ref *ref;
    roma_image_written w;
    float embed[256], head[256];
    double squares = 0, sum = 0;
    random_model *r = calloc(1, sizeof *r);
    const roma_tile_source source = {.ctx = r, .tile = zero_tile, .vector = random_vector};
    snprintf(path, sizeof path, "/tmp/roma-test-ref-%ld", (long)getpid());
    random_model_init(r, ROMA_ARCH_LLAMA, q4_1, 3);
    CHECK_EQ(roma_image_write(path, &r->d, NULL, "", &source, NULL, &w, NULL), 0);
    CHECK_EQ(roma_image_open(&img, path, 0, NULL, NULL), 0);
    CHECK_EQ(roma_team_create(&team, 1, NULL), 0);
    CHECK_EQ(roma_ref_create(&ref, (roma_ref_weights[]){roma_ref_image(&img)}, team, 1, 1, NULL), 0);
    CHECK_EQ(roma_ref_forward(ref, &(int32_t){17}, 1, NULL, NULL, NULL), 0);
    weight_row(&img, ROMA_W_EMBED, 17, embed);
    weight_row(&img, ROMA_W_HEAD, 123, head);
    const float *gain = (const float *)(const void *)roma_description_find(&img.desc, ROMA_W_FINAL_NORM, 0)->data;
    for (int i = 0; i < 256; i++) squares += (double)embed[i] * (double)embed[i];
    for (int i = 0; i < 256; i++) sum += (double)head[i] * (double)embed[i] * (double)gain[i];
    CHECK_NEAR((double)roma_ref_logits(ref, 0, 1)[123], sum / sqrt(squares / 256 + 1e-5), 1e-5);
    roma_ref_destroy(ref);
    roma_team_destroy(team);
    roma_image_close(&img);
    unlink(path);
    free(r);
}

/* ---- the same bits ---- */

static void logits_of(const roma_image *img, int threads, uint32_t ctx, uint32_t rows, float *out) {
    roma_team *team;
    roma_ref *ref;
    const uint32_t vocab = img->desc.hyper.vocab;
    CHECK_EQ(roma_team_create(&team, threads, NULL), 0);
    CHECK_EQ(roma_ref_create(&ref, (roma_ref_weights[]){roma_ref_image(img)}, team, ctx, rows, NULL), 0);
    CHECK_EQ(roma_ref_forward(ref, ids, 5, NULL, NULL, NULL), 0); /* what it leaves must not be seen */
    CHECK_EQ(roma_ref_forward(ref, ids, TOKENS, NULL, NULL, NULL), 0);
    for (uint32_t p = 0; p < TOKENS; p += rows) {
        const uint32_t n = TOKENS - p < rows ? TOKENS - p : rows;
        memcpy(out + (size_t)p * vocab, roma_ref_logits(ref, p, n), (size_t)n * vocab * sizeof *out);
    }
    roma_ref_destroy(ref);
    roma_team_destroy(team);
}

static void check_same_bits(void) {
    roma_image img;
    enum { ODD = 203 }; /* the last tile has rows of no model */
    float *a = calloc(TOKENS * ODD, sizeof *a), *b = calloc(TOKENS * ODD, sizeof *b);
    open_random(&img, ROMA_ARCH_QWEN3, q4_1, ODD);
    logits_of(&img, 1, TOKENS, TOKENS, a);
    logits_of(&img, 3, TOKENS + 20, 4, b);
    CHECK_BYTES(b, a, TOKENS * ODD * sizeof *a);
    roma_image_close(&img);
    free(a);
    free(b);
}

/* ---- hooks ---- */

typedef struct {
    const roma_image *img;
    uint32_t calls, stop_at;
    double last; /* norm of the last residual stream */
} seen;

static int hook(void *ctx, uint32_t layer, uint32_t layers, const float *x, uint32_t n) {
    seen *s = ctx;
    CHECK_EQ(layer, s->calls++);
    CHECK_EQ(layers, s->img->desc.hyper.layers);
    CHECK_EQ(n, TOKENS);
    double norm = 0;
    for (size_t i = 0; i < (size_t)n * s->img->desc.hyper.hidden; i++) norm += (double)x[i] * (double)x[i];
    CHECK(norm != s->last);
    s->last = norm;
    if (layer == 0) { /* rows of the embedding as they are */
        float row[256];
        weight_row(s->img, ROMA_W_EMBED, (uint32_t)ids[n - 1], row);
        CHECK_BYTES(x + (size_t)(n - 1) * 256, row, sizeof row);
    }
    return layer == s->stop_at;
}

static void check_hooks(void) {
    roma_image img;
    roma_team *team;
    roma_ref *ref;
    roma_error err;
    open_random(&img, ROMA_ARCH_QWEN2, q4_1, VOCAB);
    CHECK_EQ(roma_team_create(&team, 2, NULL), 0);
    CHECK_EQ(roma_ref_create(&ref, (roma_ref_weights[]){roma_ref_image(&img)}, team, TOKENS, 1, NULL), 0);
    for (uint32_t stop = 0; stop <= 3; stop++) {
        seen s = {.img = &img, .stop_at = stop};
        const int rc = roma_ref_forward(ref, ids, TOKENS, hook, &s, &err);
        CHECK_EQ(rc, stop <= 2 ? ROMA_ECANCEL : ROMA_OK);
        CHECK_EQ(s.calls, stop <= 2 ? stop + 1 : 3);
        if (rc) CHECK_STR(err.text, "interrupted");
    }
    roma_ref_destroy(ref);
    roma_team_destroy(team);
    roma_image_close(&img);
}

/* ---- memory ---- */

/* Without memory, at whichever piece, the evaluator is refused and leaves nothing. */
static void check_scarce(void) {
    roma_image img;
    roma_team *team;
    roma_ref *ref;
    roma_error err;
    open_random(&img, ROMA_ARCH_LLAMA, q4_1, VOCAB);
    CHECK_EQ(roma_team_create(&team, 2, NULL), 0);
    int rc = ROMA_ENOMEM, pieces = 0;
    for (; rc == ROMA_ENOMEM && pieces < 100; pieces++) {
        scarce_begin(pieces);
        rc = roma_ref_create(&ref, (roma_ref_weights[]){roma_ref_image(&img)}, team, TOKENS, 1, &err);
        if (rc) CHECK_HAS(err.text, "FP32 evaluation");
        roma_ref_destroy(ref);
    }
    roma_allocator_set(NULL);
    CHECK_EQ(rc, 0);
    CHECK_EQ(pieces, 15); /* itself and thirteen arrays, then with all of them */
    roma_team_destroy(team);
    roma_image_close(&img);
}

int main(void) {
    for (int i = 0; i < TOKENS; i++) ids[i] = (int32_t)(roma_random(5, (uint64_t)i) % VOCAB);
    check_scarce();
    check_close(ROMA_ARCH_LLAMA, q4_1);
    check_close(ROMA_ARCH_QWEN2, q4_1);
    check_close(ROMA_ARCH_QWEN3, q6_k);
    check_by_hand();
    check_same_bits();
    check_hooks();
    return TEST_DONE();
}
