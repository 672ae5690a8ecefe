/* Models by name: the base and each adapter; ollama's tags, show and version. */
#include "serve/internal.h"

#include <string.h>
#include <time.h>

#ifndef ROMA_VERSION
#define ROMA_VERSION "0.1.0"
#endif

static bool is(const char *name, const char *other, size_t len) {
    return strlen(name) == len && !memcmp(name, other, len);
}

/* ollama's clients may write the tag that everything here has. */
static size_t without_tag(const char *name, size_t len) {
    static const char tag[] = ":latest";
    const size_t n = sizeof tag - 1;
    return len > n && memcmp(name + len - n, tag, n) == 0 ? len - n : len;
}

adapter *roma_serve_find(roma_serve *s, const char *name, size_t len, bool *base) {
    len = without_tag(name, len);
    *base = is(s->name, name, len);
    for (size_t i = 0; i < ROMA_SERVE_ADAPTERS_MAX && !*base; i++)
        if (s->adapters[i].state == ADAPTER_READY && is(s->adapters[i].name, name, len)) return &s->adapters[i];
    return NULL;
}

/* ---- OpenAI ---- */

/* Who says in which form tools are shown and called. */
static const char *calls_of(const roma_serve *s) {
    const roma_calls_form *f = roma_answer_calls(s->answer);
    return f->built_in ? "built-in" : f->kind == ROMA_CALLS_NONE ? "none" : "template";
}

static void put_model(roma_json *j, const roma_serve *s, const adapter *a) {
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "id", a ? a->name : s->name);
    roma_json_string(j, "object", "model");
    roma_json_int(j, "created", a ? a->loaded : s->started);
    roma_json_string(j, "owned_by", "roma");
    roma_json_string(j, "root", s->name);
    roma_json_string(j, "parent", a ? s->name : NULL);
    roma_json_uint(j, "max_model_len", s->context);
    roma_json_string(j, "tool_calls", calls_of(s));
    roma_json_close(j, '}');
}

void roma_serve_models(exchange *x, const roma_http_request *q) {
    const roma_serve *s = x->s;
    roma_buf b = {0};
    roma_json j = {.out = &b};
    (void)q;
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "object", "list");
    roma_json_open(&j, "data", '[');
    put_model(&j, s, NULL);
    for (size_t i = 0; i < ROMA_SERVE_ADAPTERS_MAX; i++)
        if (s->adapters[i].state == ADAPTER_READY) put_model(&j, s, &s->adapters[i]);
    roma_json_close(&j, ']');
    roma_json_close(&j, '}');
    roma_serve_reply(x, 200, &b);
}

static void no_model(exchange *x, const char *name, size_t len) {
    char shown[80];
    roma_error_name(shown, sizeof shown, name, len);
    roma_serve_error(&x->error, 404, "model_not_found", "model",
                     "the model '%s' does not exist; /v1/models lists those that do", shown);
    roma_serve_fail(x);
}

void roma_serve_model(exchange *x, const roma_http_request *q) {
    static const char before[] = "/v1/models/";
    char name[256];
    bool base;
    const roma_http_text rest = {q->path.text + sizeof before - 1, q->path.len - (sizeof before - 1)};
    const size_t n = roma_http_unescape(name, sizeof name, rest);
    const adapter *a = n < sizeof name ? roma_serve_find(x->s, name, n, &base) : NULL;
    if (n >= sizeof name || (!a && !base)) {
        no_model(x, n < sizeof name ? name : "", n < sizeof name ? n : 0);
        return;
    }
    roma_buf b = {0};
    roma_json j = {.out = &b};
    put_model(&j, x->s, a);
    roma_serve_reply(x, 200, &b);
}

/* ---- ollama ---- */

static void put_date(roma_json *j, const char *key, int64_t at) {
    char text[40];
    struct tm t;
    const time_t when = (time_t)at;
    if (!gmtime_r(&when, &t)) memset(&t, 0, sizeof t);
    roma_print(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
               t.tm_hour, t.tm_min, t.tm_sec);
    roma_json_string(j, key, text);
}

static void put_details(roma_json *j, const roma_serve *s) {
    const roma_image *image = roma_answer_image(s->answer);
    roma_json_open(j, "details", '{');
    roma_json_string(j, "parent_model", "");
    roma_json_string(j, "format", "roma");
    roma_json_string(j, "family", roma_arch_name(image->desc.hyper.arch));
    roma_json_open(j, "families", '[');
    roma_json_string(j, NULL, roma_arch_name(image->desc.hyper.arch));
    roma_json_close(j, ']');
    roma_json_string(j, "parameter_size", "");
    roma_json_string(j, "quantization_level", "");
    roma_json_close(j, '}');
}

