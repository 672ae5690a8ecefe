/* Weights of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names. */
#include "hf_packed.h"

static const char single[] = "model.safetensors", index_name[] = "model.safetensors.index.json";

/* ---- the index ---- */

typedef struct {
    uint64_t at; /* of the tensor's name */
    uint32_t len, shard;
} place;

typedef struct {
    hf_folder *f;
    roma_json_reader json;
    roma_buf text, places;
    const hf_file *shard[HF_SHARDS_MAX];
    uint32_t n_shards, last;
    roma_error *err;
} reading;

static int next(reading *r) { return roma_json_read_next(&r->json, r->err); }

static bool is_shard_name(const char *name, size_t len) {
    static const char end[] = ".safetensors";
    if (len < sizeof end || len > HF_NAME_MAX || name[0] == '.') return false;
    for (size_t i = 0; i < len; i++)
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '/') return false;
    return memcmp(name + len - (sizeof end - 1), end, sizeof end - 1) == 0;
}

/* The shard of that name, opened when it is new. */
static int find_shard(reading *r, uint32_t *shard) {
    const roma_json_reader *j = &r->json;
    char name[HF_NAME_MAX + 1], shown[64];
    if (j->kind != ROMA_JSON_TEXT || !is_shard_name(j->text, j->len))
        return roma_json_read_fail(j, ROMA_EDAMAGED, r->err, "'%s' is no name of a safetensors file in this folder",
                                   j->kind == ROMA_JSON_TEXT ? roma_error_name(shown, sizeof shown, j->text, j->len)
                                                             : "?");
    if (r->n_shards && roma_json_is(j, r->shard[r->last]->name)) {
        *shard = r->last;
        return ROMA_OK;
    }
    for (*shard = 0; *shard < r->n_shards; ++*shard)
        if (roma_json_is(j, r->shard[*shard]->name)) break;
    r->last = *shard;
    if (*shard < r->n_shards) return ROMA_OK;
    if (r->n_shards == HF_SHARDS_MAX)
        return roma_json_read_fail(j, ROMA_EUNSUPPORTED, r->err, "more than %u shards", HF_SHARDS_MAX);
    memcpy(name, j->text, j->len);
    name[j->len] = 0;
    const int rc = roma_import_hf_file(r->f, name, &r->shard[r->n_shards], r->err);
    if (rc) return rc;
    if (!r->shard[r->n_shards])
        return roma_json_read_fail(j, ROMA_EINPUT, r->err, "the shard %s is not there; fetch it",
                                   roma_error_name(shown, sizeof shown, name, j->len));
    r->n_shards++;
    return ROMA_OK;
}

static int read_map(reading *r) {
    int rc;
    if (r->json.kind != ROMA_JSON_OBJECT)
        return roma_json_read_fail(&r->json, ROMA_EDAMAGED, r->err, "weight_map must be an object");
    while (!(rc = next(r)) && r->json.kind == ROMA_JSON_KEY) {
        place p = {.at = r->text.len, .len = (uint32_t)r->json.len};
        if (r->places.len / sizeof p >= HF_TENSORS_MAX)
            return roma_json_read_fail(&r->json, ROMA_EUNSUPPORTED, r->err, "more than %u tensors", HF_TENSORS_MAX);
        roma_buf_append(&r->text, r->json.text, r->json.len);
        rc = next(r);
        if (!rc) rc = find_shard(r, &p.shard);
        if (rc) return rc;
        roma_buf_append(&r->places, &p, sizeof p);
    }
    return rc;
}

static int read_index(reading *r, const hf_file *file) {
    const roma_json_source from = {.file = file->path, .line = 1};
    bool found = false;
    int rc = roma_json_read_begin(&r->json, file->data, (size_t)file->size, &from, r->err);
    if (!rc) rc = next(r);
    if (!rc && r->json.kind != ROMA_JSON_OBJECT)
        rc = roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "an index of shards is an object");
    while (!rc && !(rc = next(r)) && r->json.kind == ROMA_JSON_KEY) {
        const bool map = roma_json_is(&r->json, "weight_map");
        found = found || map;
        rc = next(r);
        if (!rc) rc = map ? read_map(r) : roma_json_read_skip(&r->json, r->err);
    }
    if (!rc) rc = next(r); /* nothing may follow */
    if (!rc && (r->text.failed || r->places.failed))
        rc = roma_fail(r->err, ROMA_ENOMEM, file->path, ROMA_NOWHERE, "no memory for an index of tensors");
    if (!rc && !found) rc = roma_fail(r->err, ROMA_EDAMAGED, file->path, ROMA_NOWHERE, "key 'weight_map' is missing");
    return rc;
}

/* ---- a shard as a part of the set ---- */

static bool ends_in(const char *name, const char *end) {
    const size_t n = strlen(name), e = strlen(end);
    return n >= e && strcmp(name + n - e, end) == 0;
}

