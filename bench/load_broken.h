/* F30, F31, F32: adapters and requests that are broken, or ask for what they must not get. */
#ifndef ROMA_BENCH_LOAD_BROKEN_H
#define ROMA_BENCH_LOAD_BROKEN_H

#include "load.h"

/* F31: bodies that are broken in all ways: 200 or 4xx, never 5xx, never the server's end. */
/* Puts `with` in the place of `len` bytes at p of a text of n bytes; returns the new length. */
static size_t put_in(char *text, size_t n, size_t p, size_t len, const char *with) {
    const size_t w = strlen(with);
    memmove(text + p + w, text + p + len, n - p - len);
    memcpy(text + p, with, w);
    return n - len + w;
}

/* One change: bytes, pieces, or the value of a member, so that the JSON stays JSON. */
static size_t mutate_once(char *out, size_t n, uint64_t r) {
    static const char *const bits[] = {"{",       "}", "[", "]",    "\"",   "\\u0000",
                                       "\\ud800", ",", ":", "\xff", "[[[[", "\"stream\":\"true\","};
    static const char *const values[] = {
        "null", "-1",    "0",    "1",     "2",  "0.5", "1e999",   "99999999999999999999",
        "true", "false", "\"\"", "\"x\"", "[]", "{}",  "[\"x\"]", "{\"x\":1}"};
    const size_t p = (size_t)(r >> 8) % n, left = n - p, most = 1 + (size_t)(r >> 32) % 16,
                 len = most < left ? most : left;
    switch (r % 8) {
    case 0: out[p] = (char)(r >> 40); return n;
    case 1: return put_in(out, n, p, len, "");
    case 2: return put_in(out, n, p, 0, bits[(r >> 24) % (sizeof bits / sizeof *bits)]);
    case 3: memmove(out + p + len, out + p, left); return n + len;
    default: break;
    }
    const char *colon = memchr(out + p, ':', left);
    if (!colon) return n;
    const size_t from = (size_t)(colon - out) + 1;
    size_t to = from;
    while (to < n && !strchr(",}]", out[to])) to++;
    return put_in(out, n, from, to - from, values[(r >> 24) % (sizeof values / sizeof *values)]);
}

static const struct {
    const char *path, *body;
} routes[] = {
    {"/v1/chat/completions",
     "{\"model\":\"model\",\"messages\":[{\"role\":\"system\",\"content\":\"Be "
     "brief.\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"A dog?\"}]}],\"stream\":true,"
     "\"stream_options\":{\"include_usage\":true},\"max_tokens\":3,\"n\":2,\"seed\":1}"},
    {"/v1/chat/completions", "{\"messages\":[{\"role\":\"user\",\"content\":\"A "
                             "dog?\",\"name\":\"x\"}],\"max_completion_tokens\":3,\"temperature\":0.5,\"top_p\":0.9,"
                             "\"stop\":[\"x\",\"y\"],\"logit_bias\":"
                             "{\"5\":1},\"logprobs\":true,\"top_logprobs\":2,\"response_format\":{\"type\":\"json_"
                             "object\"},\"user\":\"u\",\"lora\":[\"a0:0.5\"]}"},
    {"/v1/completions",
     "{\"model\":\"a0\",\"prompt\":[\"Once\",\"The "
     "dog\"],\"max_tokens\":3,\"logprobs\":1,\"presence_penalty\":0.5,\"stop\":\"x\",\"echo\":false,\"best_of\":1}"},
    {"/v1/responses", "{\"model\":\"model\",\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
                      "\"text\":\"A dog?\"}]}],\"instructions\":\"x\",\"max_output_tokens\":3,\"store\":false}"},
    {"/v1/embeddings", "{\"model\":\"model\",\"input\":[\"a\",\"b\"],\"encoding_format\":\"base64\"}"},
    {"/api/chat", "{\"model\":\"model\",\"messages\":[{\"role\":\"user\",\"content\":\"A "
                  "dog?\"}],\"stream\":false,\"options\":{\"num_predict\":3,\"temperature\":0.5,\"stop\":[\"x\"]}}"},
    {"/api/generate", "{\"model\":\"model\",\"prompt\":\"A "
                      "dog?\",\"system\":\"x\",\"raw\":false,\"options\":{\"num_predict\":3,\"top_k\":4}}"},
    {"/v1/adapters", "{\"id\":\"swap0\"}"}};
enum { ROUTES = sizeof routes / sizeof *routes };

static size_t mutate(char *out, const char *body, uint64_t key) {
    size_t n = strlen(body);
    memcpy(out, body, n);
    for (uint64_t i = 0, times = 1 + roma_random(key, 2) % 3; i < times && n; i++)
        n = mutate_once(out, n, roma_random(key, 3 + i));
    return n;
}

