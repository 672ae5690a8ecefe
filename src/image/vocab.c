/* Section VOCB: the tokenizer's arrays, used where they lie. Checked here is what makes them safe to walk; the
 * rules between tokens are text's. */
#include "image/internal.h"

#define TOKEN_END(id, n) ((id) < -1 || (id) >= (int64_t)(n))

/* ---- reading ---- */

static int read_head(const roma_frame *in, roma_reader *r, roma_vocab *v, uint32_t *text_bytes) {
    const uint64_t at = r->origin;
    v->kind = roma_read_u32(r);
    v->pre = roma_read_u32(r);
    v->n_tokens = roma_read_u32(r);
    v->n_merges = roma_read_u32(r);
    int32_t *const ids[] = {&v->bos, &v->eos, &v->unk, &v->pad};
    for (int i = 0; i < 4; i++) *ids[i] = (int32_t)roma_read_u32(r);
    v->template_kind = roma_read_u32(r);
    uint8_t *const flags[] = {&v->add_bos, &v->add_eos, &v->add_space_prefix, &v->ignore_merges};
    unsigned all = 0;
    for (int i = 0; i < 4; i++) {
        *flags[i] = roma_read_u8(r);
        if (flags[i] != &v->add_space_prefix) all |= *flags[i];
    }
    v->n_eog = roma_read_u32(r);
    for (int i = 0; i < ROMA_EOG_MAX; i++) v->eog[i] = (int32_t)roma_read_u32(r);
    *text_bytes = roma_read_u32(r);
    const uint8_t *reserved = roma_read_bytes(r, 16);
    if (!reserved) return roma_frame_fail(in, ROMA_EINPUT, at, "section VOCB is shorter than its head");
    if (!roma_frame_all_zero(reserved, 16))
        return roma_frame_fail(in, ROMA_EINPUT, at + 112, "reserved bytes of section VOCB are not zero");
    if (v->kind != ROMA_TOK_BPE && v->kind != ROMA_TOK_SPM)
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, at, "tokenizer kind %u is unknown", v->kind);
    if (v->pre > ROMA_PRE_LAST)
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, at + 4, "pre-tokenizer %u is unknown", v->pre);
    if (!roma_text_template_name((roma_template_kind)v->template_kind))
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, at + 32, "chat template %u is unknown", v->template_kind);
    if (v->add_space_prefix > ROMA_PREFIX_FIRST)
        return roma_frame_fail(in, ROMA_EUNSUPPORTED, at + 38, "space prefix %u is unknown", v->add_space_prefix);
    if (all > 1) return roma_frame_fail(in, ROMA_EINPUT, at + 36, "a flag of the tokenizer is neither 0 nor 1");
    return ROMA_OK;
}

static int check_ids(const roma_frame *in, uint64_t at, const roma_vocab *v, uint32_t rows) {
    if (!v->n_tokens || v->n_tokens > rows)
        return roma_frame_fail(in, ROMA_EINPUT, at + 8, "%u tokens for a vocabulary of %u rows", v->n_tokens, rows);
    if (v->n_merges > ROMA_TOKENS_MAX || (v->kind == ROMA_TOK_SPM && v->n_merges))
        return roma_frame_fail(in, ROMA_EINPUT, at + 12, "%u merges are too many", v->n_merges);
    if (TOKEN_END(v->bos, v->n_tokens) || TOKEN_END(v->eos, v->n_tokens) || TOKEN_END(v->unk, v->n_tokens) ||
        TOKEN_END(v->pad, v->n_tokens))
        return roma_frame_fail(in, ROMA_EINPUT, at + 16, "a special id is no token");
    if (v->n_eog > ROMA_EOG_MAX) return roma_frame_fail(in, ROMA_EINPUT, at + 40, "more than 16 ids end a turn");
    for (uint32_t i = 0; i < ROMA_EOG_MAX; i++)
        if (i < v->n_eog ? v->eog[i] < 0 || TOKEN_END(v->eog[i], v->n_tokens) : v->eog[i] != -1)
            return roma_frame_fail(in, ROMA_EINPUT, at + 44 + 4 * i, "an id that ends a turn is no token");
    return ROMA_OK;
}

/* n words at the reader: a pointer into the file, or to a swapped copy at *spare. */
static const void *words(roma_reader *r, uint64_t n, uint32_t **spare) {
    const uint8_t *p = roma_read_bytes(r, 4 * n);
    if (!IMAGE_BIG_ENDIAN || !p) return p;
    uint32_t *out = *spare;
    for (uint64_t i = 0; i < n; i++) out[i] = roma_le32(p + 4 * i);
    *spare += n;
    return out;
}

