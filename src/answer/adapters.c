/* Adapters by name, and lists of them as sets of the engine. An adapter that is open is mapped; the engine has a copy
 * of those that were in use last, as many as there is room for. */
#include "answer/internal.h"

#include <string.h>

static int no_memory(roma_error *err) {
    return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the adapters");
}

int roma_answer_adapter_parse(const char *text, char name[ROMA_ANSWER_NAME_MAX + 1], float *factor, roma_error *err) {
    const double max = (double)ROMA_ADAPTER_ALPHA_MAX;
    const char *colon = strrchr(text, ':');
    char shown[64];
    double given = 1;
    const bool is_given = colon && roma_real_read(colon + 1, strlen(colon + 1), &given);
    const size_t n = is_given ? (size_t)(colon - text) : strlen(text);
    if (!n || n > ROMA_ANSWER_NAME_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "an adapter is FILE or FILE:SCALE, not '%s'",
                         roma_error_name(shown, sizeof shown, text, strlen(text)));
    if (is_given && !(given >= -max && given <= max))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "the scale of an adapter is a number from %.0f to %.0f, not '%s'", -max, max,
                         roma_error_name(shown, sizeof shown, colon + 1, strlen(colon + 1)));
    memcpy(name, text, n);
    name[n] = 0;
    *factor = is_given ? (float)given : 1.0f;
    return ROMA_OK;
}

/* ---- names ---- */

static void close_named(named *f) {
    roma_adapter_close(&f->adapter);
    roma_free(f->name);
    roma_free(f);
}

static size_t find(const roma_answer *a, const char *name) {
    size_t i = 0;
    while (i < a->n_adapters && strcmp(a->adapters[i]->name, name) != 0) i++;
    return i;
}

/* Checks and copies have gone through the file; its pages need not stay beside the engine's copy. */
static void lend_pages(const named *f) { roma_map_forget(f->adapter.map.data, f->adapter.map.size); }

/* Opens and checks a file under a name. NULL: *rc says why not. */
static named *open_named(const roma_answer *a, const char *name, const char *file, unsigned flags, int *rc,
                         roma_error *err) {
    const size_t n = strlen(name) + 1;
    named *f = roma_alloc_array(1, sizeof *f);
    if (!f || !(f->name = roma_alloc(n))) {
        roma_free(f);
        *rc = no_memory(err);
        return NULL;
    }
    memcpy(f->name, name, n);
    f->flags = flags;
    *rc = roma_adapter_open(&f->adapter, file, 0, err);
    if (!*rc) *rc = roma_adapter_check(&f->adapter, &a->image.desc, a->image.base_id, flags, file, err);
    if (!*rc) {
        lend_pages(f);
        return f;
    }
    close_named(f);
    return NULL;
}

int roma_answer_adapter_open(roma_answer *a, const char *name, const char *file, unsigned flags, roma_error *err) {
    enum { FIRST = 1024 };
    int rc = ROMA_OK;
    pthread_mutex_lock(&a->lock);
    const bool is_new = find(a, name) == a->n_adapters;
    pthread_mutex_unlock(&a->lock);
    named *f = is_new ? open_named(a, name, file ? file : name, flags, &rc, err) : NULL;
    if (!f) return rc;
    pthread_mutex_lock(&a->lock);
    const size_t n = a->n_adapters;
    const bool is_full = !n || (n >= FIRST && !(n & (n - 1))); /* doubles at powers of two */
    named **all = is_full ? roma_resize(a->adapters, (n ? 2 * n : FIRST) * sizeof(named *)) : a->adapters;
    if (all) a->adapters = all;
    const bool is_twice = find(a, name) < n; /* another thread was faster */
    if (all && !is_twice) a->adapters[a->n_adapters++] = f;
    pthread_mutex_unlock(&a->lock);
    if (!all || is_twice) close_named(f);
    return all ? ROMA_OK : no_memory(err);
}

const roma_adapter *roma_answer_adapter_find(roma_answer *a, const char *name) {
    pthread_mutex_lock(&a->lock);
    const size_t i = find(a, name);
    const roma_adapter *found = i < a->n_adapters ? &a->adapters[i]->adapter : NULL;
    pthread_mutex_unlock(&a->lock);
    return found;
}

bool roma_answer_adapter_is_loaded(roma_answer *a, const char *name) {
    pthread_mutex_lock(&a->lock);
    const size_t i = find(a, name);
    const bool is_loaded = i < a->n_adapters && a->adapters[i]->is_loaded;
    pthread_mutex_unlock(&a->lock);
    return is_loaded;
}

static int no_name(const char *name, roma_error *err) {
    char shown[96];
    return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "no adapter of the name '%s' is open",
                     roma_error_name(shown, sizeof shown, name, strlen(name)));
}

/* ---- lists ---- */

