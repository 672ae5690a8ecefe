/* Adapters of a command line, of lines of --jsonl, of a conversation; contract in loras.h. */
#include "loras.h"

#include <string.h>

static int no_memory(roma_error *err) {
    return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the adapters");
}

/* Room for one more than n elements: doubles at powers of two. NULL: the array is as before. */
static void *grown(void *array, size_t n, size_t size) {
    return n & (n - 1) ? array : roma_resize(array, (n ? 2 * n : 1) * size);
}

static void close_file(lora_file *f) {
    roma_adapter_close(&f->adapter);
    roma_free(f->path);
    roma_free(f);
}

static int open_file(loras *l, const roma_image *img, unsigned flags, const char *path, roma_error *err) {
    lora_file *f = roma_alloc_array(1, sizeof *f);
    lora_file **files = grown(l->file, l->n_files, sizeof *files);
    const size_t n = strlen(path) + 1;
    if (files) l->file = files;
    if (f) f->path = roma_alloc(n);
    if (!f || !f->path || !files) {
        if (f) close_file(f);
        return no_memory(err);
    }
    memcpy(f->path, path, n);
    f->flags = flags;
    int rc = roma_adapter_open(&f->adapter, path, 0, err);
    if (!rc) rc = roma_adapter_check(&f->adapter, &img->desc, img->base_id, flags, path, err);
    if (rc) {
        close_file(f);
        return rc;
    }
    l->file[l->n_files++] = f;
    return ROMA_OK;
}

static uint32_t find_file(const loras *l, const char *path) {
    uint32_t i = 0;
    while (i < l->n_files && strcmp(l->file[i]->path, path) != 0) i++;
    return i;
}

static int read_mix(loras *l, const roma_image *img, unsigned flags, const char *const *text, size_t n, lora_mix *m,
                    roma_error *err) {
    lora_arg arg;
    if (n > ROMA_EXEC_STACK_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%zu adapters at once; at most %d add up", n,
                         ROMA_EXEC_STACK_MAX);
    memset(m, 0, sizeof *m);
    for (; m->n < n; m->n++) {
        int rc = lora_arg_parse(text[m->n], &arg, err);
        const uint32_t i = rc ? 0 : find_file(l, arg.path);
        if (!rc && i == l->n_files) rc = open_file(l, img, flags, arg.path, err);
        if (rc) return rc;
        m->file[m->n] = i;
        m->factor[m->n] = arg.scale;
    }
    return ROMA_OK;
}

int loras_add(loras *l, const roma_image *img, bool any_base, const char *const *text, size_t n, uint32_t *set,
              roma_error *err) {
    lora_mix m;
    *set = 0;
    if (!n) return ROMA_OK;
    const int rc = read_mix(l, img, any_base ? ROMA_ADAPTER_ANY_BASE : 0, text, n, &m, err);
    if (rc) return rc;
    for (size_t i = 0; i < l->n_mixes && !*set; i++)
        if (memcmp(&l->mix[i], &m, sizeof m) == 0) *set = (uint32_t)i + 1;
    if (*set) return ROMA_OK;
    lora_mix *mixes = grown(l->mix, l->n_mixes, sizeof *mixes);
    if (!mixes) return no_memory(err);
    l->mix = mixes;
    l->mix[l->n_mixes++] = m;
    *set = (uint32_t)l->n_mixes;
    return ROMA_OK;
}

void loras_room(const loras *l, const roma_description *d, uint32_t adapters, uint32_t rank, roma_exec_config *out) {
    const bool given = adapters || rank;
    const uint32_t count = adapters || !rank ? adapters : 1;
    out->adapters = given ? count : (uint32_t)l->n_files;
    out->adapter_rank = rank ? rank : ROMA_RANK_USUAL;
    out->adapter_bytes = count * roma_adapter_bytes(d, ROMA_ADAPTER_INT8, out->adapter_rank, 0);
    out->adapter_sets = l->n_mixes ? (uint32_t)l->n_mixes : 1;
    out->adapter_stack = out->adapters < ROMA_EXEC_STACK_MAX ? out->adapters : ROMA_EXEC_STACK_MAX;
    for (size_t i = 0; i < l->n_mixes; i++)
        if (l->mix[i].n > out->adapter_stack) out->adapter_stack = l->mix[i].n; /* one file may stand twice */
    for (size_t i = 0; i < l->n_files && !given; i++) {
        const roma_adapter *a = &l->file[i]->adapter;
        out->adapter_bytes += a->data_bytes;
        if (a->rank > out->adapter_rank || !i) out->adapter_rank = a->rank;
    }
}

