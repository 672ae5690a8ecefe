/* Fuzzes the text room. First byte 0: the rest is a vocabulary, to be refused or used without fault. Else the byte
 * chooses one of fixed small vocabularies, one for each pre-tokenizer, and flags, and the rest is text for it, whose
 * bytes must come back; and a Jinja text, and a message.
 */
#include <stdlib.h>
#include "../tests/text/small_vocab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                                                                     \
    do {                                                                                                               \
        if (!(x)) abort();                                                                                             \
    } while (0)

enum { IDS = 1 << 15 };
static int32_t ids[IDS];
static char back[4 * IDS];

static size_t token_bytes(const roma_tokenizer *t, size_t n) {
    size_t len = 0;
    for (size_t i = 0; i < n; i++) len += roma_token_bytes(t, ids[i], true, back + len, sizeof back - len);
    return len;
}

static void stream(const roma_tokenizer *t, size_t n, bool special) {
    static char out[3 * (ROMA_TOKEN_BYTES_MAX + 4)];
    roma_detok d;
    roma_detok_init(&d, t, special);
    for (size_t i = 0; i <= n; i++) {
        const size_t len = i < n ? roma_detok_push(&d, ids[i], out) : roma_detok_flush(&d, out);
        unsigned k;
        for (size_t at = 0; at < len; at += k) /* whole characters only */
            REQUIRE(roma_text_utf8((uint8_t *)out + at, (uint8_t *)out + len, &k) != TEXT_BAD);
    }
}

/* Plain text gives no control token; ids give the text's bytes. */
static void round_trip(const small_vocab *s, const roma_tokenizer *t, const char *text, size_t len, unsigned flags) {
    size_t n;
    REQUIRE(roma_tokenize(t, text, len, flags, ids, IDS, &n, NULL) == 0 && n <= IDS);
    for (size_t i = 0; i < n; i++)
        REQUIRE((flags & (ROMA_TEXT_SPECIAL | ROMA_TEXT_BOS)) || s->type[ids[i]] != ROMA_TT_CONTROL);
    stream(t, n, flags & 1);
    const size_t got = token_bytes(t, n);
    char *nfc = NULL;
    if (s->v.kind == ROMA_TOK_BPE &&
        roma_text_pre_composes(
            s->v.pre)) { /* what lies between special tokens is normalised by itself: not tried here */
        if ((flags & ROMA_TEXT_SPECIAL) || memmem(text, len, "think>", 6)) return;
        REQUIRE(roma_text_nfc(text, len, &nfc, &len, NULL) == 0);
        text = nfc;
    }
    if (s->v.kind == ROMA_TOK_BPE) REQUIRE(got == len && memcmp(back, text, len) == 0);
    roma_free(nfc);
}

static void converse(const roma_tokenizer *t, int kind, const char *text, size_t len) {
    const roma_message m[] = {
        {ROMA_ROLE_USER, text, len}, {ROMA_ROLE_ASSISTANT, text, len}, {ROMA_ROLE_USER, text, len / 2}};
    size_t n;
    REQUIRE(roma_text_template_apply(t, (roma_template_kind)kind, m, 3, true, ids, IDS, &n, NULL) == 0);
}

static void fuzz_text(unsigned choice, const char *text, size_t len) {
    enum { KINDS = ROMA_PRE_LAST + 1 };
    static small_vocab s[KINDS];
    static roma_tokenizer *t[KINDS];
    for (unsigned i = 0; i < KINDS && !t[KINDS - 1]; i++) {
        if (i == KINDS - 1)
            small_spm(&s[i]);
        else
            small_bpe(&s[i], ROMA_PRE_GPT2 + i);
        REQUIRE(roma_tokenizer_create(&t[i], &s[i].v, "fixed", NULL) == 0);
    }
    if (len > 4096) return;
    const unsigned i = choice % KINDS;
    round_trip(&s[i], t[i], text, len, choice / KINDS % 8);
    for (int kind = 1 + (int)(choice & 1); len < 1024 && roma_text_template_name((roma_template_kind)kind); kind += 4)
        converse(t[i], kind, text, len);
}

/* A vocabulary out of the input, arrays as wild as it says but as long as their counts. */
static void fuzz_vocab(const uint8_t *data, size_t size) {
    roma_reader r;
    roma_reader_init(&r, data, size, 0);
    roma_vocab v = {.kind = roma_read_u8(&r), .pre = roma_read_u8(&r), .n_tokens = roma_read_u8(&r)};
    const unsigned flags = roma_read_u8(&r);
    v.bos = (int8_t)roma_read_u8(&r);
    v.eos = (int8_t)roma_read_u8(&r);
    v.unk = (int8_t)roma_read_u8(&r);
    v.pad = (int8_t)roma_read_u8(&r);
    v.n_eog = roma_read_u8(&r);
    for (unsigned i = 0; i < ROMA_EOG_MAX; i++) v.eog[i] = (int8_t)(flags & 16 ? roma_read_u8(&r) : 0);
    v.add_bos = flags & 1;
    v.add_eos = flags >> 1 & 1;
    v.add_space_prefix = flags >> 2 & 1;
    v.ignore_merges = flags >> 3 & 1;
    v.n_merges = roma_read_u8(&r);
    uint32_t off[257] = {0}, merges[512];
    uint8_t type[256];
    float score[256];
    for (unsigned i = 0; i < 256 && i < v.n_tokens; i++) {
        off[i + 1] = off[i] + (flags & 32 ? roma_read_u8(&r) : roma_read_u8(&r) & 15u);
        if (flags & 64 && i == 7) off[i + 1] = roma_read_u8(&r);
        type[i] = roma_read_u8(&r) & 7;
        score[i] = (float)(int8_t)roma_read_u8(&r);
    }
    for (unsigned i = 0; i < 2 * v.n_merges; i++) merges[i] = roma_read_u8(&r);
    uint32_t most = 0;
    for (unsigned i = 0; i <= v.n_tokens; i++) most = off[i] > most ? off[i] : most;
    char *text = calloc(1, most + 1);
    const size_t left = roma_reader_left(&r) < most ? (size_t)roma_reader_left(&r) : most;
    memcpy(text, data + size - left, left);
    v.text = text;
    v.text_off = off;
    v.type = type;
    v.score = score;
    v.merges = merges;
    roma_tokenizer *t;
    roma_error err;
    const int rc = roma_vocab_check(&v, "fuzz", &err);
    REQUIRE(roma_tokenizer_create(&t, &v, "fuzz", NULL) == rc);
    if (!rc) {
        size_t n;
        const size_t len = size < 2048 ? size : 2048;
        for (unsigned f = 0; f < 8; f++) {
            REQUIRE(roma_tokenize(t, (const char *)data, len, f, ids, IDS, &n, NULL) == 0);
            stream(t, n < IDS ? n : IDS, f & 1);
        }
        if (len < 256) {
            const roma_message m = {ROMA_ROLE_USER, (const char *)data, len};
            for (int kind = 1; roma_text_template_name((roma_template_kind)kind); kind++)
                roma_text_template_apply(t, (roma_template_kind)kind, &m, 1, true, ids, IDS, &n, NULL);
        }
        roma_tokenizer_destroy(t);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    if (data[0] == 0)
        fuzz_vocab(data + 1, size - 1);
    else
        fuzz_text(data[0], (const char *)data + 1, size - 1);
    return 0;
}