static bool has(const mix *m, const named *f) {
    for (uint32_t i = 0; i < m->n; i++)
        if (m->part[i] == f) return true;
    return false;
}

static bool is_off(float factor) { return factor >= 0 && factor <= 0; }

/* Whether an adapter that is not switched off is in the list already. */
static bool is_behind(const mix *m) {
    for (uint32_t i = 0; i < m->n; i++)
        if (!is_off(m->factor[i])) return true;
    return false;
}

static int read_list(const roma_answer *a, const roma_answer_adapter *list, size_t n, mix *m, roma_error *err) {
    memset(m, 0, sizeof *m);
    if (n > ROMA_EXEC_STACK_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%zu adapters at once; at most %d add up", n,
                         ROMA_EXEC_STACK_MAX);
    for (; m->n < n; m->n++) {
        const size_t at = find(a, list[m->n].name);
        if (at == a->n_adapters) return no_name(list[m->n].name, err);
        const float factor = list[m->n].factor;
        if (a->adapters[at]->adapter.dora && (factor < 1 || factor > 1 || is_behind(m)) && !is_off(factor))
            return roma_fail(err, ROMA_EINPUT, list[m->n].name, ROMA_NOWHERE, ROMA_ADAPTER_DORA_PLACE);
        m->part[m->n] = a->adapters[at];
        m->factor[m->n] = list[m->n].factor;
    }
    return ROMA_OK;
}

/* The same adapters in the same order with the same bits of factors. */
static bool is_same(const mix *a, const mix *b) {
    return a->n == b->n && memcmp(a->part, b->part, sizeof a->part) == 0 &&
           memcmp(a->factor, b->factor, sizeof a->factor) == 0;
}

int roma_answer_mix_find(roma_answer *a, const roma_answer_adapter *list, size_t n, mix **found, roma_error *err) {
    mix wanted, *best = NULL;
    *found = NULL;
    const int rc = n ? read_list(a, list, n, &wanted, err) : ROMA_OK;
    if (rc || !n) return rc;
    for (uint32_t i = 0; i < a->n_mixes; i++) {
        mix *m = &a->mixes[i];
        if (is_same(m, &wanted)) {
            best = m;
            break;
        }
        if (!m->under_way && (!best || m->used < best->used)) best = m;
    }
    if (!best)
        return roma_fail(err, ROMA_EBUSY, "", ROMA_NOWHERE, "requests with %u other lists of adapters are under way",
                         a->n_mixes);
    if (!is_same(best, &wanted)) *best = wanted;
    best->used = ++a->clock;
    best->under_way++;
    *found = best;
    return ROMA_OK;
}

/* ---- in the engine ---- */

/* Sets that hold f, or that nobody knows any more, become empty. */
static void undefine(roma_answer *a, const named *f) {
    for (uint32_t i = 0; i < a->n_mixes; i++) {
        mix *m = &a->mixes[i];
        if (m->is_defined && !has(m, f)) continue;
        roma_exec_adapter_set(a->exec, i + 1, NULL, NULL, 0, NULL);
        m->is_defined = false;
    }
}

static bool is_running(const roma_answer *a, const named *f) {
    for (uint32_t i = 0; i < a->n_mixes; i++)
        if (a->mixes[i].running && has(&a->mixes[i], f)) return true;
    return false;
}

static void unload(roma_answer *a, named *f) {
    undefine(a, f);
    if (f->is_loaded) roma_exec_adapter_unload(a->exec, f->id, NULL);
    f->is_loaded = false;
}

/* Unloads the least recently used adapter that neither m nor a running request has. */
static bool make_room(roma_answer *a, const mix *m) {
    named *oldest = NULL;
    for (size_t i = 0; i < a->n_adapters; i++) {
        named *f = a->adapters[i];
        if (f->is_loaded && !has(m, f) && !is_running(a, f) && (!oldest || f->used < oldest->used)) oldest = f;
    }
    if (oldest) unload(a, oldest);
    return oldest != NULL;
}

static bool lacks_room(const roma_answer *a, const named *f) {
    uint32_t loaded = 0;
    for (size_t i = 0; i < a->n_adapters; i++) loaded += a->adapters[i]->is_loaded;
    return loaded >= a->adapters_max || f->adapter.data_bytes > roma_exec_adapter_free(a->exec);
}

static bool runs_another(const roma_answer *a, const mix *m) {
    for (uint32_t i = 0; i < a->n_mixes; i++)
        if (a->mixes[i].running && &a->mixes[i] != m) return true;
    return false;
}

static int load(roma_answer *a, const mix *m, named *f, bool *waits, roma_error *err) {
    f->used = ++a->clock;
    if (f->is_loaded) return ROMA_OK;
    while (lacks_room(a, f) && make_room(a, m)) {
    }
    *waits = lacks_room(a, f) && runs_another(a, m);
    const int rc = roma_exec_adapter_load(a->exec, &f->adapter, f->flags, f->name, &f->id, err);
    f->is_loaded = !rc;
    lend_pages(f);
    return rc;
}

