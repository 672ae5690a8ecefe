/* Checks of a vocabulary's fields. Everything here came out of a file somebody made: no field is trusted,
 * and a message names the field and the index. What needs look-ups is checked in tables.c. */
#include <math.h>
#include <string.h>
#include "text.h"

#define TEXT_SPECIALS_MAX 65536u

int roma_text_byte_of(const char *text, size_t len) {
    if (len != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return -1;
    uint32_t byte;
    return roma_hex_read(text + 3, text + 5, 2, &byte) == 2 ? (int)byte : -1;
}

/* Between bars, <|user|>; full-width ones, U+FF5C, count too. */
static bool looks_like_control(const char *s, size_t len) {
    static const char open[] = "<\xef\xbd\x9c", close[] = "\xef\xbd\x9c>";
    if (len > 4 && memcmp(s, "<|", 2) == 0 && memcmp(s + len - 2, "|>", 2) == 0) return true;
    return len > 8 && memcmp(s, open, 4) == 0 && memcmp(s + len - 4, close, 4) == 0;
}

bool roma_text_is_control(const roma_vocab *v, uint32_t id) {
    if (v->type[id] != ROMA_TT_USER) return true;
    if ((int64_t)id == v->bos || (int64_t)id == v->eos) return true;
    for (uint32_t i = 0; i < v->n_eog; i++)
        if ((int64_t)id == v->eog[i]) return true;
    uint32_t len;
    const char *s = roma_text_of(v, id, &len);
    return looks_like_control(s, len);
}

bool roma_text_is_marker(const roma_vocab *v, uint32_t id) {
    uint32_t len;
    const char *s = roma_text_of(v, id, &len);
    if (roma_text_is_control(v, id)) return true;
    if (len < 3 || s[0] != '<' || s[len - 1] != '>') return false;
    for (uint32_t i = 1; i + 1 < len; i++)
        if (s[i] == '<' || s[i] == '>' || (uint8_t)s[i] <= ' ') return false;
    return true;
}

static int bad(roma_error *err, const char *file, const char *what, uint64_t i) {
    return roma_fail(err, ROMA_EDAMAGED, file, ROMA_NOWHERE, "tokenizer: %s (index %llu)", what, (unsigned long long)i);
}

static int check_kind(const roma_vocab *v, const char *file, roma_error *err) {
    if (v->kind != ROMA_TOK_BPE && v->kind != ROMA_TOK_SPM) return bad(err, file, "kind is unknown", v->kind);
    const bool bpe = v->kind == ROMA_TOK_BPE;
    if (bpe ? v->pre < ROMA_PRE_GPT2 || v->pre > ROMA_PRE_LAST : v->pre != ROMA_PRE_NONE)
        return bad(err, file, "pre does not fit the kind", v->pre);
    const uint32_t n = v->n_tokens;
    if (n == 0 || n > ROMA_TOKENS_MAX) return bad(err, file, "n_tokens is out of range", n);
    if (!v->text_off || !v->text || !v->type) return bad(err, file, "text or type is missing", 0);
    if (!bpe && !v->score) return bad(err, file, "score is missing", 0);
    if (!bpe && v->n_merges) return bad(err, file, "merges belong to BPE only", v->n_merges);
    if (v->n_merges > ROMA_TOKENS_MAX) return bad(err, file, "n_merges is out of range", v->n_merges);
    if (v->n_merges && !v->merges) return bad(err, file, "merges are missing", 0);
    return ROMA_OK;
}

static int check_flags(const roma_vocab *v, const char *file, roma_error *err) {
    const int32_t id[] = {v->bos, v->eos, v->unk, v->pad};
    static const char *const name[] = {"bos is no token", "eos is no token", "unk is no token", "pad is no token"};
    const int64_t n = v->n_tokens;
    for (unsigned i = 0; i < 4; i++)
        if (id[i] < -1 || id[i] >= n) return bad(err, file, name[i], (uint32_t)id[i]);
    if (v->n_eog > ROMA_EOG_MAX) return bad(err, file, "n_eog is out of range", v->n_eog);
    for (uint32_t i = 0; i < v->n_eog; i++)
        if (v->eog[i] < 0 || v->eog[i] >= n) return bad(err, file, "eog is no token", i);
    const uint8_t flag[] = {v->add_bos, v->add_eos, v->ignore_merges};
    for (unsigned i = 0; i < 3; i++)
        if (flag[i] > 1) return bad(err, file, "a flag is neither 0 nor 1", i);
    if (v->add_space_prefix > ROMA_PREFIX_FIRST)
        return bad(err, file, "add_space_prefix is unknown", v->add_space_prefix);
    if (v->template_bytes > ROMA_TEXT_TEMPLATE_MAX)
        return bad(err, file, "the chat template is too long", v->template_bytes);
    if (!roma_text_template_name((roma_template_kind)v->template_kind))
        return bad(err, file, "template_kind is unknown", v->template_kind);
    return ROMA_OK;
}

static int check_merges(const roma_vocab *v, const char *file, roma_error *err) {
    for (uint32_t i = 0; i < 2 * v->n_merges; i++) {
        const uint32_t id = v->merges[i];
        if (id >= v->n_tokens) return bad(err, file, "a merge names no token", i / 2);
        if (v->type[id] != ROMA_TT_NORMAL || v->text_off[id] == v->text_off[id + 1])
            return bad(err, file, "a merge names a token that is no text", i / 2);
    }
    return ROMA_OK;
}

static int check_tokens(const roma_vocab *v, const char *file, roma_error *err) {
    if (v->text_off[0] != 0) return bad(err, file, "text_off does not begin at 0", 0);
    bool seen[256] = {false};
    uint32_t specials = 0;
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        if (v->text_off[i + 1] < v->text_off[i]) return bad(err, file, "text_off descends", i);
        uint32_t len;
        const char *s = roma_text_of(v, i, &len);
        if (len > ROMA_TOKEN_BYTES_MAX) return bad(err, file, "text is longer than 4096 bytes", i);
        const unsigned type = v->type[i];
        if (type < ROMA_TT_NORMAL || type > ROMA_TT_BYTE) return bad(err, file, "type is unknown", i);
        if (v->kind == ROMA_TOK_SPM && !isfinite(v->score[i])) return bad(err, file, "score is not finite", i);
        if (type == ROMA_TT_BYTE) {
            const int b = v->kind == ROMA_TOK_SPM ? roma_text_byte_of(s, len) : -1;
            if (b < 0 || seen[b]) return bad(err, file, "a byte token is not <0xNN>, or is there twice", i);
            seen[b] = true;
        }
        if (type == ROMA_TT_CONTROL || type == ROMA_TT_UNKNOWN || type == ROMA_TT_USER) specials++;
        if (specials > TEXT_SPECIALS_MAX) return bad(err, file, "there are more than 65536 special tokens", i);
    }
    return ROMA_OK;
}

int roma_text_check_fields(const roma_vocab *v, const char *file, roma_error *err) {
    int rc = check_kind(v, file, err);
    if (!rc) rc = check_tokens(v, file, err);
    if (!rc) rc = check_flags(v, file, err);
    if (!rc) rc = check_merges(v, file, err);
    return rc;
}

int roma_vocab_check(const roma_vocab *v, const char *file, roma_error *err) {
    roma_tokenizer t = {.v = *v};
    const int rc = roma_text_tables(&t, file, err);
    if (!rc) roma_text_tables_free(&t);
    return rc;
}
