/* Which keys the open objects have: a stack of (hash, place in the text), and a table of numbers of that stack. A key
 * is compared with the text itself, so that nothing is copied. Objects close in the reverse of the order in which their
 * keys came, so that a key is taken from the table by clearing its slot: every probe that passed it is gone before it.
 */
#include "json/internal.h"

#include <string.h>

struct roma_json_key {
    uint32_t hash, at; /* at: of its opening quote */
};

/* Keyed with what a file's author cannot know, so that nobody makes a million keys of one hash. */
static uint32_t hash_of(const roma_json_reader *r) {
    const uint8_t *p = (const uint8_t *)r->text;
    uint64_t h = roma_random(r->secret, r->len), tail = 0;
    size_t n = r->len;
    for (; n >= 8; p += 8, n -= 8) h = roma_random(h ^ roma_le64(p), 0);
    for (size_t i = 0; i < n; i++) tail |= (uint64_t)p[i] << (8 * i);
    return (uint32_t)roma_random(h ^ tail, 1);
}

/* Whether the key whose quote is at p is the token. Its text was checked when it was read. */
static bool is_token(const roma_json_reader *r, const char *p) {
    const char *to = r->text, *const end = r->text + r->len;
    for (p++; *p != '"';) {
        char c[4] = {*p};
        size_t n = 1;
        p += *p == '\\' ? roma_json_unescape(p, r->end, c, &n) : 1;
        if ((size_t)(end - to) < n || memcmp(to, c, n) != 0) return false;
        to += n;
    }
    return to == end;
}

static void put(roma_json_reader *r, uint32_t k) {
    uint32_t i = r->key[k].hash & (r->n_slots - 1);
    while (r->slot[i]) i = (i + 1) & (r->n_slots - 1);
    r->slot[i] = k + 1;
}

/* Room for one key more, the table being at most half full. */
static bool grow(roma_json_reader *r) {
    if (!ROMA_GROW(&r->key, r->n_keys, &r->cap_keys)) return false;
    if (2 * (r->n_keys + 1) <= r->n_slots) return true;
    const uint32_t n = r->n_slots ? 2 * r->n_slots : 16;
    uint32_t *slot = roma_alloc_array(n, sizeof *slot);
    if (!slot) return false;
    roma_free(r->slot);
    r->slot = slot;
    r->n_slots = n;
    for (uint32_t k = 0; k < r->n_keys; k++) put(r, k);
    return true;
}

int roma_json_key_add(roma_json_reader *r, roma_error *err) {
    const uint32_t hash = hash_of(r), from = r->keys_from[r->depth - 1];
    if (!grow(r)) return roma_fail(err, ROMA_ENOMEM, r->from.file, ROMA_NOWHERE, "no memory for the keys of the JSON");
    for (uint32_t i = hash & (r->n_slots - 1); r->slot[i]; i = (i + 1) & (r->n_slots - 1)) {
        const struct roma_json_key *k = &r->key[r->slot[i] - 1];
        if (r->slot[i] > from && k->hash == hash && is_token(r, r->begin + k->at)) {
            char name[64], what[96];
            roma_print(what, sizeof what, "duplicate key '%s'", roma_error_name(name, sizeof name, r->text, r->len));
            return roma_json_bad(r, r->begin + r->at, err, what);
        }
    }
    r->key[r->n_keys] = (struct roma_json_key){hash, (uint32_t)r->at};
    put(r, r->n_keys++);
    return ROMA_OK;
}

void roma_json_keys_drop(roma_json_reader *r, uint32_t from) {
    while (r->n_keys > from) {
        const uint32_t k = --r->n_keys;
        uint32_t i = r->key[k].hash & (r->n_slots - 1);
        while (r->slot[i] != k + 1) i = (i + 1) & (r->n_slots - 1);
        r->slot[i] = 0;
    }
}
