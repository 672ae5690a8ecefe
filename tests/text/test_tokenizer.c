/* Text to ids and back, on small vocabularies. Comparison with the real ones: tests/reference. */
#include <time.h>
#include "../test.h"
#include "small_vocab.h"

static small_vocab S;
static roma_tokenizer *T;

static void use(void (*make)(small_vocab *)) {
    make(&S);
    roma_error err;
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", &err), 0);
}
static void gpt2(small_vocab *s) { small_bpe(s, ROMA_PRE_GPT2); }
static void llama3(small_vocab *s) { small_bpe(s, ROMA_PRE_LLAMA3); }

/* Token texts joined by '|'. */
static const char *ids_text(const int32_t *id, size_t n, char *out) {
    char *o = out;
    for (size_t i = 0; i < n; i++) {
        const uint32_t len = S.off[id[i] + 1] - S.off[id[i]];
        memcpy(o, S.text + S.off[id[i]], len);
        o += len;
        *o++ = '|';
    }
    *o = 0;
    return out;
}

static void gives(const char *text, size_t len, unsigned flags, const char *want) {
    int32_t id[512];
    size_t n;
    char got[4096];
    CHECK_EQ(roma_tokenize(T, text, len, flags, id, 512, &n, NULL), 0);
    CHECK_STR(ids_text(id, n, got), want);
}
#define GIVES(text, flags, want) gives(text, sizeof(text) - 1, flags, want)

static void test_bpe(void) {
    use(gpt2);
    GIVES("", 0, "");
    GIVES("hello the", 0, "hello|Ġthe|");
    GIVES("hellhe", 0, "hell|he|");
    GIVES("    x", 0, "ĠĠ|Ġ|Ġ|x|"); /* the piece ends before the last space */
    GIVES("    ", 0, "ĠĠĠĠ|");
    GIVES("1234", 0, "123|4|");
    GIVES("it's\n\n", 0, "i|t|'s|ĊĊ|");
    GIVES("\xc3\xa9\xff", 0, "Ã©|ÿ|");
    GIVES("aaaaaaaaaaa", 0, "aaaaaaaa|aa|a|"); /* leftmost first among equals */
    roma_tokenizer_destroy(T);
}

static void test_special(void) {
    use(gpt2);
    GIVES("a<|im_end|>b", ROMA_TEXT_SPECIAL, "a|<|im_end|>|b|");
    GIVES("<|im_end|><s>", ROMA_TEXT_SPECIAL, "<|im_end|>|<s>|");
    GIVES("<s><s", ROMA_TEXT_SPECIAL, "<s>|<|s|");
    GIVES("<s>", 0, "<|s|>|");
    GIVES("a<think>b", 0, "a|<|t|h|i|n|k|>|b|"); /* a user token in angle brackets is a marker */
    GIVES("a<think>b", ROMA_TEXT_SPECIAL, "a|<think>|b|");
    GIVES("<|user_marker|>", ROMA_TEXT_SPECIAL, "<|user_marker|>|");
    int32_t id[64];
    size_t n;
    CHECK_EQ(roma_tokenize(T, "<|user_marker|>", 15, 0, id, 64, &n, NULL), 0);
    CHECK_EQ(n, 15);
    /* of a text whose bytes are known, markers are made of trusted ones alone */
    const uint8_t first[] = {1, 1, 1, 0, 0, 0}, second[] = {0, 1, 1, 1, 1, 1};
    CHECK_EQ(roma_tokenize_marked(T, "<s><s>", first, 6, id, 64, &n, NULL), 0);
    CHECK_EQ(id[0], small_id(&S, "<s>"));
    CHECK_EQ(n, 4);
    CHECK_EQ(roma_tokenize_marked(T, "<s><s>", second, 6, id, 64, &n, NULL), 0);
    CHECK_EQ(id[3], small_id(&S, "<s>"));
    CHECK_EQ(n, 4);
    CHECK(roma_token_is_eog(T, small_id(&S, "<|im_end|>")) && roma_token_is_eog(T, small_id(&S, "</s>")));
    CHECK(!roma_token_is_eog(T, 0) && !roma_token_is_eog(T, -1));
    roma_tokenizer_destroy(T);

    small_bpe(&S, ROMA_PRE_GPT2);
    small_token(&S, "<|im_end|>x", ROMA_TT_CONTROL);
    S.v.add_bos = S.v.add_eos = 1;
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    GIVES("<|im_end|>x<|im_end|>y", ROMA_TEXT_SPECIAL, "<|im_end|>x|<|im_end|>|y|"); /* the longest */
    GIVES("", ROMA_TEXT_BOS, "<s>|</s>|");
    roma_tokenizer_destroy(T);
}

