/* Routes: who may ask what, by which method. */
#include "serve/internal.h"
#include "serve/page.h"

#include <string.h>

typedef struct {
    roma_http_method method;
    const char *path; /* with a '*' at the end: a name follows */
    asked_form form;
    void (*answer)(exchange *x, const roma_http_request *q);
    bool is_open, is_ollama; /* without a key; errors in ollama's shape */
} route;

/* clang-format off */
static const route routes[] = {
    {ROMA_HTTP_POST, "/v1/chat/completions", ASKED_CHAT, roma_serve_ask, false, false},
    {ROMA_HTTP_POST, "/v1/completions", ASKED_TEXT, roma_serve_ask, false, false},
    {ROMA_HTTP_POST, "/v1/responses", ASKED_RESPONSE, roma_serve_ask, false, false},
    {ROMA_HTTP_POST, "/v1/embeddings", ASKED_EMBED, roma_serve_ask, false, false},
    {ROMA_HTTP_GET, "/v1/models", 0, roma_serve_models, false, false},
    {ROMA_HTTP_GET, "/v1/models/*", 0, roma_serve_model, false, false},
    {ROMA_HTTP_GET, "/v1/adapters", 0, roma_serve_adapters, false, false},
    {ROMA_HTTP_POST, "/v1/adapters", 0, roma_serve_adapter_load, false, false},
    {ROMA_HTTP_DELETE, "/v1/adapters/*", 0, roma_serve_adapter_unload, false, false},
    {ROMA_HTTP_GET, "/v1/chip", 0, roma_serve_chip, false, false},
    {ROMA_HTTP_GET, "/v1/chip/step", 0, roma_serve_chip_step, false, false},
    {ROMA_HTTP_GET, "/health", 0, roma_serve_health, true, false},
    {ROMA_HTTP_GET, "/metrics", 0, roma_serve_metrics, false, false},
    {ROMA_HTTP_POST, "/api/chat", ASKED_OCHAT, roma_serve_ask, false, true},
    {ROMA_HTTP_POST, "/api/generate", ASKED_OTEXT, roma_serve_ask, false, true},
    {ROMA_HTTP_POST, "/api/embed", ASKED_OEMBED, roma_serve_ask, false, true},
    {ROMA_HTTP_GET, "/api/tags", 0, roma_serve_tags, false, true},
    {ROMA_HTTP_POST, "/api/show", 0, roma_serve_show, false, true},
    {ROMA_HTTP_GET, "/api/version", 0, roma_serve_version, false, true},
};
/* What clients may look for and is not here. */
static const struct { const char *path, *why; } absent[] = {
    {"/v1/messages", "/v1/messages is not served: ask /v1/chat/completions or /v1/responses"},
    {"/v1/rerank", "/v1/rerank is not served: a language model of this kind has no score of a pair; /v1/embeddings has vectors"},
    {"/api/embeddings", "/api/embeddings is ollama's old name: ask /api/embed"},
    {"/api/pull", "models are not fetched by the server: roma build makes an image"},
};
/* clang-format on */
enum { N_ROUTES = sizeof routes / sizeof *routes, N_ABSENT = sizeof absent / sizeof *absent };

static bool fits(const route *r, roma_http_text path) {
    const size_t n = strlen(r->path);
    if (r->path[n - 1] != '*') return roma_http_is(path, r->path);
    return path.len >= n && memcmp(path.text, r->path, n - 1) == 0;
}

static bool takes(const route *r, roma_http_method m) {
    return r->method == m || (r->method == ROMA_HTTP_GET && m == ROMA_HTTP_HEAD);
}

/* ---- keys ---- */

/* Compares hashes, each of them to its end, whatever was seen before: the time says nothing of a key. */
static bool has_key(const roma_serve *s, const roma_http_request *q) {
    static const char bearer[] = "Bearer ";
    const roma_http_text h = roma_http_header(q, "authorization");
    const size_t n = sizeof bearer - 1;
    if (!s->n_keys) return true;
    if (!h.text || h.len <= n || memcmp(h.text, bearer, n) != 0) return false;
    uint8_t sum[32];
    roma_sha256 hash;
    roma_sha256_init(&hash);
    roma_sha256_update(&hash, h.text + n, h.len - n);
    roma_sha256_final(&hash, sum);
    unsigned found = 0;
    for (size_t k = 0; k < s->n_keys; k++) {
        unsigned differs = 0;
        for (size_t i = 0; i < sizeof sum; i++) differs |= (unsigned)(sum[i] ^ s->keys[k][i]);
        found |= ((differs - 1) >> 8) & 1;
    }
    return found != 0;
}

/* ---- the whole ---- */

static void not_here(roma_http_exchange *http, roma_http_text path, bool exists) {
    const bool ollama = path.len >= 5 && memcmp(path.text, "/api/", 5) == 0;
    for (size_t i = 0; i < N_ABSENT; i++)
        if (roma_http_is(path, absent[i].path)) {
            roma_serve_refuse(http, 404, "not_found", absent[i].why, ollama);
            return;
        }
    roma_serve_refuse(http, exists ? 405 : 404, exists ? "method_not_allowed" : "not_found",
                      exists ? "the route has no such method; docs/server.md lists both"
                             : "there is no such route; docs/server.md lists those that are",
                      ollama);
}

/* The page and its files, which need no key. */
static bool reply_page(roma_http_exchange *http, const roma_http_request *q) {
    roma_serve_page p;
    const roma_http_text match = roma_http_header(q, "if-none-match");
    if (q->method != ROMA_HTTP_GET && q->method != ROMA_HTTP_HEAD) return false;
    if (!roma_serve_page_get(&p, q->path.text, q->path.len, match.text, match.len)) return false;
    roma_http_reply(http, p.status, p.type, p.headers, p.body, p.len);
    return true;
}

void roma_serve_request(void *ctx, roma_http_exchange *http, const roma_http_request *q) {
    roma_serve *s = ctx;
    const route *found = NULL;
    bool exists = false;
    if (reply_page(http, q)) return;
    for (size_t i = 0; i < N_ROUTES && !found; i++) {
        const bool is = fits(&routes[i], q->path);
        exists |= is;
        if (is && takes(&routes[i], q->method)) found = &routes[i];
    }
    if (!(found && found->is_open) && !has_key(s, q)) {
        roma_serve_refuse(http, 401, "invalid_api_key", "a key is missing or wrong: Authorization: Bearer KEY",
                          found && found->is_ollama);
        return;
    }
    if (!found) {
        not_here(http, q->path, exists);
        return;
    }
    if (s->is_ending) {
        roma_serve_refuse(http, 503, "shutting_down", "the server ends", found->is_ollama);
        return;
    }
    exchange *x = roma_serve_exchange(s, http);
    if (!x) return;
    x->form = found->form;
    x->writes = found->is_ollama ? &roma_serve_told_ollama : &roma_serve_told_text;
    found->answer(x, q);
}