static int check_arrays(const roma_frame *in, uint64_t at, const roma_vocab *v, uint32_t text_bytes) {
    const uint32_t n = v->n_tokens;
    if (v->text_off[0] || v->text_off[n] != text_bytes)
        return roma_frame_fail(in, ROMA_EINPUT, at, "the token text does not begin at 0 or end with its bytes");
    for (uint32_t i = 0; i < n; i++) {
        if (v->text_off[i + 1] < v->text_off[i] || v->text_off[i + 1] - v->text_off[i] > ROMA_TOKEN_BYTES_MAX)
            return roma_frame_fail(in, ROMA_EINPUT, at + 4ull * i, "token %u has no length from 0 to 4096", i);
        if (v->type[i] < ROMA_TT_NORMAL || v->type[i] > ROMA_TT_BYTE)
            return roma_frame_fail(in, ROMA_EINPUT, at, "token %u has an unknown type", i);
        if (v->score && (roma_f32_bits(v->score[i]) & 0x7f800000u) == 0x7f800000u)
            return roma_frame_fail(in, ROMA_EINPUT, at, "the score of token %u is not finite", i);
    }
    for (uint32_t i = 0; i < 2 * v->n_merges; i++)
        if (v->merges[i] >= n) return roma_frame_fail(in, ROMA_EINPUT, at, "merge %u names no token", i / 2);
    return ROMA_OK;
}

int roma_image_read_vocab(const roma_frame *in, roma_image *img, uint32_t *spare) {
    if (!in->known[IMAGE_VOCB]) return ROMA_OK;
    roma_reader r = roma_image_section_reader(in, IMAGE_VOCB);
    roma_vocab *v = &img->vocab;
    uint32_t text_bytes;
    int code = read_head(in, &r, v, &text_bytes);
    if (!code) code = check_ids(in, r.origin, v, img->desc.hyper.vocab);
    if (code) return code;
    const uint64_t at = r.origin + r.pos, n = v->n_tokens, n_off = n + 1, n_score = v->kind == ROMA_TOK_SPM ? n : 0,
                   n_merge = 2ull * v->n_merges;
    if (roma_reader_left(&r) != 4 * (n_off + n_score + n_merge) + n + text_bytes)
        return roma_frame_fail(in, ROMA_EINPUT, r.origin, "section VOCB has another size than its counts say");
    v->text_off = words(&r, n_off, &spare);
    v->score = n_score ? words(&r, n_score, &spare) : NULL;
    v->merges = n_merge ? words(&r, n_merge, &spare) : NULL;
    v->type = roma_read_bytes(&r, n);
    v->text = (const char *)roma_read_bytes(&r, text_bytes);
    img->has_vocab = true;
    return check_arrays(in, at, v, text_bytes);
}

int roma_image_read_template(const roma_frame *in, roma_image *img) {
    const roma_section *s = in->known[IMAGE_TMPL];
    if (!s) return ROMA_OK;
    if (!img->has_vocab) return roma_frame_fail(in, ROMA_EINPUT, s->offset, "section TMPL without a tokenizer");
    if (s->bytes > ROMA_TEXT_TEMPLATE_MAX)
        return roma_frame_fail(in, ROMA_EINPUT, s->offset, "section TMPL is longer than 1 MiB");
    img->vocab.template_text = (const char *)in->data + s->offset;
    img->vocab.template_bytes = (uint32_t)s->bytes;
    return ROMA_OK;
}

/* ---- writing ---- */

static void put_ids(roma_buf *out, const int32_t *id, uint32_t n, uint32_t room) {
    for (uint32_t i = 0; i < room; i++) roma_buf_le32(out, i < n ? (uint32_t)id[i] : UINT32_MAX);
}

static void put_words(roma_buf *out, const void *words, uint64_t n) {
    if (!IMAGE_BIG_ENDIAN) {
        if (n) roma_buf_append(out, words, (size_t)(4 * n));
        return;
    }
    for (const uint32_t *w = words; n; n--) roma_buf_le32(out, *w++);
}

void roma_image_put_vocab(roma_buf *out, const roma_vocab *v) {
    static const uint8_t zero[16];
    const uint32_t first[] = {v->kind, v->pre, v->n_tokens, v->n_merges};
    const int32_t ids[] = {v->bos, v->eos, v->unk, v->pad};
    const uint8_t flags[] = {v->add_bos, v->add_eos, v->add_space_prefix, v->ignore_merges};
    const uint32_t text_bytes = v->text_off[v->n_tokens];
    for (int i = 0; i < 4; i++) roma_buf_le32(out, first[i]);
    put_ids(out, ids, 4, 4);
    roma_buf_le32(out, v->template_kind);
    roma_buf_append(out, flags, 4);
    roma_buf_le32(out, v->n_eog);
    put_ids(out, v->eog, v->n_eog, ROMA_EOG_MAX);
    roma_buf_le32(out, text_bytes);
    roma_buf_append(out, zero, sizeof zero);
    put_words(out, v->text_off, (uint64_t)v->n_tokens + 1);
    if (v->kind == ROMA_TOK_SPM) put_words(out, v->score, v->n_tokens);
    put_words(out, v->merges, 2ull * v->n_merges);
    roma_buf_append(out, v->type, v->n_tokens);
    if (text_bytes) roma_buf_append(out, v->text, text_bytes);
}