static int load_file(lora_file *f, roma_exec *e, roma_error *err) {
    const int rc = f->is_loaded ? ROMA_OK : roma_exec_adapter_load(e, &f->adapter, f->flags, f->path, &f->id, err);
    f->is_loaded = !rc;
    return rc;
}

static int define(const loras *l, roma_exec *e, uint32_t set, const lora_mix *m, roma_error *err) {
    uint32_t id[ROMA_EXEC_STACK_MAX];
    for (uint32_t i = 0; i < m->n; i++) id[i] = l->file[m->file[i]]->id;
    return roma_exec_adapter_set(e, set, id, m->factor, m->n, err);
}

int loras_load(loras *l, roma_exec *e, roma_error *err) {
    int rc = ROMA_OK;
    for (size_t i = 0; i < l->n_files; i++) l->file[i]->is_loaded = false; /* in this engine */
    for (size_t i = 0; i < l->n_files && !rc; i++) rc = load_file(l->file[i], e, err);
    for (size_t i = 0; i < l->n_mixes && !rc; i++) rc = define(l, e, (uint32_t)i + 1, &l->mix[i], err);
    return rc;
}

/* ---- another set in the course of a conversation ---- */

static bool has_file(const lora_mix *m, size_t file) {
    for (uint32_t i = 0; i < m->n; i++)
        if (m->file[i] == file) return true;
    return false;
}

/* Set 1 is m, and nothing else is loaded. */
static int take(loras *l, roma_exec *e, const lora_mix *m, roma_error *err) {
    int rc = roma_exec_adapter_set(e, 1, NULL, NULL, 0, err);
    for (size_t i = 0; i < l->n_files && !rc; i++)
        if (l->file[i]->is_loaded && !has_file(m, i)) {
            rc = roma_exec_adapter_unload(e, l->file[i]->id, err);
            l->file[i]->is_loaded = false;
        }
    for (uint32_t i = 0; i < m->n && !rc; i++) rc = load_file(l->file[m->file[i]], e, err);
    return rc ? rc : define(l, e, 1, m, err);
}

int loras_switch(loras *l, roma_exec *e, const roma_image *img, bool any_base, const char *const *text, size_t n,
                 uint32_t *set, roma_error *err) {
    const lora_mix before = l->n_mixes ? l->mix[0] : (lora_mix){0};
    lora_mix m;
    int rc = read_mix(l, img, any_base ? ROMA_ADAPTER_ANY_BASE : 0, text, n, &m, err);
    lora_mix *mixes = l->n_mixes || rc ? l->mix : grown(NULL, 0, sizeof *mixes);
    if (!rc && !mixes) rc = no_memory(err);
    l->mix = mixes;
    if (rc) return rc;
    rc = take(l, e, &m, err);
    if (rc) {
        roma_error again;
        const int back = take(l, e, &before, &again);
        if (back) *err = again;
    }
    l->mix[0] = rc ? before : m;
    l->n_mixes = 1;
    *set = l->mix[0].n ? 1 : 0;
    return rc;
}

/* ---- showing ---- */

uint32_t loras_rank(const loras *l, uint32_t set) {
    uint32_t sum = 0;
    for (uint32_t i = 0; set && i < l->mix[set - 1].n; i++) sum += l->file[l->mix[set - 1].file[i]]->adapter.rank;
    return sum;
}

void loras_json(roma_json *j, const loras *l, uint32_t set) {
    roma_json_open(j, "adapters", '[');
    for (uint32_t i = 0; set && i < l->mix[set - 1].n; i++) {
        const lora_file *f = l->file[l->mix[set - 1].file[i]];
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "file", f->path);
        roma_json_string(j, "name", f->adapter.name);
        roma_json_real(j, "scale", (double)l->mix[set - 1].factor[i]);
        roma_json_int(j, "rank", f->adapter.rank);
        roma_json_int(j, "bytes", (int64_t)f->adapter.data_bytes);
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
}

void loras_print(const loras *l, uint32_t set, roma_buf *out) {
    char name[96];
    for (uint32_t i = 0; set && i < l->mix[set - 1].n; i++) {
        const char *path = l->file[l->mix[set - 1].file[i]]->path;
        const float factor = l->mix[set - 1].factor[i];
        roma_buf_print(out, "%s%s", i ? ", " : "", roma_error_name(name, sizeof name, path, strlen(path)));
        if (factor < 1 || factor > 1) roma_buf_print(out, ":%g", (double)factor);
    }
}

void loras_close(loras *l) {
    for (size_t i = 0; i < l->n_files; i++) close_file(l->file[i]);
    roma_free(l->file);
    roma_free(l->mix);
    memset(l, 0, sizeof *l);
}
