/* Good images: what was written is read back; what the two hashes depend on; the writer's refusals. */
#include "../test.h"
#include "fixture.h"

#include "../base/folder.h"
#include "../base/scarce.h"

#include <signal.h>
#include <sys/resource.h>

static void say(const roma_error *err) {
    char text[1024];
    fprintf(stderr, "%s\n", roma_error_format(err, text, sizeof text));
}

/* ---- content ---- */

static void check_tensor(fixture *x, const roma_image *img, const roma_image_tensor *t) {
    size_t source = 0; /* of the fixture: same role and layer */
    while (x->tensors[source].role != t->role || x->tensors[source].layer != t->layer) source++;
    if (t->tie >= 0) {
        CHECK(t->data == img->desc.tensors[t->tie].data && t->tile_bytes == img->desc.tensors[t->tie].tile_bytes);
        return;
    }
    CHECK_EQ((uintptr_t)t->data % 4, 0);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        CHECK(t->data == img->map.data + t->offset); /* mapped, never copied */
    if (t->is_vector) {
        float want[1024];
        fixture_vector(x, source, want);
        CHECK(memcmp(want, t->data, t->cols * 4) == 0);
        return;
    }
    CHECK_EQ((uintptr_t)t->data % 64, 0);
    CHECK(memcmp(&t->format, &x->tensors[source].format, sizeof t->format) == 0);
    uint8_t *tile = calloc(1, t->tile_bytes);
    for (uint64_t k = 0; k < (t->rows + 15) / 16; k++) {
        memset(tile, 0, t->tile_bytes);
        fixture_tile(x, source, k, tile);
        CHECK(memcmp(tile, t->data + k * t->tile_bytes, t->tile_bytes) == 0);
    }
    free(tile);
}

static void check_vocab(const roma_vocab *a, const roma_vocab *b) {
    CHECK(a->kind == b->kind && a->pre == b->pre && a->n_tokens == b->n_tokens && a->n_merges == b->n_merges);
    CHECK(a->bos == b->bos && a->eos == b->eos && a->unk == b->unk && a->pad == b->pad &&
          a->template_kind == b->template_kind);
    CHECK(a->add_bos == b->add_bos && a->add_eos == b->add_eos && a->n_eog == b->n_eog && a->eog[0] == b->eog[0]);
    CHECK(memcmp(a->text_off, b->text_off, 4 * (a->n_tokens + 1)) == 0 &&
          memcmp(a->text, b->text, a->text_off[a->n_tokens]) == 0);
    CHECK(memcmp(a->type, b->type, a->n_tokens) == 0);
    CHECK(a->template_bytes == b->template_bytes &&
          (!a->template_bytes || memcmp(a->template_text, b->template_text, a->template_bytes) == 0));
    CHECK(!a->n_merges || memcmp(a->merges, b->merges, 8 * a->n_merges) == 0);
    CHECK(!a->score == !b->score && (!a->score || memcmp(a->score, b->score, 4 * a->n_tokens) == 0));
}

static void check_content(fixture *x, const roma_image *img, const roma_image_written *w) {
    CHECK(memcmp(&img->desc.hyper, &x->d.hyper, sizeof x->d.hyper) == 0);
    CHECK_STR(img->desc.name, x->d.name);
    CHECK_STR(img->desc.license, x->d.license);
    CHECK_STR(img->note, "made by the tests");
    CHECK(memcmp(img->base_id, w->base_id, 32) == 0 && memcmp(img->file_sha256, w->file_sha256, 32) == 0);
    CHECK_EQ(img->desc.n_tensors, x->d.n_tensors);
    for (size_t i = 0; i < img->desc.n_tensors; i++) check_tensor(x, img, &img->desc.tensors[i]);
    CHECK(roma_description_find(&img->desc, ROMA_W_HEAD, 0) == &img->desc.tensors[img->desc.n_tensors - 1]);
    CHECK(!roma_description_find(&img->desc, ROMA_W_HEAD, 1));
    CHECK_EQ(img->has_vocab, x->with_vocab);
    if (img->has_vocab) check_vocab(&img->vocab, &x->vocab);
}

