/* Vocabularies made in a test: a few tokens, added one by one. */
#ifndef ROMA_TEST_SMALL_VOCAB_H
#define ROMA_TEST_SMALL_VOCAB_H
#include <stdio.h>
#include <string.h>
#include "text/text.h"

enum { SMALL_TOKENS = 700, SMALL_TEXT = 16384, SMALL_MERGES = 256 };

typedef struct {
    roma_vocab v;
    uint32_t off[SMALL_TOKENS + 1];
    char text[SMALL_TEXT];
    uint8_t type[SMALL_TOKENS];
    float score[SMALL_TOKENS];
    uint32_t merges[2 * SMALL_MERGES];
} small_vocab;

static inline int32_t small_find(const small_vocab *s, const char *text, size_t len) {
    for (uint32_t i = 0; i < s->v.n_tokens; i++)
        if (s->off[i + 1] - s->off[i] == len && memcmp(s->text + s->off[i], text, len) == 0) return (int32_t)i;
    return -1;
}
static inline int32_t small_id(const small_vocab *s, const char *text) { return small_find(s, text, strlen(text)); }

static inline int32_t small_add(small_vocab *s, const char *text, size_t len, unsigned type, float score) {
    const uint32_t i = s->v.n_tokens++;
    memcpy(s->text + s->off[i], text, len);
    s->off[i + 1] = s->off[i] + (uint32_t)len;
    s->type[i] = (uint8_t)type;
    s->score[i] = score;
    return (int32_t)i;
}
static inline int32_t small_token(small_vocab *s, const char *text, unsigned type) {
    return small_add(s, text, strlen(text), type, 0);
}

/* a and b are tokens already, written in the byte alphabet; their union is added when it is new. */
static inline void small_merge(small_vocab *s, const char *a, const char *b) {
    char joined[256];
    snprintf(joined, sizeof joined, "%s%s", a, b);
    s->merges[2 * s->v.n_merges] = (uint32_t)small_id(s, a);
    s->merges[2 * s->v.n_merges + 1] = (uint32_t)small_id(s, b);
    s->v.n_merges++;
    if (small_id(s, joined) < 0) small_token(s, joined, ROMA_TT_NORMAL);
}

static inline void small_init(small_vocab *s, unsigned kind, unsigned pre) {
    memset(s, 0, sizeof *s);
    s->v = (roma_vocab){.kind = kind,
                        .pre = pre,
                        .text_off = s->off,
                        .text = s->text,
                        .type = s->type,
                        .bos = -1,
                        .eos = -1,
                        .unk = -1,
                        .pad = -1};
    if (kind == ROMA_TOK_SPM) s->v.score = s->score;
    if (kind == ROMA_TOK_BPE) s->v.merges = s->merges;
}

static const char *const small_markers[] = {
    "<|im_start|>",      "<|im_end|>", "<|endoftext|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eot_id|>", "<s>",           "</s>",
};

/* All bytes, some English merges, the markers of the templates as control tokens, <think> as user token. */
static inline void small_bpe(small_vocab *s, unsigned pre) {
    small_init(s, ROMA_TOK_BPE, pre);
    for (unsigned b = 0; b < 256; b++) {
        uint8_t c[4];
        const unsigned n = roma_text_utf8_put(roma_text_alphabet_char((uint8_t)b), c);
        small_add(s, (const char *)c, n, ROMA_TT_NORMAL, 0);
    }
    static const char *const merge[][2] = {
        {"h", "e"},       {"Ġ", "t"},   {"l", "l"}, {"Ġt", "he"}, {"he", "ll"}, {"hell", "o"},
        {"Ġ", "Ġ"},       {"ĠĠ", "ĠĠ"}, {"1", "2"}, {"12", "3"},  {"a", "a"},   {"aa", "aa"},
        {"aaaa", "aaaa"}, {"'", "s"},   {"Ċ", "Ċ"}, {"Ã", "©"},   {"e", "l"},   {"Ġ", "he"},
    };
    for (size_t i = 0; i < sizeof merge / sizeof *merge; i++) small_merge(s, merge[i][0], merge[i][1]);
    for (size_t i = 0; i < sizeof small_markers / sizeof *small_markers; i++)
        small_token(s, small_markers[i], ROMA_TT_CONTROL);
    small_token(s, "<think>", ROMA_TT_USER);
    small_token(s, "</think>", ROMA_TT_USER);
    small_token(s, "<|user_marker|>", ROMA_TT_USER);
    s->v.bos = small_id(s, "<s>");
    s->v.eos = small_id(s, "</s>");
    s->v.eog[s->v.n_eog++] = small_id(s, "<|im_end|>");
}

/* As Llama-2's, in small: unk, markers, bytes, then pieces in order of score. */
static inline void small_spm(small_vocab *s) {
    small_init(s, ROMA_TOK_SPM, ROMA_PRE_NONE);
    s->v.unk = small_token(s, "<unk>", ROMA_TT_UNKNOWN);
    s->v.bos = small_token(s, "<s>", ROMA_TT_CONTROL);
    s->v.eos = small_token(s, "</s>", ROMA_TT_CONTROL);
    for (unsigned b = 0; b < 256; b++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", b);
        small_token(s, name, ROMA_TT_BYTE);
    }
    static const char *const piece[] = {"he", "▁t",   "ll", "▁the", "hell", "hello", "▁hello", "lo",
                                        "▁▁", "▁▁▁▁", "aa", "aaaa", "in",   "INST",  "▁[",     "é"};
    float score = 0;
    for (size_t i = 0; i < sizeof piece / sizeof *piece; i++)
        small_add(s, piece[i], strlen(piece[i]), ROMA_TT_NORMAL, score--);
    small_add(s, "▁", 3, ROMA_TT_NORMAL, score--);
    for (char c = '!'; c <= '~'; c++) small_add(s, &c, 1, ROMA_TT_NORMAL, score--);
    s->v.add_bos = s->v.add_space_prefix = 1;
}
#endif