static void f31(void) {
    static char body[4096];
    enum { AT_ONCE = 16 };
    size_t begun = 0, over = 0, good = 0, refused = 0, bad = 0, n = (size_t)option("mutants");
    is_idle(10);
    while (over < n) {
        for (size_t i = 0; i < AT_ONCE; i++) {
            bool knows = t[i].status != 0; /* the rest of a good answer is not waited for */
            if (t[i].state == TALK_BROKEN || knows) {
                over++;
                if (t[i].status == 200)
                    good++;
                else if (t[i].status >= 400 && t[i].status < 500)
                    refused++;
                else if (!bad++)
                    fprintf(stderr, "first bad status: %d of %.*s\n", t[i].status, (int)t[i].out.len, t[i].out.data);
                if (t[i].state != TALK_OVER) talk_end(&t[i]);
            }
            if (t[i].state != TALK_FREE && t[i].state != TALK_OVER) continue;
            if (begun >= n) {
                talk_end(&t[i]);
                continue;
            }
            const size_t len = mutate(body, routes[begun % ROUTES].body, 1000 + begun);
            talk_begin(&t[i], port, "POST", routes[begun % ROUTES].path, body, len);
            begun++;
        }
        talk_all(t, AT_ONCE, 20);
    }
    for (size_t i = 0; i < AT_ONCE; i++) talk_end(&t[i]);
    memset(&streams, 0, sizeof streams);
    bool idle = is_idle(20);
    stream(8, true);
    drain(8);
    say("F31", !bad && idle && streams.right == 8,
        "%zu broken bodies over 7 routes: %zu answered 200, %zu 4xx, %zu otherwise; afterwards %llu of 8 streams right",
        over, good, refused, bad, (unsigned long long)streams.right);
}

/* A file's bytes, of which one has a bit changed, or the end is cut off; false: it could not be written. */
static bool write_damaged(const char *path, const uint8_t *data, size_t n, uint64_t key) {
    const size_t at = (size_t)(roma_random(key, 1) % n), cut = key % 5 ? n : at;
    const uint8_t bit = (uint8_t)(1u << roma_random(key, 2) % 8), wrong = data[at] ^ bit;
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    bool good = fwrite(data, 1, at < cut ? at : cut, f) == (at < cut ? at : cut);
    if (at < cut)
        good = fwrite(&wrong, 1, 1, f) == 1 && fwrite(data + at + 1, 1, cut - at - 1, f) == cut - at - 1 && good;
    return fclose(f) == 0 && good;
}

/* What the server says of its adapters. */
static void adapters_now(roma_buf *out) {
    talk x = {.fd = -1};
    out->len = 0;
    (void)talk_once(&x, port, "GET", "/v1/adapters", NULL);
    if (x.status == 200) talk_bytes(out, x.body.data, x.body.len);
    talk_end(&x);
}

/* F30: adapters that are damaged are refused and change nothing; the same file whole is taken. The files are in
 * folder/, which is --lora-dir. */
static void f30(void) {
    static const char path[] = "folder/damaged.lora.roma", id[] = "{\"id\":\"damaged\"}";
    const size_t n = (size_t)option("damages");
    size_t taken = 0, otherwise = 0, changed = 0;
    uint8_t *data;
    uint64_t size;
    roma_error err;
    roma_buf before = {0}, now = {0};
    talk x = {.fd = -1};
    const bool ready = is_idle(10) && !roma_file_read("folder/swap0.lora.roma", 1 << 28, &data, &size, &err);
    const double arena = metric("arena_adapters_most_bytes");
    memset(&streams, 0, sizeof streams);
    adapters_now(&before);
    for (size_t i = 0; ready && i < n; i++) {
        if (!write_damaged(path, data, (size_t)size, i)) break;
        const bool ended = talk_once(&x, port, "POST", "/v1/adapters", id);
        taken += ended && x.status == 200;
        otherwise += !ended || (x.status != 200 && x.status != 400);
        adapters_now(&now);
        changed += !now.len || now.len != before.len || memcmp(now.data, before.data, now.len) != 0;
        stream(1, true); /* the next answer */
        drain(1);
    }
    changed += metric("arena_adapters_most_bytes") > arena;
    bool whole = false;
    FILE *f = fopen(path, "wb");
    if (ready && f) {
        whole = fwrite(data, 1, (size_t)size, f) == size && fclose(f) == 0;
        whole = whole && talk_once(&x, port, "POST", "/v1/adapters", id) && x.status == 200;
        whole = whole && talk_once(&x, port, "DELETE", "/v1/adapters/damaged", NULL) && x.status == 200;
    }
    talk_end(&x);
    unlink(path);
    if (ready) roma_free(data);
    say("F30",
        ready && !taken && !otherwise && !changed && whole && streams.right == n && !streams.wrong && !streams.broken,
        "%zu damaged adapters (a bit, or the end cut off): %zu taken, %zu refused otherwise than by 400, %zu changed "
        "what "
        "is loaded; %llu of the next answers right, %llu wrong; the same file whole is %s",
        n, taken, otherwise, changed, (unsigned long long)streams.right, (unsigned long long)streams.wrong,
        whole ? "taken" : "not taken");
    roma_buf_destroy(&before);
    roma_buf_destroy(&now);
}