/* The base identity once more, from the bytes of the file alone: docs/rom-format.md. */
static void check_identity(const uint8_t *data) {
    const uint8_t *section[5] = {0}; /* HYPR ROPE TENS DATA, and what is left */
    uint64_t rope = 0;
    uint8_t id[32];
    roma_sha256 h;
    for (uint32_t i = 0; i < roma_le32(data + 24); i++) {
        const uint8_t *e = data + 128 + 32 * i;
        unsigned k = 0;
        while (k < 4 && memcmp(e, &"HYPRROPETENSDATA"[4 * k], 4) != 0) k++;
        section[k] = data + roma_le64(e + 8);
        if (k == 1) rope = roma_le64(e + 16);
    }
    roma_sha256_init(&h);
    roma_sha256_update(&h, "ROMA base identity 1\n", 21);
    roma_sha256_update(&h, section[0], 36);
    roma_sha256_update(&h, section[0] + 40, 4);
    roma_sha256_update(&h, section[1], rope);
    roma_sha256_update(&h, section[2], 4);
    for (uint32_t i = 0; i < roma_le32(section[2]); i++) {
        static const uint8_t s[] = {0, 32, 8, 12, 12, 16, 64}; /* bytes of a group's scales, by form */
        static const uint8_t zeros[] = {0, 8, 16};             /* likewise of own zero points */
        static const uint8_t is_tied[2][4] = {{0}, {1, 0, 0, 0}};
        const uint8_t *d = section[2] + 16 + 128 * i, *p = data + roma_le64(d + 56);
        const int32_t tie = (int32_t)roma_le32(d + 48);
        roma_sha256_update(&h, d, 48);
        roma_sha256_update(&h, d + 80, 32);
        roma_sha256_update(&h, is_tied[tie >= 0], 4);
        if (tie >= 0) {
            roma_sha256_update(&h, section[2] + 16 + 128 * tie, 8);
            continue;
        }
        const uint64_t cols = roma_le64(d + 16), bytes = roma_le64(d + 64), supers = roma_le16(d + 34);
        const uint64_t step = d[24] ? roma_le64(d + 72) : bytes;
        const uint64_t used = !d[24] ? bytes
                                     : 2 * cols * (d[26] + d[27]) +
                                           cols / roma_le16(d + 32) * (unsigned)(s[d[29]] + s[d[30]] + zeros[d[31]]) +
                                           (supers ? cols / supers * 32 * (d[30] ? 2 : 1) : 0);
        for (uint64_t at = 0; at < bytes; at += step) roma_sha256_update(&h, p + at, used);
    }
    roma_sha256_final(&h, id);
    CHECK_BYTES(data + 40, id, 32);
}

static int count_calls(void *ctx, const char *what, uint64_t done, uint64_t total) {
    CHECK(what[0] && done <= total);
    ++*(int *)ctx;
    return 0;
}

static int stop_at_once(void *ctx, const char *what, uint64_t done, uint64_t total) {
    (void)ctx, (void)what, (void)done, (void)total;
    return 1;
}

