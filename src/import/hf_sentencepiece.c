/* tokenizer.model: SentencePiece's ModelProto, in protobuf's wire format. Field numbers are of its .proto file. Only
 * BPE models without rules of normalisation are read. */
#include "hf.h"

enum { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };
enum { PIECE_NORMAL = 1, PIECE_UNKNOWN, PIECE_CONTROL, PIECE_USER, PIECE_UNUSED, PIECE_BYTE };

typedef struct {
    uint32_t number, wire;
    uint64_t value;       /* VARINT; bits of 32 and 64 */
    const uint8_t *bytes; /* BYTES */
} field;

typedef struct {
    const hf_file *file;
    hf_tokens *t;
    uint32_t n; /* pieces so far */
    uint64_t model_type;
    uint64_t dummy_prefix, remove_spaces, escape_spaces;
    bool has_rules;
    roma_error *err;
} reading;

static int bad(const reading *r, int code, uint64_t at, const char *what) {
    return roma_fail(r->err, code, r->file->path, at, "%s", what);
}

static bool varint(roma_reader *p, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t b = roma_read_u8(p);
        if (p->failed || (shift == 63 && b > 1)) return false;
        *out |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) return true;
    }
    return false;
}

/* The next field; an error for what is no protobuf. */
static int next(const reading *r, roma_reader *p, field *f) {
    uint64_t tag;
    const uint64_t at = p->origin + p->pos;
    *f = (field){0};
    bool good = varint(p, &tag) && tag >> 3 && tag >> 3 <= UINT32_MAX;
    if (good) {
        f->number = (uint32_t)(tag >> 3);
        f->wire = tag & 7;
        switch (f->wire) {
        case WIRE_VARINT: good = varint(p, &f->value); break;
        case WIRE_64: f->value = roma_read_u64(p); break;
        case WIRE_32: f->value = roma_read_u32(p); break;
        case WIRE_BYTES: good = varint(p, &f->value) && (f->bytes = roma_read_bytes(p, f->value)) != NULL; break;
        default: good = false; /* groups, which the format does not use */
        }
    }
    return good && !p->failed ? ROMA_OK : bad(r, ROMA_EDAMAGED, at, "no SentencePiece model, or a damaged one");
}

static void inside(const field *f, const reading *r, roma_reader *p) {
    roma_reader_init(p, f->bytes, f->value, (uint64_t)(f->bytes - r->file->data));
}

/* ---- a piece ---- */

static int add_piece(reading *r, const field *whole) {
    static const uint8_t types[] = {
        [PIECE_NORMAL] = ROMA_TT_NORMAL, [PIECE_UNKNOWN] = ROMA_TT_UNKNOWN, [PIECE_CONTROL] = ROMA_TT_CONTROL,
        [PIECE_USER] = ROMA_TT_USER,     [PIECE_UNUSED] = ROMA_TT_UNUSED,   [PIECE_BYTE] = ROMA_TT_BYTE};
    roma_reader p;
    field f, text = {0};
    uint64_t type = PIECE_NORMAL;
    uint32_t score = 0;
    inside(whole, r, &p);
    while (roma_reader_left(&p)) {
        const int rc = next(r, &p, &f);
        if (rc) return rc;
        if (f.number == 1 && f.wire == WIRE_BYTES) text = f;
        if (f.number == 2 && f.wire == WIRE_32) score = (uint32_t)f.value;
        if (f.number == 3 && f.wire == WIRE_VARINT) type = f.value;
    }
    if (type < PIECE_NORMAL || type > PIECE_BYTE || !text.bytes)
        return bad(r, ROMA_EDAMAGED, p.origin, "a piece without a text, or of a type that there is not");
    if (r->n >= r->t->n)
        return roma_fail(r->err, ROMA_EINPUT, r->file->path, p.origin, "more pieces than the embedding's %u rows",
                         r->t->n);
    if (!roma_import_hf_token(r->t, r->n, (const char *)text.bytes, (size_t)text.value, types[type]))
        return bad(r, ROMA_EDAMAGED, p.origin, "a piece of more than 4096 bytes");
    r->t->score[r->n++] = roma_f32_from_bits(score);
    return ROMA_OK;
}

/* ---- the specifications ---- */

static int read_trainer(reading *r, const field *whole) {
    roma_reader p;
    field f;
    inside(whole, r, &p);
    while (roma_reader_left(&p)) {
        const int rc = next(r, &p, &f);
        if (rc) return rc;
        if (f.number == 3 && f.wire == WIRE_VARINT) r->model_type = f.value;
    }
    return ROMA_OK;
}

static int read_normalizer(reading *r, const field *whole) {
    roma_reader p;
    field f;
    inside(whole, r, &p);
    while (roma_reader_left(&p)) {
        const int rc = next(r, &p, &f);
        if (rc) return rc;
        if (f.number == 2 && f.wire == WIRE_BYTES) r->has_rules = f.value > 0;
        if (f.number == 3 && f.wire == WIRE_VARINT) r->dummy_prefix = f.value;
        if (f.number == 4 && f.wire == WIRE_VARINT) r->remove_spaces = f.value;
        if (f.number == 5 && f.wire == WIRE_VARINT) r->escape_spaces = f.value;
    }
    return ROMA_OK;
}

static int check(const reading *r) {
    if (!r->n) return bad(r, ROMA_EDAMAGED, ROMA_NOWHERE, "no pieces: no SentencePiece model");
    if (r->model_type != 2)
        return bad(r, ROMA_EUNSUPPORTED, ROMA_NOWHERE,
                   "the SentencePiece model is none of BPE; unigram and others are not supported");
    if (r->has_rules)
        return bad(r, ROMA_EUNSUPPORTED, ROMA_NOWHERE,
                   "the SentencePiece model normalises text by rules, which is not supported");
    if (r->remove_spaces)
        return bad(r, ROMA_EUNSUPPORTED, ROMA_NOWHERE,
                   "the SentencePiece model removes spaces, which is not supported");
    if (!r->escape_spaces)
        return bad(r, ROMA_EUNSUPPORTED, ROMA_NOWHERE,
                   "the SentencePiece model does not mark spaces, which is not supported");
    return ROMA_OK;
}

int roma_import_hf_sentencepiece(const hf_file *file, hf_tokens *t, roma_vocab *v, roma_error *err) {
    /* What a specification does not say is true, and the kind unigram. */
    reading r = {
        .file = file, .t = t, .model_type = 1, .dummy_prefix = 1, .remove_spaces = 1, .escape_spaces = 1, .err = err};
    roma_reader p;
    field f;
    int rc = ROMA_OK;
    t->bytes = true;
    t->score = roma_alloc_array(t->n, sizeof *t->score);
    if (!t->score) return roma_fail(err, ROMA_ENOMEM, file->path, ROMA_NOWHERE, "no memory for scores");
    roma_reader_init(&p, file->data, file->size, 0);
    while (!rc && roma_reader_left(&p)) {
        rc = next(&r, &p, &f);
        if (rc || f.wire != WIRE_BYTES) continue;
        if (f.number == 1) rc = add_piece(&r, &f);
        if (f.number == 2) rc = read_trainer(&r, &f);
        if (f.number == 3) rc = read_normalizer(&r, &f);
    }
    if (!rc) rc = check(&r);
    v->kind = ROMA_TOK_SPM;
    v->pre = ROMA_PRE_NONE;
    v->add_space_prefix = r.dummy_prefix != 0;
    return rc;
}