static void put_tag(roma_json *j, const roma_serve *s, const adapter *a) {
    char name[ROMA_SERVE_NAME_MAX + 16];
    const roma_image *image = roma_answer_image(s->answer);
    roma_print(name, sizeof name, "%s:latest", a ? a->name : s->name);
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "name", name);
    roma_json_string(j, "model", name);
    put_date(j, "modified_at", a ? a->loaded : s->started);
    roma_json_uint(j, "size", a ? a->bytes : image->map.size);
    roma_json_hex(j, "digest", image->base_id, 32);
    put_details(j, s);
    roma_json_close(j, '}');
}

void roma_serve_tags(exchange *x, const roma_http_request *q) {
    const roma_serve *s = x->s;
    roma_buf b = {0};
    roma_json j = {.out = &b};
    (void)q;
    roma_json_open(&j, NULL, '{');
    roma_json_open(&j, "models", '[');
    put_tag(&j, s, NULL);
    for (size_t i = 0; i < ROMA_SERVE_ADAPTERS_MAX; i++)
        if (s->adapters[i].state == ADAPTER_READY) put_tag(&j, s, &s->adapters[i]);
    roma_json_close(&j, ']');
    roma_json_close(&j, '}');
    roma_serve_reply(x, 200, &b);
}

void roma_serve_version(exchange *x, const roma_http_request *q) {
    static const char text[] = "{\"version\":\"" ROMA_VERSION "\"}";
    roma_buf b = {0};
    (void)q;
    roma_buf_append(&b, text, sizeof text - 1);
    roma_serve_reply(x, 200, &b);
}

/* The name in {"model": NAME}, or in ollama's old {"name": NAME}. */
static int read_name(const roma_http_request *q, char name[256], roma_error *err) {
    roma_json_reader r;
    int rc = roma_json_read_begin(&r, q->length ? (const char *)q->body : "", q->length, NULL, err);
    if (!rc) rc = roma_json_read_next(&r, err);
    if (!rc && r.kind != ROMA_JSON_OBJECT) rc = roma_json_read_fail(&r, ROMA_EINPUT, err, "a request is an object");
    name[0] = 0;
    while (!rc && !(rc = roma_json_read_next(&r, err)) && r.kind == ROMA_JSON_KEY) {
        const bool is_name = roma_json_is(&r, "model") || roma_json_is(&r, "name");
        rc = roma_json_read_next(&r, err);
        if (!rc && is_name && (r.kind != ROMA_JSON_TEXT || r.len >= 256 || memchr(r.text, 0, r.len)))
            rc = roma_json_read_fail(&r, ROMA_EINPUT, err, "model must be a name");
        if (!rc && is_name)
            roma_print(name, 256, "%.*s", (int)r.len, r.text);
        else if (!rc)
            rc = roma_json_read_skip(&r, err);
    }
    roma_json_read_end(&r);
    return rc;
}

void roma_serve_show(exchange *x, const roma_http_request *q) {
    const roma_serve *s = x->s;
    const roma_image *image = roma_answer_image(s->answer);
    char name[256];
    bool base;
    roma_error err;
    const int rc = read_name(q, name, &err);
    if (rc) {
        roma_serve_error_of(&x->error, rc, &err, "model");
        roma_serve_fail(x);
        return;
    }
    const adapter *a = roma_serve_find(x->s, name, strlen(name), &base);
    if (!a && !base) {
        no_model(x, name, strlen(name));
        return;
    }
    char key[80];
    roma_buf b = {0};
    roma_json j = {.out = &b};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "modelfile", "");
    roma_json_string(&j, "parameters", "");
    roma_json_text(&j, "template", image->vocab.template_text ? image->vocab.template_text : "",
                   image->vocab.template_bytes);
    put_date(&j, "modified_at", a ? a->loaded : s->started);
    put_details(&j, s);
    roma_json_open(&j, "model_info", '{');
    roma_json_string(&j, "general.architecture", roma_arch_name(image->desc.hyper.arch));
    roma_print(key, sizeof key, "%s.context_length", roma_arch_name(image->desc.hyper.arch));
    roma_json_uint(&j, key, s->context);
    roma_print(key, sizeof key, "%s.embedding_length", roma_arch_name(image->desc.hyper.arch));
    roma_json_uint(&j, key, s->width);
    roma_json_close(&j, '}');
    roma_json_open(&j, "capabilities", '[');
    roma_json_string(&j, NULL, "completion");
    roma_json_string(&j, NULL, "embedding");
    if (roma_answer_calls(s->answer)->kind != ROMA_CALLS_NONE) roma_json_string(&j, NULL, "tools");
    roma_json_close(&j, ']');
    roma_json_close(&j, '}');
    roma_serve_reply(x, 200, &b);
}