static void test_round_trips(void) {
    static fixture x;
    const char *path = in_folder("a.roma");
    for (uint32_t k = 0; k < 27; k++) {
        const uint32_t arch = 1 + k % 3, width = k % 2 ? 256 : 64, kind = k / 3 % 3;
        roma_image img;
        roma_image_written w;
        roma_error err;
        int calls = 0;
        const roma_progress progress = {count_calls, &calls}, stop = {stop_at_once, NULL};
        fixture_init(&x, arch, width, k, kind);
        if (fixture_write(&x, path, &w, &err)) say(&err);
        roma_team *team = NULL;
        CHECK(k % 4 == 0 || !roma_team_create(&team, (int)(k % 4), &err));
        CHECK_EQ(roma_image_open(&img, path, k % 2 ? ROMA_IMAGE_NO_VERIFY : 0, team, &err), ROMA_OK);
        CHECK_EQ(img.map.size, w.bytes);
        check_content(&x, &img, &w);
        check_identity(img.map.data);
        roma_image_close(&img);
        roma_image_close(&img); /* once more harms nothing */
        if (roma_image_verify(path, team, &progress, &err)) say(&err);
        CHECK_EQ(roma_image_verify(path, team, &progress, &err), ROMA_OK);
        CHECK(calls > 2);
        CHECK_EQ(roma_image_verify(path, team, &stop, &err), ROMA_ECANCEL);
        CHECK_EQ(roma_image_verify(path, team, NULL, NULL), ROMA_OK);
        if (team) roma_team_destroy(team);
    }
    CHECK_EQ(entries(), 1);
}

/* ---- a large section, so that threads share its CRC ---- */

static void test_threads(void) {
    static fixture x;
    const char *path = in_folder("big.roma");
    size_t size;
    roma_error err;
    fixture_init(&x, ROMA_ARCH_QWEN3, 512, 0, 0);
    CHECK_EQ(fixture_write(&x, path, NULL, &err), ROMA_OK);
    uint8_t *data = fixture_load(path, 0, &size);
    CHECK(data && size > 1 << 20);
    for (int threads = 1; data && threads <= 5; threads++) {
        roma_team *team;
        roma_image img;
        CHECK_EQ(roma_team_create(&team, threads, &err), ROMA_OK);
        CHECK_EQ(roma_image_open(&img, path, 0, team, &err), ROMA_OK);
        const uint64_t at = img.desc.tensors[3].offset + 1000 * (uint64_t)threads;
        roma_image_close(&img);
        FILE *f = fopen(path, "r+b");
        CHECK(f && !fseek(f, (long)at, SEEK_SET) && fputc(data[at] ^ 4, f) != EOF && !fclose(f));
        CHECK_EQ(roma_image_open(&img, path, 0, team, &err), ROMA_EDAMAGED);
        CHECK(strstr(err.text, "section DATA fails"));
        f = fopen(path, "r+b");
        CHECK(f && !fseek(f, (long)at, SEEK_SET) && fputc(data[at], f) != EOF && !fclose(f));
        roma_team_destroy(team);
    }
    free(data);
    unlink(path);
}

/* ---- hashes ---- */

static bool same_id(fixture *x, const roma_image_written *base, bool *same_file) {
    roma_image_written w = {0};
    CHECK_EQ(fixture_write(x, in_folder("b.roma"), &w, NULL), ROMA_OK);
    if (same_file) *same_file = memcmp(w.file_sha256, base->file_sha256, 32) == 0;
    return memcmp(w.base_id, base->base_id, 32) == 0;
}

static void order_of(fixture *x, uint32_t role, const roma_order *order) {
    for (size_t i = 0; i < x->d.n_tensors; i++)
        if (x->tensors[i].role == role && !x->tensors[i].layer) x->tensors[i].order = order;
}

static const uint32_t *order_from(const fixture *x, uint32_t role) {
    return roma_description_find(&x->d, role, 0)->order->from;
}

