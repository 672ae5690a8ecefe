/* Opening, running and closing a server. */
#include "serve/internal.h"

#include <assert.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { RUNNING_USUAL = 8, WAITING_USUAL = 64, PROPOSALS_MOST = 16 };

/* ---- memory ---- */

/* The longest text of a token of the vocabulary, of which each byte may become three. */
static size_t longest_piece(const roma_serve *s) {
    const roma_tokenizer *tok = roma_answer_tokenizer(s->answer);
    char text[ROMA_TOKEN_BYTES_MAX];
    size_t most = 0;
    for (uint32_t i = 0; tok && i < roma_tokenizer_vocab(tok)->n_tokens; i++) {
        const size_t n = roma_token_bytes(tok, (int32_t)i, true, text, sizeof text);
        most = n > most ? n : most;
    }
    return 3 * (most + 4);
}

/* What one step may put into a ring: tokens that were proposed and hold, each with its records, and a stop text that
 * was held back and is none. */
static size_t step_most(const roma_serve *s) {
    const size_t heads = 4 * sizeof(uint32_t), piece = longest_piece(s);
    const size_t token = heads + sizeof(roma_answer_probs) + sizeof(int32_t) + piece + piece / 1024 * sizeof(uint32_t);
    return PROPOSALS_MOST * token + 2 * ASKED_STOP_BYTES_MAX + 1024;
}

static int make_slots(roma_serve *s, roma_error *err) {
    const size_t sum = roma_arena_piece(s->width * sizeof(double));
    s->n_slots = s->running + s->c.start.waiting;
    s->step_most = step_most(s);
    s->ring_bytes = RING_BYTES + s->step_most;
    const size_t each = roma_arena_piece(s->ring_bytes) + sum;
    const int rc = roma_arena_create(&s->arena,
                                     s->n_slots * each + roma_arena_piece(s->n_slots * sizeof(slot)) +
                                         roma_arena_piece(ROMA_SERVE_ADAPTERS_MAX * sizeof(adapter)),
                                     err);
    if (rc) return rc;
    s->slots = roma_arena_take(&s->arena, s->n_slots * sizeof(slot));
    s->adapters = roma_arena_take(&s->arena, ROMA_SERVE_ADAPTERS_MAX * sizeof(adapter));
    for (uint32_t i = 0; i < s->n_slots; i++) {
        slot *l = &s->slots[i];
        l->s = s;
        l->ring = roma_arena_take(&s->arena, s->ring_bytes);
        l->sum = roma_arena_take(&s->arena, s->width * sizeof(double));
        if (pthread_mutex_init(&l->lock, NULL)) {
            s->n_slots = i;
            return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no lock can be had");
        }
    }
    return ROMA_OK;
}

/* ---- opening ---- */

static void on_over(void *ctx, roma_http_exchange *http, roma_http_why why) {
    exchange *x = roma_http_user(http);
    (void)ctx;
    (void)why;
    if (x) roma_serve_gone(x);
}
static void on_room(void *ctx, roma_http_exchange *http) {
    roma_serve *s = ctx;
    exchange *x = roma_http_user(http);
    if (x) roma_serve_pump(x);
    roma_serve_sweep(s);
}
static void on_woken(void *ctx) { roma_serve_woken(ctx); }
static void on_ending(void *ctx) { roma_serve_end_all(ctx); }

static int start_answer(roma_serve *s, roma_error *err) {
    roma_answer_config *c = &s->c.start;
    if (!c->running) c->running = RUNNING_USUAL;
    if (!c->waiting) c->waiting = WAITING_USUAL;
    if (!c->sets) c->sets = c->running + c->waiting;
    if (c->sets > 4096) c->sets = 4096;
    if (c->stack < ROMA_EXEC_STACK_MAX && c->adapters >= ROMA_EXEC_STACK_MAX) c->stack = ROMA_EXEC_STACK_MAX;
    int rc = roma_answer_fit(s->answer, c, c->context ? c->context - 1 : UINT32_MAX, err);
    if (!rc) rc = roma_answer_start(s->answer, c, err);
    if (rc) return rc;
    s->running = c->running;
    s->context = roma_exec_memory_of(roma_answer_engine(s->answer))->context;
    return ROMA_OK;
}

static int open_front(roma_serve *s, roma_error *err) {
    roma_http_config c = s->c.http;
    c.ctx = s;
    c.request = roma_serve_request;
    c.over = on_over;
    c.room = on_room;
    c.woken = on_woken;
    c.ending = on_ending;
    return roma_http_open(&s->http, &c, err);
}

/* The folder must be there at the start: a name that is mistyped shows at once, not with the first request. */
static int take_folder(roma_serve *s, const char *path, roma_error *err) {
    struct stat st;
    if (stat(path, &st) != 0) return roma_fail_open(err, path);
    if (!S_ISDIR(st.st_mode))
        return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE, "this is no folder; give the path of one");
    if (strlen(path) >= sizeof s->folder)
        return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE, "the path is too long; give a shorter one");
    roma_print(s->folder, sizeof s->folder, "%s", path);
    return ROMA_OK;
}