/* A special token is found by the whole of its text; nothing is none, though a token may have no text. */
static void test_find_special(void) {
    small_init(&S, ROMA_TOK_SPM, ROMA_PRE_NONE);
    small_token(&S, "", ROMA_TT_CONTROL);
    const int32_t id[] = {small_token(&S, "<a>", ROMA_TT_CONTROL), small_token(&S, "<a>b", ROMA_TT_USER)};
    small_add(&S, "c", 1, ROMA_TT_NORMAL, 0);
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    CHECK_EQ(roma_text_find_special(T, "", 0), -1);
    CHECK_EQ(roma_text_find_special(T, "<a>", 3), id[0]);
    CHECK_EQ(roma_text_find_special(T, "<a>b", 4), id[1]);
    CHECK_EQ(roma_text_find_special(T, "<a>b", 2), -1);
    CHECK_EQ(roma_text_find_special(T, "<a>c", 4), -1);
    CHECK_EQ(roma_text_find_special(T, "c", 1), -1);
    roma_tokenizer_destroy(T);
}

static void test_ignore_merges(void) {
    llama3(&S);
    small_token(&S, "Ġxyz", ROMA_TT_NORMAL);
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    GIVES(" xyz", 0, "Ġ|x|y|z|");
    roma_tokenizer_destroy(T);
    S.v.ignore_merges = 1;
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    GIVES(" xyz xyzz", 0, "Ġxyz|Ġ|x|y|z|z|");
    roma_tokenizer_destroy(T);
}

static void test_missing_bytes(void) {
    small_init(&S, ROMA_TOK_BPE, ROMA_PRE_GPT2);
    small_token(&S, "a", ROMA_TT_NORMAL);
    small_merge(&S, "a", "a");
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    GIVES("aba b", 0, "aa|"); /* a byte without a token leaves no trace, as in the reference */
    GIVES("bbb", 0, "");
    roma_tokenizer_destroy(T);
}

static void test_spm(void) {
    use(small_spm);
    GIVES("", 0, "");
    GIVES("hello the", 0, "▁hello|▁the|");
    GIVES("hello", ROMA_TEXT_CONTINUE, "hello|");
    GIVES(" hello", 0, "▁|▁hello|");
    GIVES("    hello", ROMA_TEXT_BOS, "<s>|▁▁▁▁|▁hello|");
    GIVES("\xe2\x96\x81hello", ROMA_TEXT_CONTINUE, "▁hello|");
    GIVES("\n\xe6\xbc\xa2", ROMA_TEXT_CONTINUE, "<0x0A>|<0xE6>|<0xBC>|<0xA2>|");
    GIVES("\xc3\xa9\xff\xc3", ROMA_TEXT_CONTINUE, "é|<0xFF>|<0xC3>|");
    GIVES("<s></s><0x41><unk>", ROMA_TEXT_CONTINUE, "<|s|>|<|/|s|>|<|0|x|4|1|>|<|u|n|k|>|");
    GIVES("in</s>in", ROMA_TEXT_SPECIAL, "▁|in|</s>|▁|in|");
    roma_tokenizer_destroy(T);

    small_spm(&S); /* a space before what begins with none */
    S.v.add_space_prefix = ROMA_PREFIX_MISSING;
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    GIVES("in</s>in</s> in", ROMA_TEXT_SPECIAL, "▁|in|</s>|▁|in|</s>|▁|in|");
    GIVES("\xe2\x96\x81hello", 0, "▁hello|");
    GIVES(" hello", 0, "▁hello|");
    GIVES("in</s>in", ROMA_TEXT_SPECIAL | ROMA_TEXT_CONTINUE, "in|</s>|▁|in|");
    roma_tokenizer_destroy(T);
    S.v.add_space_prefix = ROMA_PREFIX_FIRST; /* the same, at the beginning alone */
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    GIVES("in</s>in</s> in", ROMA_TEXT_SPECIAL, "▁|in|</s>|in|</s>|▁|in|");
    GIVES("</s>in", ROMA_TEXT_SPECIAL, "</s>|in|");
    GIVES(" hello", 0, "▁hello|");
    roma_tokenizer_destroy(T);
    S.v.add_space_prefix = ROMA_PREFIX_FIRST + 1;
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), ROMA_EDAMAGED);

    small_spm(&S); /* without byte tokens: unknown characters in a row are one */
    for (unsigned i = 3; i < 259; i++) S.type[i] = ROMA_TT_UNUSED;
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    GIVES("a\xe6\xbc\xa2\xe6\xbc\xa2\xff"
          "b\n",
          ROMA_TEXT_CONTINUE, "a|<unk>|b|<unk>|");
    roma_tokenizer_destroy(T);
    S.v.add_space_prefix = 0; /* a marker between them ends the row */
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    GIVES("\xe6\xbc\xa2</s>\xe6\xbc\xa2\xe6\xbc\xa2", ROMA_TEXT_SPECIAL, "<unk>|</s>|<unk>|");
    roma_tokenizer_destroy(T);
}

