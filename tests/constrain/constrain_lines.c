/* Forms by commands of lines, for tests in Python (tests/constrain/check_*.py). A command is a letter and words; bytes
 * are hexadecimal digits, "-" is none.
 *
 *   V TOKEN...    a vocabulary: all bytes, <eos> (id 256), then these; or V FILE.roma: that of an image
 *   G TEXT        a grammar; J SCHEMA a schema; O any object. "ok BYTES", or "no CODE MESSAGE"
 *   P NAME SCHEMA the rules of a schema: "ok TEXT"
 *   B 0|1         begins a text; 1: whose first blank is dropped
 *   M             the mask: "ok ID...", or "no CODE MESSAGE"
 *   A ID          takes a token: "ok MAY_END MUST_END", or "no CODE MESSAGE"
 *   S SEED N MORE draws a text of at most N tokens, each allowed one as likely, but an end that may come only once in
 * MORE draws, and prints "ok eos|length|stuck TEXT IDS..." */
#include "roma/constrain.h"
#include "roma/image.h"
#include "../text/small_vocab.h"

#include <stdlib.h>

static small_vocab vocab;
static roma_image image;
static roma_tokenizer *tok;
static roma_constrain *form;
static roma_constrain_words *words;
static roma_constrain_state *state;
static char line[1 << 24], bytes[1 << 23];

static size_t unhex(const char *s, char *out) {
    size_t n = 0;
    unsigned v;
    for (; sscanf(s, "%2x", &v) == 1 && *s != '-'; s += 2) out[n++] = (char)v;
    return n;
}

static void print_hex(const char *s, size_t n) {
    if (!n) putchar('-');
    for (size_t i = 0; i < n; i++) printf("%02x", (uint8_t)s[i]);
}

static void die(const char *what) {
    fprintf(stderr, "constrain_lines: %s\n", what);
    exit(1);
}

static void tell(int rc, const roma_error *err) {
    char text[1024];
    if (rc) printf("no %d %s\n", rc, roma_error_format(err, text, sizeof text));
}

static uint32_t logits(void) { return roma_tokenizer_vocab(tok)->n_tokens + 3; }

static void make_vocab(char *rest) {
    roma_error err;
    char token[256];
    size_t n = strlen(rest);
    if (n > 5 && strcmp(rest + n - 5, ".roma") == 0) {
        if (roma_image_open(&image, rest, ROMA_IMAGE_NO_VERIFY, NULL, &err)) die(err.text);
        if (roma_tokenizer_create(&tok, &image.vocab, rest, &err)) die(err.text);
    } else {
        small_init(&vocab, ROMA_TOK_BPE, ROMA_PRE_GPT2);
        for (unsigned b = 0; b < 256; b++) {
            uint8_t c[4];
            small_add(&vocab, (const char *)c, roma_text_utf8_put(roma_text_alphabet_char((uint8_t)b), c),
                      ROMA_TT_NORMAL, 0);
        }
        vocab.v.eos = small_token(&vocab, "<eos>", ROMA_TT_CONTROL);
        for (char *w = strtok(rest, " "); w; w = strtok(NULL, " ")) {
            char text[512];
            size_t len = 0;
            n = unhex(w, token);
            for (size_t i = 0; i < n; i++)
                len += roma_text_utf8_put(roma_text_alphabet_char((uint8_t)token[i]), (uint8_t *)text + len);
            small_add(&vocab, text, len, ROMA_TT_NORMAL, 0);
        }
        if (roma_tokenizer_create(&tok, &vocab.v, "small", &err)) die(err.text);
    }
    if (roma_constrain_words_create(&words, tok, logits(), NULL, 0, &err)) die(err.text);
    printf("ok %u\n", roma_tokenizer_vocab(tok)->n_tokens);
}

static void drop_state(void) {
    roma_constrain_state_destroy(state);
    state = NULL;
}

static void make_form(roma_constrain_kind kind, const char *rest) {
    roma_error err;
    drop_state();
    roma_constrain_destroy(form);
    const size_t n = unhex(rest, bytes);
    const int rc = roma_constrain_create(&form, kind, bytes, n, NULL, &err);
    tell(rc, &err);
    if (!rc) printf("ok %zu\n", roma_constrain_bytes(form));
}