int roma_answer_mix_define(roma_answer *a, mix *m, bool *waits, roma_error *err) {
    uint32_t id[ROMA_EXEC_STACK_MAX];
    int rc = ROMA_OK;
    *waits = false;
    if (!m || m->is_defined) return ROMA_OK;
    for (uint32_t i = 0; i < m->n && !rc; i++) {
        rc = load(a, m, m->part[i], waits, err);
        id[i] = m->part[i]->id;
    }
    if (!rc) rc = roma_exec_adapter_set(a->exec, roma_answer_mix_set(a, m), id, m->factor, m->n, err);
    m->is_defined = !rc;
    return rc;
}

/* Between two steps, with the engine: the list is a set of the engine. The caller leaves when there was no error. */
static int enter_with(roma_answer *a, const roma_answer_adapter *list, size_t n, uint32_t *set, roma_error *err) {
    mix *m = NULL;
    bool waits;
    int rc = roma_answer_guest_enter(a, err);
    if (rc) return rc;
    rc = roma_answer_mix_find(a, list, n, &m, err);
    if (!rc) rc = roma_answer_mix_define(a, m, &waits, err);
    if (m) m->under_way--;
    *set = roma_answer_mix_set(a, m);
    if (rc) roma_answer_guest_leave(a);
    return rc;
}

int roma_answer_adapters_load(roma_answer *a, const roma_answer_adapter *list, size_t n, uint32_t *set,
                              roma_error *err) {
    uint32_t given;
    const int rc = enter_with(a, list, n, &given, err);
    if (set) *set = rc ? 0 : given;
    if (!rc) roma_answer_guest_leave(a);
    return rc;
}

/* ---- the cache in a file ---- */

static int no_batch(roma_error *err) {
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a cache in a file needs a batch: this is not started");
}

int roma_answer_cache_save(roma_answer *a, const char *file, const int32_t *ids, size_t n,
                           const roma_answer_adapter *list, size_t n_list, roma_answer_text text, uint32_t *held,
                           roma_error *err) {
    uint32_t set;
    if (!a->batch) return no_batch(err);
    int rc = enter_with(a, list, n_list, &set, err);
    if (rc) return rc;
    rc = roma_batch_save(a->batch, file, ids, n, set, text.text, text.len, held, err);
    roma_answer_guest_leave(a);
    return rc;
}

int roma_answer_cache_load(roma_answer *a, const char *file, const roma_answer_adapter *list, size_t n_list,
                           roma_saved *out, roma_error *err) {
    uint32_t set;
    *out = (roma_saved){0};
    if (!a->batch) return no_batch(err);
    int rc = enter_with(a, list, n_list, &set, err);
    if (rc) return rc;
    rc = roma_batch_load(a->batch, file, set, out, err);
    roma_answer_guest_leave(a);
    return rc;
}

/* ---- names again ---- */

static int forget(roma_answer *a, const char *name, roma_error *err) {
    const size_t at = find(a, name);
    if (at == a->n_adapters) return no_name(name, err);
    named *f = a->adapters[at];
    for (uint32_t i = 0; i < a->n_mixes; i++)
        if (a->mixes[i].under_way && has(&a->mixes[i], f))
            return roma_fail(err, ROMA_EBUSY, "", ROMA_NOWHERE, "requests with this adapter are under way");
    if (a->exec) unload(a, f);
    for (uint32_t i = 0; i < a->n_mixes; i++)
        if (has(&a->mixes[i], f)) a->mixes[i] = (mix){0};
    a->adapters[at] = a->adapters[--a->n_adapters];
    close_named(f);
    return ROMA_OK;
}

int roma_answer_adapter_close(roma_answer *a, const char *name, roma_error *err) {
    if (!a->exec) {
        pthread_mutex_lock(&a->lock);
        const int rc = forget(a, name, err);
        pthread_mutex_unlock(&a->lock);
        return rc;
    }
    int rc = roma_answer_guest_enter(a, err);
    if (rc) return rc;
    rc = forget(a, name, err);
    roma_answer_guest_leave(a);
    return rc;
}

void roma_answer_adapters_forget(roma_answer *a) {
    for (size_t i = 0; i < a->n_adapters; i++) a->adapters[i]->is_loaded = false;
    roma_free(a->mixes);
    a->mixes = NULL;
    a->n_mixes = 0;
}

void roma_answer_adapters_free(roma_answer *a) {
    for (size_t i = 0; i < a->n_adapters; i++) close_named(a->adapters[i]);
    roma_free(a->adapters);
    a->adapters = NULL;
    a->n_adapters = 0;
}