/* F32: who may ask, and that no text of a request is a path. folder/link.lora.roma is a link to an adapter. */
#define TEN "xxxxxxxxxx"
#define LONG_NAME                                                                                                      \
    TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
static void f32(void) {
    static const char *const paths[] = {"../../etc/passwd",
                                        "/etc/passwd",
                                        "..%2f..%2fetc%2fpasswd",
                                        "....//etc/passwd",
                                        "/dev/random",
                                        "/proc/self/mem",
                                        "file:///etc/passwd",
                                        "a/../../b",
                                        "./a",
                                        "..",
                                        ".",
                                        "\\\\server\\share",
                                        "C:\\\\a",
                                        "~/.ssh/id_rsa",
                                        "a\\u0000.roma"};
    static const char *const names[] = {"..%2fa0", "%2e%2e", "a0.lora.roma/..", "link", "C:x",    "~", "$HOME", "", " ",
                                        "a b",     "\\n",    "\xc3\xa9",        "A0",   LONG_NAME};
    static const char *const targets[] = {"/../etc/passwd",
                                          "/%2e%2e/%2e%2e/etc/passwd",
                                          "/v1/models/../../etc/passwd",
                                          "/v1/adapters/..%2f..%2fetc%2fpasswd",
                                          "/..%00/",
                                          "/v1/models/%00"};
    static const char *const foreign[] = {"Host: evil.example",
                                          "Host: evil.example:8080",
                                          "Host: localhost.evil.example",
                                          "Host: 127.0.0.1.nip.io",
                                          "Host: 192.168.0.1",
                                          "Host: 0.0.0.0",
                                          "Host: localhost\r\nOrigin: http://evil.example",
                                          "Host: localhost\r\nOrigin: https://localhost.evil.example",
                                          "Host: localhost\r\nOrigin: http://127.0.0.1.nip.io",
                                          "Host: localhost\r\nOrigin: http://192.168.0.1",
                                          "Host: localhost\r\nOrigin: http://0.0.0.0",
                                          "Host: localhost\r\nOrigin: null"};
    size_t n = 0, bad = 0, refused = 0;
    talk x = {.fd = -1};
    char body[512];
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        static const char *const forms[][2] = {
            {"/v1/adapters", "{\"id\":\"%s\"}"},
            {"/v1/chat/completions",
             "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":1}"},
            {"/v1/chat/completions",
             "{\"lora\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":1}"},
            {"/api/show", "{\"model\":\"%s\"}"}};
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++, n++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(body, sizeof body, forms[k][1], paths[i]);
#pragma GCC diagnostic pop
            bool ended = talk_once(&x, port, "POST", forms[k][0], body);
            if (!ended || x.status < 400 || x.status > 499)
                bad++, fprintf(stderr, "%s %s: %d\n", forms[k][0], body, x.status);
        }
        snprintf(body, sizeof body, "/v1/models/%s", paths[i]);
        if (strpbrk(body, "\\~")) continue;
        n++;
        if (!talk_once(&x, port, "GET", body, NULL) || x.status < 400 || x.status > 499) bad++;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++, n++) { /* of files in the folder */
        snprintf(body, sizeof body, "{\"id\":\"%s\"}", names[i]);
        if (!talk_once(&x, port, "POST", "/v1/adapters", body) || x.status < 400 || x.status > 499)
            bad++, fprintf(stderr, "/v1/adapters %s: %d\n", body, x.status);
    }
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++, n++)
        if (!talk_once(&x, port, "GET", targets[i], NULL) || x.status < 400 || x.status > 499)
            bad++, fprintf(stderr, "GET %s: %d\n", targets[i], x.status);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        talk_end(&x);
        talk_begin(&x, port, "GET", "/health", NULL, 0);
        x.out.len = 0;
        roma_buf_print(&x.out, "GET /health HTTP/1.1\r\n%s\r\n\r\n", foreign[i]);
        while (x.state < TALK_OVER && roma_now() < x.began + 5) talk_all(&x, 1, 100);
        refused += x.status == 403;
    }
    talk_end(&x);
    say("F32", !bad && refused == sizeof foreign / sizeof *foreign,
        "%zu requests with paths for names: %zu not refused; %zu of %zu foreign hosts and origins told 403", n, bad,
        refused, sizeof foreign / sizeof *foreign);
}

#endif
