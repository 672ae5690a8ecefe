/* A vocabulary in a file, for tests only: how tests/reference/tokenizer_families.py hands over the vocabularies
 * that the reference uses. Little-endian: "ROMAVOC1"; u32 kind, pre, n_tokens, text bytes, n_merges, has scores;
 * i32 bos, eos, unk, pad; u32 n_eog; i32 eog[16]; u8 add_bos, add_eos, add_space_prefix, ignore_merges; then
 * text_off, types, scores, merges, text. */
#ifndef ROMA_TEST_VOCAB_FILE_H
#define ROMA_TEST_VOCAB_FILE_H
#include <stdlib.h>
#include <string.h>
#include "roma/text.h"

typedef struct {
    roma_vocab v;
    uint32_t *text_off, *merges;
    uint8_t *type;
    float *score;
} test_vocab_file;

static inline bool test_vocab_load(test_vocab_file *f, const roma_map *m) {
    roma_reader r;
    roma_reader_init(&r, m->data, m->size, 0);
    const uint8_t *magic = roma_read_bytes(&r, 8);
    if (!magic || memcmp(magic, "ROMAVOC1", 8) != 0) return false;
    roma_vocab *v = &f->v;
    memset(f, 0, sizeof *f);
    v->kind = roma_read_u32(&r);
    v->pre = roma_read_u32(&r);
    v->n_tokens = roma_read_u32(&r);
    const uint32_t text_bytes = roma_read_u32(&r);
    v->n_merges = roma_read_u32(&r);
    const bool scores = roma_read_u32(&r);
    v->bos = (int32_t)roma_read_u32(&r);
    v->eos = (int32_t)roma_read_u32(&r);
    v->unk = (int32_t)roma_read_u32(&r);
    v->pad = (int32_t)roma_read_u32(&r);
    v->n_eog = roma_read_u32(&r);
    for (unsigned i = 0; i < ROMA_EOG_MAX; i++) v->eog[i] = (int32_t)roma_read_u32(&r);
    v->add_bos = roma_read_u8(&r);
    v->add_eos = roma_read_u8(&r);
    v->add_space_prefix = roma_read_u8(&r);
    v->ignore_merges = roma_read_u8(&r);
    f->text_off = calloc((size_t)v->n_tokens + 1, 4);
    f->merges = calloc(2 * (size_t)v->n_merges + 1, 4);
    f->score = scores ? calloc((size_t)v->n_tokens + 1, 4) : NULL;
    for (uint32_t i = 0; i <= v->n_tokens; i++) f->text_off[i] = roma_read_u32(&r);
    v->type = roma_read_bytes(&r, v->n_tokens);
    for (uint32_t i = 0; scores && i < v->n_tokens; i++) f->score[i] = roma_read_f32(&r);
    for (uint32_t i = 0; i < 2 * v->n_merges; i++) f->merges[i] = roma_read_u32(&r);
    v->text = (const char *)roma_read_bytes(&r, text_bytes);
    v->text_off = f->text_off;
    v->merges = f->merges;
    v->score = f->score;
    return !r.failed;
}

static inline void test_vocab_unload(test_vocab_file *f) {
    free(f->text_off);
    free(f->merges);
    free(f->score);
}
#endif