static int copy_settings(roma_serve *s, const roma_serve_config *c, roma_error *err) {
    const roma_image *image = roma_answer_image(c->answer);
    if (!c->name || !*c->name || strlen(c->name) > ROMA_SERVE_NAME_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "the model needs a name of 1 to 64 bytes");
    roma_print(s->name, sizeof s->name, "%s", c->name);
    const int rc = c->adapter_folder ? take_folder(s, c->adapter_folder, err) : ROMA_OK;
    if (rc) return rc;
    memcpy(s->fingerprint, "roma-", 5);
    roma_hex(s->fingerprint + 5, image->base_id, 8);
    if (c->usual)
        s->usual = *c->usual;
    else
        roma_answer_ask_default(&s->usual);
    if (!c->usual_limit) s->usual.limit = 1; /* in its place comes what fits (flow.c) */
    s->vocab = image->desc.hyper.vocab;
    s->width = roma_true_hidden(&image->desc.hyper);
    s->started = (int64_t)time(NULL);
    if (c->n_keys && !(s->keys = roma_alloc_array(c->n_keys, sizeof *s->keys)))
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the keys");
    for (; s->n_keys < c->n_keys; s->n_keys++) {
        roma_sha256 h;
        roma_sha256_init(&h);
        roma_sha256_update(&h, c->keys[s->n_keys], strlen(c->keys[s->n_keys]));
        roma_sha256_final(&h, s->keys[s->n_keys]);
    }
    return ROMA_OK;
}

static int make_locks(roma_serve *s, roma_error *err) {
    if (pthread_mutex_init(&s->lock, NULL)) return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no lock can be had");
    if (pthread_cond_init(&s->changed, NULL)) {
        pthread_mutex_destroy(&s->lock);
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no condition variable can be had");
    }
    s->has_lock = true;
    return ROMA_OK;
}

/* What a request may need at most beside its body: the ids of its prompt and answer, twice, and the parsed body. */
static uint64_t heap_usual(const roma_serve *s) {
    const uint64_t each = (uint64_t)s->context * 16 + 65536;
    return (UINT64_C(64) << 20) + s->n_slots * each;
}

/* All but the answer and the heap. */
static void close_own(roma_serve *s) {
    roma_serve_work_stop(s);
    roma_answer_stop(s->answer); /* every slot is over */
    if (s->http && s->slots) roma_serve_woken(s);
    roma_http_close(s->http);
    if (s->slots) roma_serve_woken(s);
    roma_serve_record_close(s->record);
    for (uint32_t i = 0; s->slots && i < s->n_slots; i++) pthread_mutex_destroy(&s->slots[i].lock);
    roma_arena_destroy(&s->arena);
    if (s->has_lock) {
        pthread_cond_destroy(&s->changed);
        pthread_mutex_destroy(&s->lock);
    }
    roma_free(s->keys);
}

/* All requests are over: none of them has a piece of the heap left. */
static void close_heap(roma_heap *h) {
    roma_heap_state left;
    if (!h) return;
    roma_heap_install(NULL);
    roma_heap_look(h, &left);
    assert(!left.pieces);
    roma_heap_destroy(h);
}

int roma_serve_open(roma_serve **out, const roma_serve_config *c, roma_error *err) {
    *out = NULL;
    roma_serve *s = roma_alloc_array(1, sizeof *s);
    if (!s) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the server");
    s->c = *c;
    s->answer = c->answer;
    int rc = copy_settings(s, c, err);
    if (!rc) rc = make_locks(s, err);
    if (!rc) rc = open_front(s, err);
    if (!rc) rc = start_answer(s, err);
    if (!rc) rc = roma_answer_warm(s->answer, err);
    if (!rc) rc = make_slots(s, err);
    if (!rc) rc = roma_serve_record_open(&s->record, roma_answer_placement(s->answer), s->context, err);
    for (size_t i = 0; i < c->n_adapters && !rc; i++) rc = roma_serve_adapter_note(s, c->adapters[i], false, err);
    if (!rc) rc = roma_heap_create(&s->heap, c->heap_bytes ? c->heap_bytes : heap_usual(s), err);
    tzset(); /* now, and not when a template first asks for the day: it allocates */
    if (!rc) roma_heap_install(s->heap);
    if (!rc) rc = roma_answer_spawn(s->answer, err);
    if (!rc) rc = roma_serve_work_start(s, err);
    if (!rc) {
        *out = s;
        return ROMA_OK;
    }
    close_own(s);
    close_heap(s->heap);
    roma_free(s);
    return rc;
}

int roma_serve_run(roma_serve *s, roma_error *err) { return roma_http_run(s->http, err); }

void roma_serve_end(roma_serve *s, uint32_t grace_ms) { roma_http_end(s->http, grace_ms); }

void roma_serve_close(roma_serve *s) {
    if (!s) return;
    close_own(s);
    roma_answer_close(s->answer);
    close_heap(s->heap);
    roma_free(s);
}

uint16_t roma_serve_port(const roma_serve *s) { return roma_http_port(s->http); }

void roma_serve_bytes(const roma_serve *s, roma_serve_memory *out) {
    roma_heap_state h;
    roma_heap_look(s->heap, &h);
    *out = (roma_serve_memory){.engine = roma_answer_bytes(s->answer), .heap = h.size, .rings = s->arena.size};
    out->http = roma_http_bytes(s->http, &out->bodies);
}
