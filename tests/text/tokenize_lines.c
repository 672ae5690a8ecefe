/* Runs the tokenizer for tests/reference (tokenizer_families.py, trained.py): a vocabulary file, or a GGUF file, as
 * argument, requests on stdin, answers on stdout. A request is u8 op, u8 arg, u32 length, bytes; an answer u32 count
 * and as many 32-bit values (op 'd': bytes); count UINT32_MAX is a refusal. 't' tokenise, arg = flags            'u'
 * the same, answering ids needed and microseconds of processor time 'd' detokenise ids 'c' a conversation, arg = kind *
 * 2 + add_reply: u32 n, then per message u8 role, u32 length, bytes */
#include <stdio.h>
#include <time.h>
#include "roma/import.h"
#include "vocab_file.h"

static void answer(const void *data, uint32_t count, size_t size) {
    fwrite(&count, 4, 1, stdout);
    if (count != UINT32_MAX) fwrite(data, size, count, stdout);
    fflush(stdout);
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void tokenise(const roma_tokenizer *t, const char *s, uint32_t len, unsigned flags, bool timed) {
    int32_t *ids = malloc(4 * ((size_t)len * 3 + 16));
    size_t n = 0;
    const double from = cpu_seconds();
    const int rc = roma_tokenize(t, s, len, flags, ids, (size_t)len * 3 + 16, &n, NULL);
    const uint32_t took[2] = {(uint32_t)n, (uint32_t)((cpu_seconds() - from) * 1e6)};
    if (timed)
        answer(took, rc ? UINT32_MAX : 2, 4);
    else
        answer(ids, rc ? UINT32_MAX : (uint32_t)n, 4);
    free(ids);
}

static void tokenise_marked(const roma_tokenizer *t, const char *s, uint32_t len) {
    int32_t *ids = malloc(4 * ((size_t)len * 3 + 16));
    size_t n = 0;
    const int rc =
        roma_tokenize_marked(t, s, (const uint8_t *)s + len / 2, len / 2, ids, (size_t)len * 3 + 16, &n, NULL);
    answer(ids, rc ? UINT32_MAX : (uint32_t)n, 4);
    free(ids);
}

static void detokenise(const roma_tokenizer *t, const char *s, uint32_t len) {
    static char piece[3 * (ROMA_TOKEN_BYTES_MAX + 4)];
    roma_buf b = {0};
    roma_detok d;
    roma_detok_init(&d, t, false);
    for (uint32_t i = 0; i + 4 <= len; i += 4) {
        const int32_t id = (int32_t)roma_le32((const uint8_t *)s + i);
        roma_buf_append(&b, piece, roma_detok_push(&d, id, piece));
    }
    roma_buf_append(&b, piece, roma_detok_flush(&d, piece));
    answer(b.data, (uint32_t)b.len, 1);
    roma_buf_destroy(&b);
}

static void converse(const roma_tokenizer *t, const char *s, uint32_t len, unsigned arg) {
    roma_message m[64];
    int32_t *ids = malloc(4 * ((size_t)len * 3 + 4096));
    size_t n = 0, n_msgs;
    roma_reader r;
    roma_reader_init(&r, s, len, 0);
    n_msgs = roma_read_u32(&r);
    for (size_t i = 0; i < n_msgs && i < 64; i++) {
        m[i].role = (roma_role)roma_read_u8(&r);
        m[i].len = roma_read_u32(&r);
        m[i].text = (const char *)roma_read_bytes(&r, m[i].len);
    }
    const int rc = roma_text_template_apply(t, (roma_template_kind)(arg / 2), m, n_msgs, arg & 1, ids,
                                            (size_t)len * 3 + 4096, &n, NULL);
    answer(ids, rc ? UINT32_MAX : (uint32_t)n, 4);
    free(ids);
}

/* A GGUF file's tokenizer, or that of a file of the tests' own. */
static const roma_vocab *load(const char *path, roma_import *imp, test_vocab_file *f, roma_map *map, roma_error *err) {
    if (roma_gguf_is(path)) return roma_import_open_vocab(imp, path, NULL, err) ? NULL : &imp->vocab;
    if (roma_map_open(map, path, err)) return NULL;
    return test_vocab_load(f, map) ? &f->v : NULL;
}

int main(int argc, char **argv) {
    roma_error err = {.text = "no vocabulary"};
    roma_import imp = {0};
    roma_map map = {0};
    test_vocab_file f = {0};
    roma_tokenizer *t;
    char line[1024];
    if (argc != 2) {
        fprintf(stderr, "use: tokenize_lines VOCABULARY < requests\n");
        return 2;
    }
    const roma_vocab *v = load(argv[1], &imp, &f, &map, &err);
    if (!v || roma_tokenizer_create(&t, v, argv[1], &err)) {
        fprintf(stderr, "%s\n", roma_error_format(&err, line, sizeof line));
        return 2;
    }
    uint8_t head[6];
    while (fread(head, 1, 6, stdin) == 6) {
        const uint32_t len = roma_le32(head + 2);
        char *s = malloc((size_t)len + 1);
        if (fread(s, 1, len, stdin) != len) return 2;
        switch (head[0]) {
        case 't': tokenise(t, s, len, head[1], false); break;
        case 'u': tokenise(t, s, len, head[1], true); break;
        case 'm': tokenise_marked(t, s, len); break;
        case 'd': detokenise(t, s, len); break;
        case 'c': converse(t, s, len, head[1]); break;
        }
        free(s);
    }
    roma_tokenizer_destroy(t);
    test_vocab_unload(&f);
    roma_map_close(&map);
    roma_import_close(&imp);
    return 0;
}