/* What older checkpoints hold beside the weights: frequencies that config.json gives again. And a head that is tied. */
static bool is_left_out(const st_tensor *t, bool tied) {
    return ends_in(t->name, ".rotary_emb.inv_freq") || (tied && strcmp(t->name, "lm_head.weight") == 0);
}

static const char *tensor_text(const void *ctx, uint32_t i, uint32_t *len) {
    const st_file *f = ctx;
    *len = (uint32_t)strlen(f->tensor[i].name);
    return f->tensor[i].name;
}

static int index_names(gguf_file *g, const st_file *f, roma_error *err) {
    char name[64];
    g->tensor = roma_alloc_array((size_t)f->n_tensors + 1, sizeof *g->tensor);
    if (!g->tensor || !roma_import_index_create(&g->names, f->n_tensors, tensor_text, f))
        return roma_fail(err, ROMA_ENOMEM, g->path, ROMA_NOWHERE, "no memory for a table of %u tensors", f->n_tensors);
    for (uint32_t i = 0; i < f->n_tensors; i++)
        if (roma_import_index_add(&g->names, i)) /* no name is there twice: JSON's reader refuses that */
            return roma_fail(err, ROMA_EDAMAGED, g->path, ROMA_NOWHERE, "tensor '%s': the names are made to collide",
                             roma_error_name(name, sizeof name, f->tensor[i].name, strlen(f->tensor[i].name)));
    return ROMA_OK;
}

/* Tensors of floats that are no parts of matrices of a 4-bit checkpoint. */
static int fill(gguf_file *g, const st_file *f, bool tied, roma_error *err) {
    for (uint32_t i = 0; i < f->n_tensors; i++) {
        const st_tensor *t = &f->tensor[i];
        char name[96];
        if (t->used || is_left_out(t, tied)) continue;
        if (t->type >= ST_U8)
            return roma_fail(err, ROMA_EUNSUPPORTED, g->path, ROMA_NOWHERE,
                             "tensor '%s' of type %s is no part of a matrix that quantization_config speaks of",
                             roma_error_name(name, sizeof name, t->name, strlen(t->name)),
                             roma_import_st_type(t->type));
        const uint64_t cols = t->dim[t->n_dims - 1];
        g->tensor[g->n_tensors++] = (gguf_tensor){.name = t->name,
                                                  .name_len = (uint32_t)strlen(t->name),
                                                  .type = t->type,
                                                  .n_dims = t->n_dims,
                                                  .dim = {cols, t->n_dims == 2 ? t->dim[0] : 1, 1, 1},
                                                  .at = ROMA_NOWHERE,
                                                  .offset = t->begin,
                                                  .bytes = t->end - t->begin,
                                                  .row_bytes = cols * roma_import_type_get(t->type)->bytes,
                                                  .data = t->data};
    }
    return ROMA_OK;
}

static int add_part(hf_folder *f, gguf_set *s, const hf_file *file, const hf_quant *q, roma_error *err) {
    st_file *st = &f->shard[f->n_shards];
    gguf_file *g = &s->part[s->n_parts];
    const int rc = q->method ? roma_import_st_parse_packed(st, file->data, file->size, file->path, err)
                             : roma_import_st_parse(st, file->data, file->size, file->path, err);
    if (rc) return rc;
    f->n_shards++;
    s->n_parts++;
    *g = (gguf_file){.path = file->path,
                     .naming = IMPORT_HF,
                     .data = file->data,
                     .size = file->size,
                     .mapped = file->map.data != NULL};
    return index_names(g, st, err);
}

/* The tensor of that name, and the shard that has it. */
static const st_tensor *find_tensor(const hf_folder *f, const gguf_set *s, const char *name, const gguf_file **of) {
    for (uint32_t i = 0; i < f->n_shards; i++) {
        const int64_t at = roma_import_index_find(&s->part[i].names, name, strlen(name));
        *of = &s->part[i];
        if (at >= 0) return &f->shard[i].tensor[at];
    }
    return NULL;
}

/* Byte for byte; in pieces, which are forgotten when they are done: an embedding may be larger than the memory. */
static bool is_same(const st_tensor *a, const gguf_file *of_a, const st_tensor *b, const gguf_file *of_b) {
    enum { PIECE = 8 << 20 };
    const uint64_t size = a->end - a->begin;
    bool same = a->type == b->type && size == b->end - b->begin;
    for (uint64_t at = 0; same && at < size; at += PIECE) {
        const uint64_t n = size - at < PIECE ? size - at : PIECE;
        same = memcmp(a->data + at, b->data + at, (size_t)n) == 0;
        if (of_a->mapped) roma_map_forget(a->data + at, n);
        if (of_b->mapped) roma_map_forget(b->data + at, n);
    }
    return same;
}

/* A head beside a tied embedding must be that embedding: transformers takes one that is not for a head of its own, or,
 * before version 5, passes over it. */