static void test_cap(void) {
    use(gpt2);
    int32_t id[4] = {-7, -7, -7, -7};
    size_t n;
    CHECK_EQ(roma_tokenize(T, "xyzw", 4, 0, id, 2, &n, NULL), 0);
    CHECK_EQ(n, 4);
    CHECK(id[0] == small_id(&S, "x") && id[1] == small_id(&S, "y") && id[2] == -7);
    CHECK_EQ(roma_tokenize(T, "xyzw", 4, 0, NULL, 0, &n, NULL), 0);
    CHECK_EQ(n, 4);
    roma_error err;
    CHECK_EQ(roma_tokenize(T, "", ((size_t)1 << 31) + 1, 0, NULL, 0, &n, &err), ROMA_EINPUT);
    roma_tokenizer_destroy(T);
}

/* ---- back to text --------------------------------------------------------------------------------- */

static size_t detok(const int32_t *id, size_t n, bool special, char *out) {
    static char piece[3 * (ROMA_TOKEN_BYTES_MAX + 4)];
    roma_detok d;
    size_t len = 0;
    roma_detok_init(&d, T, special);
    for (size_t i = 0; i <= n; i++) {
        const size_t k = i < n ? roma_detok_push(&d, id[i], piece) : roma_detok_flush(&d, piece);
        memcpy(out + len, piece, k);
        len += k;
        for (unsigned len_c, at = 0; at < k; at += len_c) /* whole characters only */
            CHECK(roma_text_utf8((uint8_t *)piece + at, (uint8_t *)piece + k, &len_c) != TEXT_BAD);
    }
    out[len] = 0;
    return len;
}

static void shows(const char *bytes, const char *want) {
    int32_t id[64];
    char got[512];
    size_t n;
    CHECK_EQ(roma_tokenize(T, bytes, strlen(bytes), ROMA_TEXT_CONTINUE, id, 64, &n, NULL), 0);
    detok(id, n, false, got);
    CHECK_STR(got, want);
}

