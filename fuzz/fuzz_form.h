/* What the targets of forms share: a small vocabulary, and a walk through the texts of a form. */
#ifndef ROMA_FUZZ_FORM_H
#define ROMA_FUZZ_FORM_H

#include "roma/constrain.h"

#include <stdlib.h>

static inline void form_check(bool ok) {
    if (!ok) abort();
}

static inline const roma_constrain_words *form_words(const roma_tokenizer **out) {
    static small_vocab v;
    static roma_tokenizer *tok;
    static roma_constrain_words *words;
    roma_error err;
    if (!words) {
        small_bpe(&v, ROMA_PRE_GPT2);
        v.v.eos = small_id(&v, "<|im_end|>");
        form_check(!roma_tokenizer_create(&tok, &v.v, "", &err) && !roma_constrain_words_create(&words, tok, v.v.n_tokens, NULL, 0, &err));
    }
    *out = tok;
    return words;
}

static inline bool form_has(const uint64_t *mask, uint32_t id) { return mask[id / 64] >> id % 64 & 1; }

/* A text of up to 40 tokens, which the input's bytes choose. */
static inline void form_text(const roma_constrain *c, const uint8_t *data, size_t size) {
    const roma_tokenizer *tok;
    const roma_constrain_words *w = form_words(&tok);
    const uint32_t n = roma_tokenizer_vocab(tok)->n_tokens;
    const int32_t eos = roma_tokenizer_vocab(tok)->eos;
    roma_constrain_state *s;
    roma_error err = {0};
    int rc = roma_constrain_state_create(&s, c, w, true, &err);
    for (uint32_t k = 0; !rc && k < 40 && !roma_constrain_must_end(s); k++) {
        const uint64_t *mask;
        rc = roma_constrain_mask(s, &mask, &err);
        if (rc) break;
        form_check(form_has(mask, (uint32_t)eos) == roma_constrain_may_end(s));
        uint32_t id = (size ? data[k % size] * 257u + k : k) % n, tries = 0;
        while (tries++ < n && (!form_has(mask, id) || (int32_t)id == eos)) id = (id + 1) % n;
        if (tries > n) break;
        rc = roma_constrain_accept(s, (int32_t)id, &err);
        form_check(rc != ROMA_EINPUT); /* what the mask allows can come */
    }
    if (rc) form_check(rc == ROMA_EUNSUPPORTED && err.text[0]);
    if (!rc || s) roma_constrain_state_destroy(s);
}

static inline void form_walk(roma_constrain_kind kind, const uint8_t *data, size_t size) {
    roma_constrain *c;
    roma_error err = {0};
    const int rc = roma_constrain_create(&c, kind, (const char *)data, size, "f", &err);
    if (rc) form_check(!c && err.code == rc && err.text[0]);
    if (!rc) form_text(c, data, size);
    roma_constrain_destroy(c);
}

#endif