static void put_schema(char *rest) {
    roma_buf b = {0};
    roma_error err;
    char *schema = strchr(rest, ' ');
    *schema++ = 0;
    const int rc = roma_constrain_put_schema(&b, rest, bytes, unhex(schema, bytes), NULL, &err);
    tell(rc, &err);
    if (!rc) printf("ok "), print_hex((const char *)b.data, b.len), putchar('\n');
    roma_buf_destroy(&b);
}

static int begin(bool drops) {
    roma_error err;
    drop_state();
    const int rc = roma_constrain_state_create(&state, form, words, drops, &err);
    tell(rc, &err);
    return rc;
}

static void mask(void) {
    roma_error err;
    const uint64_t *m;
    const int rc = roma_constrain_mask(state, &m, &err);
    tell(rc, &err);
    if (rc) return;
    printf("ok");
    for (uint32_t id = 0; id < logits(); id++)
        if (m[id / 64] >> id % 64 & 1) printf(" %u", id);
    putchar('\n');
}

static void accept(int32_t id) {
    roma_error err;
    const int rc = roma_constrain_accept(state, id, &err);
    tell(rc, &err);
    if (!rc) printf("ok %d %d\n", roma_constrain_may_end(state), roma_constrain_must_end(state));
}

/* One of the mask's bits; ends only when `may_end` says so, or there is nothing else. */
static int32_t pick(const uint64_t *m, uint64_t dice, bool may_end) {
    uint64_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t k = n ? dice % n : 0;
        for (uint32_t id = 0; id < logits(); id++) {
            if (!(m[id / 64] >> id % 64 & 1) || roma_token_is_eog(tok, (int32_t)id)) continue;
            if (pass && !k--) return (int32_t)id;
            if (!pass) n++;
        }
        if (!pass && (!n || may_end))
            for (uint32_t id = 0; id < logits(); id++)
                if (m[id / 64] >> id % 64 & 1 && roma_token_is_eog(tok, (int32_t)id)) return (int32_t)id;
    }
    return -1;
}

static void sample(uint64_t seed, uint32_t most, uint64_t more) {
    roma_error err;
    const char *why = "length";
    int32_t *ids = calloc(most + 1, sizeof *ids);
    size_t n = 0;
    uint32_t k = 0;
    if (begin(false)) return free(ids);
    for (; k < most; k++) {
        const uint64_t *m;
        if (roma_constrain_must_end(state)) break;
        if (roma_constrain_mask(state, &m, &err)) {
            why = err.text;
            break;
        }
        const int32_t id = pick(m, roma_random(seed, 2 * k), roma_random(seed, 2 * k + 1) % more == 0);
        if (id < 0 || roma_constrain_accept(state, id, &err)) die(id < 0 ? "an empty mask" : err.text);
        if (roma_token_is_eog(tok, id)) break;
        ids[k] = id;
        n += roma_token_bytes(tok, id, false, bytes + n, sizeof bytes - n);
    }
    if (k < most && strcmp(why, "length") == 0) why = "eos";
    if (roma_constrain_must_end(state)) why = "eos";
    printf("ok %s ", strchr(why, ' ') ? "stuck" : why);
    print_hex(bytes, n);
    for (uint32_t i = 0; i < k; i++) printf(" %d", ids[i]);
    putchar('\n');
    free(ids);
}

int main(void) {
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *rest = line + 2;
        unsigned long long seed, n, more;
        switch (line[0]) {
        case 'V': make_vocab(rest); break;
        case 'G': make_form(ROMA_CONSTRAIN_GRAMMAR, rest); break;
        case 'J': make_form(ROMA_CONSTRAIN_SCHEMA, rest); break;
        case 'O': make_form(ROMA_CONSTRAIN_JSON, "-"); break;
        case 'P': put_schema(rest); break;
        case 'B':
            if (!begin(*rest == '1')) puts("ok");
            break;
        case 'M': mask(); break;
        case 'A': accept(atoi(rest)); break;
        case 'S':
            if (sscanf(rest, "%llu %llu %llu", &seed, &n, &more) == 3) sample(seed, (uint32_t)n, more);
            break;
        default: die("a command that is not known");
        }
        fflush(stdout);
    }
    drop_state();
    roma_constrain_destroy(form);
    roma_constrain_words_destroy(words);
    roma_tokenizer_destroy(tok);
    if (image.map.data) roma_image_close(&image);
    return 0;
}