static void test_detok(void) {
    char got[256], byte[8];
    use(gpt2);
    shows("hello \xe6\xbc\xa2!", "hello \xe6\xbc\xa2!");
    shows("a\xff"
          "b",
          "a\xef\xbf\xbd"
          "b");
    shows("\xe6\xbc", "\xef\xbf\xbd"); /* cut at the end: one for the whole beginning */
    shows("\xe6\xbc"
          "a",
          "\xef\xbf\xbd"
          "a");
    shows("\xe6\xe6\xbc\xa2", "\xef\xbf\xbd\xe6\xbc\xa2");
    shows("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    shows("\xf0\x9f\x98", "\xef\xbf\xbd");
    shows("\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd");
    const int32_t marked[] = {small_id(&S, "<s>"), small_id(&S, "a"), small_id(&S, "<think>"), -1, 99999};
    detok(marked, 5, false, got);
    CHECK_STR(got, "a<think>");
    detok(marked, 5, true, got);
    CHECK_STR(got, "<s>a<think>");
    CHECK_EQ(roma_token_bytes(T, small_id(&S, "hello"), false, byte, 2), 5);
    CHECK(memcmp(byte, "he", 2) == 0);
    CHECK_EQ(roma_token_bytes(T, small_id(&S, "<s>"), false, byte, 8), 0);
    roma_tokenizer_destroy(T);

    use(small_spm);
    const int32_t spm[] = {small_id(&S, "<s>"),    small_id(&S, "▁hello"), small_id(&S, "▁the"),
                           small_id(&S, "<0xE6>"), small_id(&S, "<0xBC>"), small_id(&S, "<0xA2>")};
    detok(spm, 6, false, got);
    CHECK_STR(got, "hello the\xe6\xbc\xa2");
    CHECK_EQ(roma_token_bytes(T, spm[1], false, byte, 8), 6);
    CHECK(memcmp(byte, " hello", 6) == 0);
    roma_tokenizer_destroy(T);
}

/* All rows of four bytes that UTF-8 draws lines at, each row ended by a line's end: sums.py has the same, and the
 * number from Python, which puts U+FFFD for each beginning that breaks off as well. */
static void test_broken(void) {
    static const uint8_t ends[] = {0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1,
                                   0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5};
    char piece[16];
    uint8_t sum[32];
    uint64_t first = 0;
    roma_detok d;
    roma_sha256 h;
    use(gpt2);
    roma_detok_init(&d, T, false);
    roma_sha256_init(&h);
    for (uint32_t i = 0; i < 0x10000; i++)
        for (int k = 4; k >= 0; k--) {
            const uint8_t b = k ? ends[i >> 4 * (k - 1) & 15] : '\n';
            roma_sha256_update(&h, piece, roma_detok_push(&d, T->byte_id[b], piece));
        }
    CHECK_EQ(roma_detok_flush(&d, piece), 0);
    roma_sha256_final(&h, sum);
    for (int i = 0; i < 8; i++) first = first << 8 | sum[i];
    CHECK_EQ(first, UINT64_C(0x5b844126541a7acd));
    roma_tokenizer_destroy(T);
}

/* ---- properties ----------------------------------------------------------------------------------- */

static uint64_t random_state;
static unsigned random_below(unsigned n) { return (unsigned)(roma_random(17, random_state++) % n); }

static size_t random_text(char *s, size_t most, bool valid) {
    static const char *const parts[] = {
        "hello",   " the", "\n", "  ", "'s",   "12",         "<|im_start|>", "<s>",          "<think>",
        "aaaa",    "\r\n", "<|", "|>", "</s>", "<|eot_id|>", "\xc3\xa9",     "\xe6\xbc\xa2", "\xf0\x9f\x98\x80",
        "\xc2\xa0"};
    size_t n = 0;
    while (n + 16 < most && random_below(24)) {
        if (random_below(3)) {
            const char *p = parts[random_below(sizeof parts / sizeof *parts)];
            memcpy(s + n, p, strlen(p));
            n += strlen(p);
        } else if (valid) {
            uint32_t c = random_below(0x110000);
            if (c >= 0xd800 && c < 0xe000) c = '?';
            n += roma_text_utf8_put(c, (uint8_t *)s + n);
        } else {
            s[n++] = (char)random_below(256);
        }
    }
    return n;
}

/* The bytes of the ids are the text; control tokens appear only when asked for. */
static void check_round(const char *s, size_t len, unsigned flags, bool spm) {
    int32_t id[1024];
    char back[2048];
    size_t n, m = 0;
    CHECK_EQ(roma_tokenize(T, s, len, flags, id, 1024, &n, NULL), 0);
    CHECK(n <= 1024);
    for (size_t i = 0; i < n; i++) {
        if (!(flags & ROMA_TEXT_SPECIAL)) CHECK(S.type[id[i]] != ROMA_TT_CONTROL && S.type[id[i]] != ROMA_TT_UNKNOWN);
        m += roma_token_bytes(T, id[i], true, back + m, sizeof back - m);
    }
    if (!spm) CHECK(m == len && memcmp(s, back, m) == 0);
    if (spm) CHECK(m == len + (len && !(flags & ROMA_TEXT_CONTINUE)) && memcmp(s, back + m - len, len) == 0);
}

static void test_round_trip(void) {
    char s[600];
    for (unsigned pre = ROMA_PRE_GPT2; pre <= ROMA_PRE_LLAMA3; pre++) {
        small_bpe(&S, pre);
        CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
        for (unsigned i = 0; i < test_effort(4000); i++) {
            const size_t n = random_text(s, sizeof s, i & 1);
            check_round(s, n, i & 2 ? ROMA_TEXT_SPECIAL : 0, false);
        }
        roma_tokenizer_destroy(T);
    }
    use(small_spm);
    for (unsigned i = 0; i < test_effort(4000); i++) {
        const size_t n = random_text(s, sizeof s, i & 1);
        check_round(s, n, i & 2 ? ROMA_TEXT_CONTINUE : 0, true);
    }
    roma_tokenizer_destroy(T);

    small_bpe(&S, ROMA_PRE_QWEN2); /* normalises: what comes back is the text's NFC */
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    for (unsigned i = 0; i < test_effort(4000); i++) {
        char *c;
        size_t n = random_text(s, sizeof s / 4, i & 1);
        CHECK_EQ(roma_text_nfc(s, n, &c, &n, NULL), 0);
        check_round(c, n, 0, false);
        roma_free(c);
    }
    roma_tokenizer_destroy(T);
}

/* ---- a second computation ------------------------------------------------------------------------- */

/* What two tokens become, by a walk over all tokens: -1 for nothing. *order: the least goes first. */
static int32_t second_joins(int32_t a, int32_t b, double *order) {
    char s[256];
    const uint32_t na = S.off[a + 1] - S.off[a], nb = S.off[b + 1] - S.off[b];
    memcpy(s, S.text + S.off[a], na);
    memcpy(s + na, S.text + S.off[b], nb);
    const int32_t id = small_find(&S, s, na + nb);
    if (S.v.kind == ROMA_TOK_BPE) {
        for (uint32_t i = 0; i < S.v.n_merges; i++)
            if (S.merges[2 * i] == (uint32_t)a && S.merges[2 * i + 1] == (uint32_t)b) return *order = i, id;
        return -1;
    }
    const bool plain = S.type[a] == ROMA_TT_NORMAL && S.type[b] == ROMA_TT_NORMAL && (s[na] & 0xc0) != 0x80;
    if (!plain || id < 0 || S.type[id] != ROMA_TT_NORMAL) return -1;
    *order = -(double)S.score[id];
    return id;
}

/* Joins the first of the best pairs, again and again. Unknown tokens in a row are one. */
static size_t second_merge(int32_t *id, size_t n) {
    for (;;) {
        size_t at = 0;
        int32_t best = -1;
        double least = 0, order = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            const int32_t joined = second_joins(id[i], id[i + 1], &order);
            if (joined < 0 || (best >= 0 && order >= least)) continue;
            at = i;
            best = joined;
            least = order;
        }
        if (best < 0) break;
        id[at] = best;
        memmove(id + at + 1, id + at + 2, (--n - at - 1) * sizeof *id);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!i || id[i] != S.v.unk || id[i - 1] != S.v.unk) id[kept++] = id[i];
    return kept;
}