static void test_identity(void) {
    static fixture x, plain;
    roma_image_written base;
    bool same;
    fixture_init(&plain, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE);
    CHECK_EQ(fixture_write(&plain, in_folder("b.roma"), &base, NULL), ROMA_OK);
#define CHANGED(change) (x = plain, x.d.tensors = x.tensors, (void)(change), same_id(&x, &base, &same))
    CHECK(CHANGED(0) && same);
    CHECK(CHANGED(strcpy(x.d.name, "another")) && !same);
    CHECK(CHANGED(x.d.license[0] = 0) && !same);
    CHECK(CHANGED(x.d.hyper.context = 4096) && !same);
    CHECK(CHANGED(x.with_vocab = false) && !same);
    CHECK(CHANGED(x.vocab.add_bos = 0) && !same);
    CHECK(!CHANGED(x.d.hyper.rms_eps = 1e-6f));
    CHECK(!CHANGED(x.d.hyper.rope_phase[3]++));
    CHECK(!CHANGED(x.d.hyper.rope_gain = 1.5f));
    CHECK(!CHANGED(x.tensors[x.d.n_tensors - 1].tie = -1)); /* the same weights, stored twice */
    CHECK(!CHANGED((x.tensors[0].format.zero = 7, x.tensors[x.d.n_tensors - 1].format.zero = 7)));
    CHECK(!CHANGED((x.d.n_tensors--, 0)));
    fixture_order(&plain); /* orders are a part of the identity: which they are, and of which matrix */
    CHECK_EQ(fixture_write(&plain, in_folder("b.roma"), &base, NULL), ROMA_OK);
    CHECK(CHANGED(0) && same);
    CHECK(!CHANGED(order_of(&x, ROMA_W_K, NULL)));
    CHECK(!CHANGED(order_of(&x, ROMA_W_DOWN, &(roma_order){128, false, order_from(&x, ROMA_W_DOWN)})));
    CHECK(!CHANGED(order_of(&x, ROMA_W_O, &(roma_order){64, false, order_from(&x, ROMA_W_Q)})));
    fixture_init(&plain, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE);
    CHECK_EQ(fixture_write(&plain, in_folder("b.roma"), &base, NULL), ROMA_OK);
    /* The order of the description is not the order of the file. */
    static fixture turned;
    turned = plain, turned.d.tensors = turned.tensors;
    const size_t n = plain.d.n_tensors;
    for (size_t i = 0; i < n; i++) {
        turned.tensors[i] = plain.tensors[n - 1 - i];
        if (turned.tensors[i].tie >= 0) turned.tensors[i].tie = (int32_t)(n - 1) - turned.tensors[i].tie;
    }
    roma_image_written w;
    const roma_tile_source none = {.ctx = &turned, .tile = fixture_tile, .vector = fixture_vector};
    CHECK_EQ(roma_image_write(in_folder("b.roma"), &turned.d, &plain.vocab, "made by the tests", &none, NULL, &w, NULL),
             ROMA_OK);
    CHECK_EQ(w.bytes, base.bytes); /* other random weights, as they come by index; the same layout */
    unlink(in_folder("b.roma"));
}

/* ---- the writer's refusals: nothing appears ---- */

static void expect_write(fixture *x, const char *path, int code, const char *text) {
    roma_error err = {.text = ""};
    CHECK_EQ(fixture_write(x, path, NULL, &err), code);
    if (!strstr(err.text, text)) {
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", err.text, text);
        test_failures++;
    }
    CHECK_EQ(entries(), 0);
}

#define REFUSED(change, code, text)                                                                                    \
    (fixture_init(&x, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE), (void)(change), expect_write(&x, path, code, text))

