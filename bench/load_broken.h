/* F31, F32: requests that are broken, or ask for what they must not get. */
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

/* F32: who may ask, and that no text of a request is a path. */
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
    static const char *const foreign[] = {"evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "192.168.0.1",
                                          "0.0.0.0"};
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
    for (size_t i = 0; i < 2 * sizeof foreign / sizeof *foreign; i++) {
        const char *who = foreign[i / 2];
        talk_end(&x);
        talk_begin(&x, port, "GET", "/health", NULL, 0);
        x.out.len = 0;
        if (i % 2)
            roma_buf_print(&x.out, "GET /health HTTP/1.1\r\nHost: %s\r\n\r\n", who);
        else
            roma_buf_print(&x.out, "GET /health HTTP/1.1\r\nHost: localhost\r\nOrigin: http://%s\r\n\r\n", who);
        while (x.state < TALK_OVER && roma_now() < x.began + 5) talk_all(&x, 1, 100);
        refused += x.status == 403;
    }
    talk_end(&x);
    say("F32", !bad && refused == 2 * sizeof foreign / sizeof *foreign,
        "%zu requests with paths for names: %zu not refused; %zu of %zu foreign hosts and origins told 403", n, bad,
        refused, 2 * sizeof foreign / sizeof *foreign);
}

#endif