/* Beginnings of tokens: characters of one to three bytes, and halves of them. */
static const char *const second_chars[] = {"a", "b", "c", "\xc3\xa9", "\xe6\xbc\xa2", "\xa9", "\xc3"};

/* Tokens out of tokens; of BPE all merges in any order, so that few follow the order of what they make. */
static void second_vocab(unsigned kind) {
    const bool bpe = kind == ROMA_TOK_BPE;
    const unsigned chars = bpe ? 3 : 7;
    static const float scores[] = {-2, -1, -0.0f, 0, 0.5f, 3e38f, -3e38f};
    small_init(&S, kind, bpe ? ROMA_PRE_GPT2 : ROMA_PRE_NONE);
    if (!bpe) S.v.unk = small_token(&S, "<unk>", random_below(2) ? ROMA_TT_UNKNOWN : ROMA_TT_NORMAL);
    for (unsigned i = 0; i < chars; i++)
        if (bpe || random_below(8)) small_token(&S, second_chars[i], ROMA_TT_NORMAL);
    for (unsigned i = 0; i < 60; i++) {
        char s[128];
        size_t n = 0;
        for (unsigned k = 2 + random_below(2); k; k--) {
            const uint32_t id = random_below(S.v.n_tokens), len = S.off[id + 1] - S.off[id];
            if (n + len > 40) break;
            memcpy(s + n, S.text + S.off[id], len);
            n += len;
        }
        if (small_find(&S, s, n) < 0)
            small_add(&S, s, n, random_below(9) ? ROMA_TT_NORMAL : ROMA_TT_UNUSED, scores[random_below(7)]);
    }
    for (unsigned i = 0; bpe && i < 3000 && S.v.n_merges < SMALL_MERGES; i++) {
        const int32_t a = (int32_t)random_below(S.v.n_tokens), b = (int32_t)random_below(S.v.n_tokens);
        double order;
        uint32_t *pair = S.merges + 2 * S.v.n_merges++;
        pair[0] = (uint32_t)a;
        pair[1] = (uint32_t)b;
        const int32_t made = second_joins(a, b, &order);
        const bool good = made >= 0 && S.type[made] == ROMA_TT_NORMAL && order == S.v.n_merges - 1;
        if (!good || S.type[a] != ROMA_TT_NORMAL || S.type[b] != ROMA_TT_NORMAL) S.v.n_merges--;
    }
}