static void test_refusals(void) {
    static fixture x;
    const char *path = in_folder("c.roma");
    CHECK_EQ(entries(), 0);
    REFUSED(x.d.hyper.heads = 0, ROMA_EUNSUPPORTED, "number of heads");
    REFUSED(x.d.name[3] = '\n', ROMA_EINPUT, "printable ASCII");
    REFUSED(memset(x.d.name, 'a', sizeof x.d.name), ROMA_EINPUT, "printable ASCII");
    REFUSED(x.vocab.bos = 40, ROMA_EDAMAGED, "bos");
    REFUSED(x.tensors[x.d.n_tensors - 1].role = ROMA_W_Q_NORM, ROMA_EINPUT, "the architecture has no such tensor");
    REFUSED(x.tensors[3].layer = 0, ROMA_EINPUT, "unknown or there twice");
    REFUSED(x.tensors[3].layer = 7, ROMA_EINPUT, "unknown or there twice");
    REFUSED(x.tensors[0] = x.tensors[--x.d.n_tensors], ROMA_EINPUT, "embed is missing");
    REFUSED(x.d.n_tensors = 0, ROMA_EINPUT, "embed is missing");
    REFUSED(x.tensors[0].rows++, ROMA_EINPUT, "embed: is 46 x 64, expected 45 x 64");
    REFUSED(x.tensors[0].format.group = 128, ROMA_EUNSUPPORTED, "use a group of 64");
    REFUSED(x.tensors[0].is_vector = true, ROMA_EINPUT, "matrix and vector confused");
    REFUSED(x.tensors[0].act_group = 32, ROMA_EUNSUPPORTED, "activation groups");
    static const uint32_t none[64];
    static const roma_order short_one = {32, false, none}, folded = {64, true, none}, thrice = {64, false, none};
    REFUSED(x.tensors[0].order = &thrice, ROMA_EINPUT, "embed: an order is for columns of a layer's matrix");
    REFUSED(order_of(&x, ROMA_W_ATTN_NORM, &thrice), ROMA_EINPUT, "an order is for columns of a layer's matrix");
    REFUSED(order_of(&x, ROMA_W_V, &short_one), ROMA_EINPUT, "layer 0: v: the order of its columns is of another");
    REFUSED(order_of(&x, ROMA_W_O, &folded), ROMA_EINPUT, "layer 0: o: a folded order is for columns of down");
    REFUSED(order_of(&x, ROMA_W_UP, &thrice), ROMA_EINPUT, "layer 0: up: the order of its columns does not have each");
    REFUSED(x.tensors[x.d.n_tensors - 1].tie = 1, ROMA_EINPUT, "the tie names a vector");
    REFUSED(x.tensors[x.d.n_tensors - 1].tie = 1000, ROMA_EINPUT, "no earlier tensor");
    REFUSED(x.tensors[0].tie = 0, ROMA_EINPUT, "embed: the tie names no earlier tensor");
    REFUSED((x.poison = true, x.tensors[x.d.n_tensors - 1].tie = -1), ROMA_EINPUT,
            "head: a scale or value is not finite");
    roma_error err;
    fixture_init(&x, ROMA_ARCH_LLAMA, 64, 0, 0);
    const roma_tile_source source = {.ctx = &x, .tile = fixture_tile, .vector = fixture_vector};
    const roma_progress stop = {stop_at_once, NULL};
    CHECK_EQ(roma_image_write(path, &x.d, NULL, "bad\n", &source, NULL, NULL, &err), ROMA_EINPUT);
    CHECK_EQ(roma_image_write(path, &x.d, NULL, "", &source, &stop, NULL, &err), ROMA_ECANCEL);
    CHECK_EQ(entries(), 0);
    static fixture few;
    fixture_init(&few, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE);
    few.d.hyper.vocab = FIXTURE_TOKENS - 1;
    few.tensors[0].rows = few.tensors[few.d.n_tensors - 1].rows = FIXTURE_TOKENS - 1;
    expect_write(&few, path, ROMA_EINPUT, "the model only 39 rows");
}

/* As many tokens as the model has rows are enough, and the most. */
static void test_full_vocabulary(void) {
    static fixture x;
    roma_image img;
    roma_error err;
    const char *path = in_folder("full.roma");
    fixture_init(&x, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_SPM);
    x.d.hyper.vocab = FIXTURE_TOKENS;
    x.tensors[0].rows = x.tensors[x.d.n_tensors - 1].rows = FIXTURE_TOKENS;
    CHECK_EQ(fixture_write(&x, path, NULL, &err), ROMA_OK);
    CHECK_EQ(roma_image_open(&img, path, 0, NULL, &err), ROMA_OK);
    CHECK_EQ(img.vocab.n_tokens, img.desc.hyper.vocab);
    roma_image_close(&img);
    unlink(path);
}