static int check_tied(const hf_folder *f, const gguf_set *s, roma_error *err) {
    const gguf_file *of_head, *of_table;
    const st_tensor *head = find_tensor(f, s, "lm_head.weight", &of_head);
    const st_tensor *table = find_tensor(f, s, "model.embed_tokens.weight", &of_table);
    if (!head || !table || is_same(head, of_head, table, of_table)) return ROMA_OK;
    return roma_fail(err, ROMA_EINPUT, of_head->path, ROMA_NOWHERE,
                     "tensor 'lm_head.weight' is not the embedding, but tie_word_embeddings of config.json says so; "
                     "make it false if the head is one of its own, or take the tensor out");
}

/* What the shards hold, when all of them are there. */
static int fill_all(hf_folder *f, gguf_set *s, const hf_quant *q, bool tied, roma_error *err) {
    const hf_packing c = {f, s, q, err};
    int rc = tied ? check_tied(f, s, err) : ROMA_OK;
    if (!rc && q->method) rc = roma_import_hf_pack(&c);
    for (uint32_t i = 0; i < f->n_shards && !rc; i++) rc = fill(&s->part[i], &f->shard[i], tied, err);
    return rc;
}

static int make_room(hf_folder *f, gguf_set *s, uint32_t n, roma_error *err) {
    s->part = roma_alloc_array(n, sizeof *s->part);
    f->shard = roma_alloc_array(n, sizeof *f->shard);
    return s->part && f->shard ? ROMA_OK
                               : roma_fail(err, ROMA_ENOMEM, f->path, ROMA_NOWHERE, "no memory for %u shards", n);
}

/* ---- both ---- */

/* Each tensor is where the index says, and none beside. */
static int check_places(const reading *r, const gguf_set *s, roma_error *err) {
    const place *p = (const place *)(const void *)r->places.data;
    const size_t n = r->places.len / sizeof *p;
    char name[96];
    size_t there = 0;
    for (size_t i = 0; i < n; i++) {
        const char *text = (const char *)r->text.data + p[i].at;
        if (roma_import_index_find(&s->part[p[i].shard].names, text, p[i].len) < 0)
            return roma_fail(err, ROMA_EDAMAGED, s->part[p[i].shard].path, ROMA_NOWHERE,
                             "tensor '%s' is not in it, where the index says; the shards are mixed up",
                             roma_error_name(name, sizeof name, text, p[i].len));
    }
    for (uint32_t i = 0; i < s->n_parts; i++) there += r->f->shard[i].n_tensors;
    if (there != n)
        return roma_fail(err, ROMA_EDAMAGED, r->f->path, ROMA_NOWHERE,
                         "the shards hold %zu tensors, but the index names %zu; the shards are mixed up", there, n);
    return ROMA_OK;
}

static int open_shards(hf_folder *f, gguf_set *s, const hf_file *file, const hf_quant *q, roma_error *err) {
    reading *r = roma_alloc_array(1, sizeof *r);
    if (!r) return roma_fail(err, ROMA_ENOMEM, file->path, ROMA_NOWHERE, "no memory for an index of shards");
    r->f = f;
    r->err = err;
    int rc = read_index(r, file);
    roma_json_read_end(&r->json);
    if (!rc && !r->n_shards) rc = roma_fail(err, ROMA_EINPUT, file->path, ROMA_NOWHERE, "the index names no tensors");
    if (!rc) rc = make_room(f, s, r->n_shards, err);
    for (uint32_t i = 0; i < r->n_shards && !rc; i++) rc = add_part(f, s, r->shard[i], q, err);
    if (!rc) rc = check_places(r, s, err);
    roma_buf_destroy(&r->text);
    roma_buf_destroy(&r->places);
    roma_free(r);
    return rc;
}

static int nothing_to_read(hf_folder *f, roma_error *err) {
    static const char *const pickles[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};
    const hf_file *file;
    for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++) {
        const int rc = roma_import_hf_file(f, pickles[i], &file, err);
        if (rc) return rc;
        if (file)
            return roma_fail(err, ROMA_EUNSUPPORTED, f->path, ROMA_NOWHERE,
                             "pytorch_model.bin is a pickle, which is a program; save the model as safetensors "
                             "(save_pretrained does)");
    }
    return roma_fail(err, ROMA_EINPUT, f->path, ROMA_NOWHERE, "no %s and no %s in this folder", single, index_name);
}

int roma_import_hf_weights(hf_folder *f, gguf_set *s, const hf_quant *q, bool tied, roma_error *err) {
    const hf_file *file;
    int rc = roma_import_hf_file(f, single, &file, err);
    if (!rc && file) {
        rc = make_room(f, s, 1, err);
        if (!rc) rc = add_part(f, s, file, q, err);
    } else if (!rc) {
        rc = roma_import_hf_file(f, index_name, &file, err);
        if (!rc) rc = file ? open_shards(f, s, file, q, err) : nothing_to_read(f, err);
    }
    return rc ? rc : fill_all(f, s, q, tied, err);
}
