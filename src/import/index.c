/* Hash index from text to number: duplicate keys and names, merges to tokens. */
#include <string.h>
#include "gguf.h"

/* A run this long does not happen by chance at a load below two thirds. */
#define RUN_MAX 4096u

bool roma_import_index_create(import_index *x, uint32_t n, import_text_fn get, const void *ctx) {
    uint64_t size = 16;
    while (size < (uint64_t)n * 3 / 2) size *= 2;
    *x = (import_index){
        .slot = roma_alloc_array((size_t)size, sizeof *x->slot), .mask = (uint32_t)(size - 1), .get = get, .ctx = ctx};
    return x->slot != NULL;
}

void roma_import_index_destroy(import_index *x) {
    roma_free(x->slot);
    *x = (import_index){0};
}

static uint32_t hash_of(const char *text, size_t len) {
    const uint64_t h = roma_hash64(text, len);
    return (uint32_t)(h ^ h >> 32);
}

/* Slot of the text or the empty one where it belongs; NULL after a run that is too long. */
static import_slot *slot_of(const import_index *x, const char *text, size_t len, uint32_t hash) {
    for (uint32_t i = 0; i < RUN_MAX; i++) {
        import_slot *s = &x->slot[(hash + i) & x->mask];
        if (!s->id) return s;
        if (s->hash != hash) continue;
        uint32_t n;
        const char *other = x->get(x->ctx, s->id - 1, &n);
        if (n == len && memcmp(other, text, len) == 0) return s;
    }
    return NULL;
}

int roma_import_index_add(import_index *x, uint32_t i) {
    uint32_t len;
    const char *text = x->get(x->ctx, i, &len);
    const uint32_t hash = hash_of(text, len);
    import_slot *s = slot_of(x, text, len, hash);
    if (!s) return IMPORT_INDEX_CLASH;
    if (s->id) return IMPORT_INDEX_TWICE;
    *s = (import_slot){hash, i + 1};
    return IMPORT_INDEX_NEW;
}

int64_t roma_import_index_find(const import_index *x, const char *text, size_t len) {
    if (!x->slot) return -1;
    const import_slot *s = slot_of(x, text, len, hash_of(text, len));
    return s ? (int64_t)s->id - 1 : -1;
}