/* ---- the system's refusals ---- */

static void test_out_of_memory(void) {
    static fixture x;
    const char *path = in_folder("d.roma");
    roma_image img;
    roma_error err;
    int calls = 0;
    for (bool done = false; !done && calls < 1000; calls++) { /* writing */
        fixture_init(&x, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE);
        scarce_begin(calls);
        const int code = fixture_write(&x, path, NULL, &err);
        roma_allocator_set(NULL);
        done = !code;
        CHECK(done || (code == ROMA_ENOMEM && err.code == ROMA_ENOMEM && err.text[0]));
        CHECK_EQ(entries(), done);
    }
    CHECK(calls > 8 && calls < 1000);
    int opened = 0, verified = 0;
    for (int n = 0, code = 1; code; n++, opened++) {
        scarce_begin(n);
        code = roma_image_open(&img, path, 0, NULL, &err);
        roma_allocator_set(NULL);
        CHECK(!code || code == ROMA_ENOMEM);
        if (!code) roma_image_close(&img);
    }
    for (int n = 0, code = 1; code; n++, verified++) {
        scarce_begin(n);
        code = roma_image_verify(path, NULL, NULL, &err);
        roma_allocator_set(NULL);
        CHECK(!code || code == ROMA_ENOMEM);
    }
    CHECK(opened > 1 && verified > opened);
    /* An open image has taken its memory: one table beside the path's copy, whatever the file's size. */
    const uint64_t before = roma_alloc_count();
    CHECK_EQ(roma_image_open(&img, path, 0, NULL, &err), ROMA_OK);
    CHECK(roma_alloc_count() - before <= 3);
    roma_image_close(&img);
    unlink(path);
}

static void test_io_failures(void) {
    static fixture x;
    roma_error err;
    roma_image img;
    struct rlimit old, small;
    fixture_init(&x, ROMA_ARCH_LLAMA, 64, 0, ROMA_TOK_BPE);
    CHECK_EQ(fixture_write(&x, in_folder("none/a.roma"), NULL, &err), ROMA_EIO);
    CHECK_EQ(fixture_write(&x, folder, NULL, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_image_open(&img, in_folder("none"), 0, NULL, &err), ROMA_EINPUT);
    CHECK_EQ(roma_image_verify(in_folder("none"), NULL, NULL, &err), ROMA_EINPUT);
    CHECK_EQ(roma_image_open(&img, folder, 0, NULL, &err), ROMA_EINPUT);
    /* A full disk, at every sixteenth of the file. */
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    for (rlim_t limit = 0; limit < 64000; limit += 4000) {
        small = (struct rlimit){limit, old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        const int code = fixture_write(&x, in_folder("full.roma"), NULL, &err);
        setrlimit(RLIMIT_FSIZE, &old);
        CHECK_EQ(code, ROMA_EIO);
        CHECK_EQ(entries(), 0);
    }
    /* A failed write leaves the image that was there. */
    CHECK_EQ(fixture_write(&x, in_folder("kept.roma"), NULL, &err), ROMA_OK);
    small = (struct rlimit){5000, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const int code = fixture_write(&x, in_folder("kept.roma"), NULL, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    CHECK_EQ(code, ROMA_EIO);
    CHECK_EQ(roma_image_verify(in_folder("kept.roma"), NULL, NULL, &err), ROMA_OK);
    CHECK_EQ(entries(), 1);
    unlink(in_folder("kept.roma"));
}

int main(void) {
    snprintf(folder, sizeof folder, "/tmp/roma-image-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    test_round_trips();
    unlink(in_folder("a.roma"));
    test_threads();
    test_identity();
    test_refusals();
    test_full_vocabulary();
    test_out_of_memory();
    test_io_failures();
    CHECK_EQ(rmdir(folder), 0);
    return TEST_DONE();
}