static void test_second(void) {
    for (unsigned round = 0; round < test_effort(600); round++) {
        const unsigned kind = round & 1 ? ROMA_TOK_BPE : ROMA_TOK_SPM;
        second_vocab(kind);
        CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
        for (unsigned i = 0; i < 8; i++) {
            char s[256];
            int32_t got[256], want[256];
            size_t n, len = 0, m = 0;
            for (unsigned k = random_below(40); k; k--) {
                const char *c = second_chars[random_below(kind == ROMA_TOK_BPE ? 3 : 7)];
                memcpy(s + len, c, strlen(c));
                len += strlen(c);
            }
            unsigned one;
            for (size_t at = 0; at < len; at += one) {
                roma_text_utf8((uint8_t *)s + at, (uint8_t *)s + len, &one);
                const int32_t id = small_find(&S, s + at, one);
                want[m++] = id >= 0 && S.type[id] == ROMA_TT_NORMAL ? id : S.v.unk;
            }
            m = second_merge(want, m);
            CHECK_EQ(roma_tokenize(T, s, len, ROMA_TEXT_CONTINUE, got, 256, &n, NULL), 0);
            CHECK_EQ(n, m);
            CHECK_BYTES(got, want, m * sizeof *got);
        }
        roma_tokenizer_destroy(T);
    }
}

/* Cutting a SentencePiece text into words first changes no id. */
static void test_words(void) {
    use(small_spm);
    CHECK(T->cut_words);
    for (unsigned i = 0; i < test_effort(2000); i++) {
        char s[300];
        int32_t id[2][1024];
        size_t n[2];
        const size_t len = random_text(s, sizeof s, i & 1);
        for (unsigned cut = 0; cut < 2; cut++) {
            T->cut_words = cut;
            CHECK_EQ(roma_tokenize(T, s, len, i & 2 ? ROMA_TEXT_CONTINUE : 0, id[cut], 1024, &n[cut], NULL), 0);
        }
        CHECK(n[0] == n[1] && memcmp(id[0], id[1], n[0] * sizeof **id) == 0);
    }
    roma_tokenizer_destroy(T);
    small_add(&S, "e▁", 4, ROMA_TT_NORMAL, -500);
    CHECK_EQ(roma_tokenizer_create(&T, &S.v, "test", NULL), 0);
    CHECK(!T->cut_words);
    GIVES("he e e", 0, "▁|he|▁|e▁|e|");
    roma_tokenizer_destroy(T);
}

static double seconds_for(const char *s, size_t len) {
    size_t n;
    const clock_t from = clock();
    CHECK_EQ(roma_tokenize(T, s, len, 0, NULL, 0, &n, NULL), 0);
    CHECK(n > 0);
    return (double)(clock() - from) / CLOCKS_PER_SEC;
}

/* One piece of a mebibyte: the merge must not be quadratic. */
static void test_long(void) {
    const size_t mib = 1 << 20;
    char *s = malloc(mib);
    static void (*const make[])(small_vocab *) = {gpt2, llama3, small_spm};
    for (size_t k = 0; k < 3; k++) {
        use(make[k]);
        for (const char *c = "a \n<7'\xcc"; *c; c++) {
            memset(s, *c, mib);
            CHECK(seconds_for(s, mib) < 2.0); /* twice the promise: sanitizers run this too */
        }
        for (size_t i = 0; i < mib; i++) s[i] = (char)('a' + random_below(26));
        CHECK(seconds_for(s, mib) < 2.0);
        roma_tokenizer_destroy(T);
    }
    free(s);
}

int main(void) {
    test_bpe();
    test_special();
    test_find_special();
    test_ignore_merges();
    test_missing_bytes();
    test_spm();
    test_cap();
    test_detok();
    test_broken();
    test_round_trip();
    test_second();
    test_words();
    test_long();
    return TEST_DONE();
}
