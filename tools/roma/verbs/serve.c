/* roma serve: an image answered over HTTP; what the options come to, and what is told at the start. */
#include "ask.h"
#include "roma/serve.h"
#include "tool.h"

#include <string.h>

enum { KEYS_MAX = 64, GRACE_MS = 1500, BODIES_BYTES = 64 << 20 };

typedef struct {
    session_config session;
    ask_options ask;
    const char *host, *folder, *key_file, *name;
    text_list allow_host, allow_origin;
    uint32_t port, parallel, queue, heap_mib, body_mib;
} serve_options;

/* ---- options ---- */

/* What the options give, in the form of the room. */
typedef struct {
    roma_serve_config c;
    char name[ROMA_SERVE_NAME_MAX + 1];
    char adapter[TEXTS_MAX][ROMA_SERVE_NAME_MAX + 1];
    const char *adapters[TEXTS_MAX], *address[1];
    roma_buf keys;
    const char *key[KEYS_MAX];
} settings;

/* "localhost" is both loopback addresses. */
static void take_host(settings *s, const serve_options *o) {
    if (!o->host || strcmp(o->host, "localhost") == 0) return;
    s->address[0] = o->host;
    s->c.http.addresses = s->address;
    s->c.http.n_addresses = 1;
}

/* The image's file name without its ending, in characters that a name has. */
static void name_of_image(settings *s, const char *image) {
    const char *base = strrchr(image, '/');
    base = base ? base + 1 : image;
    size_t n = strlen(base), k = 0;
    if (n > 5 && strcmp(base + n - 5, ".roma") == 0) n -= 5;
    for (size_t i = 0; i < n && k < ROMA_SERVE_NAME_MAX; i++) {
        const char c = base[i];
        const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                          c == '_' || c == '-';
        s->name[k++] = fits ? c : '-';
    }
    s->name[k] = 0;
}

/* A key a line; blank lines and those with '#' in front are none. */
static int read_keys(settings *s, const char *path, roma_error *err) {
    int rc = read_all(&s->keys, path, err);
    roma_buf_append(&s->keys, "", 1);
    if (!rc && s->keys.failed) rc = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for the keys");
    if (rc) return rc;
    char *line = (char *)s->keys.data;
    for (uint64_t at = 1; line; at++) {
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        size_t n = strlen(line);
        while (n && (line[n - 1] == '\r' || line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = 0;
        if (n && line[0] != '#') {
            if (s->c.n_keys == KEYS_MAX) return roma_fail_line(err, ROMA_EINPUT, path, at, "at most %d keys", KEYS_MAX);
            s->key[s->c.n_keys++] = line;
        }
        line = end ? end + 1 : NULL;
    }
    s->c.keys = s->key;
    return s->c.n_keys ? ROMA_OK
                       : roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "there is no key in it; write one a line");
}

/* NAME=FILE. */
static int open_adapter(settings *s, const char *text, bool any_base, uint32_t *rank, roma_error *err) {
    const char *equal = strchr(text, '=');
    char *name = s->adapter[s->c.n_adapters];
    char shown[96];
    if (!equal || !roma_serve_is_name(text, (size_t)(equal - text)) || !equal[1])
        return roma_fail(
            err, ROMA_EUSAGE, "", ROMA_NOWHERE,
            "--lora takes NAME=FILE, the name of 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', not '%s'",
            roma_error_name(shown, sizeof shown, text, strlen(text)));
    memcpy(name, text, (size_t)(equal - text));
    name[equal - text] = 0;
    const int rc = roma_answer_adapter_open(s->c.answer, name, equal + 1, any_base ? ROMA_ADAPTER_ANY_BASE : 0, err);
    if (rc) return rc;
    const roma_adapter *a = roma_answer_adapter_find(s->c.answer, name);
    if (a->rank > *rank) *rank = a->rank;
    s->adapters[s->c.n_adapters++] = name;
    return ROMA_OK;
}

/* Room in the engine for the adapters of the command line, or, where there is a folder, for four at least. */
static int open_adapters(settings *s, const serve_options *o, roma_error *err) {
    enum { FOLDER_USUAL = 4 };
    roma_answer_config *c = &s->c.start;
    uint32_t rank = 0;
    int rc = ROMA_OK;
    for (size_t i = 0; i < o->session.lora.n && !rc; i++)
        rc = open_adapter(s, o->session.lora.item[i], o->session.any_base, &rank, err);
    s->c.adapters = s->adapters;
    if (rc || (!s->c.n_adapters && !o->folder)) return rc;
    if (!c->adapters) c->adapters = (uint32_t)s->c.n_adapters;
    if (!o->session.answer.adapters && o->folder && c->adapters < FOLDER_USUAL) c->adapters = FOLDER_USUAL;
    if (!c->rank) c->rank = rank > ROMA_RANK_USUAL ? rank : ROMA_RANK_USUAL;
    return ROMA_OK;
}

/* ---- telling ---- */

/* Whether only this machine reaches the address. */
static bool is_loopback(const settings *s) {
    return !s->c.http.n_addresses || strncmp(s->address[0], "127.", 4) == 0 || strcmp(s->address[0], "::1") == 0;
}

static void tell(const roma_serve *r, const settings *s, const serve_options *o) {
    roma_serve_memory m;
    roma_serve_bytes(r, &m);
    const roma_answer_config *c = &s->c.start;
    const uint32_t context = roma_exec_memory_of(roma_answer_engine(s->c.answer))->context;
    const bool both = !s->c.http.n_addresses;
    const char *host = both ? "127.0.0.1" : s->address[0];
    const bool v6 = strchr(host, ':') != NULL;
    print_to(stdout, "%s: %u tokens of context, %u requests at once, %zu adapters%s%s%s\n", s->name, context,
             c->running ? c->running : 8, s->c.n_adapters, o->folder ? ", further ones from " : "",
             o->folder ? o->folder : "",
             roma_answer_calls(s->c.answer)->built_in ? "; tools in the built-in form" : "");
    print_to(
        stdout,
        "memory at most: engine %.1f MiB, requests %.1f MiB, connections %.1f MiB, bodies %.0f MiB; image %.1f MiB "
        "mapped\n",
        (double)m.engine / 1048576, (double)(m.heap + m.rings) / 1048576, (double)(m.http - m.bodies) / 1048576,
        (double)s->c.http.bodies_bytes / 1048576, (double)roma_answer_image(s->c.answer)->map.size / 1048576);
    print_to(stdout, "listening on http://%s%s%s:%u%s%s\n", v6 ? "[" : "", host, v6 ? "]" : "",
             (unsigned)roma_serve_port(r), both ? " and [::1]" : "", s->c.n_keys ? ", with a key" : "");
    fflush(stdout);
    if (!is_loopback(s) && !s->c.n_keys)
        print_to(stderr, "roma serve: warning: whoever reaches %s may ask; --api-key-file asks for a key\n", host);
}

/* ---- running ---- */

static roma_serve *running; /* for the signal */
static void end_running(void) { roma_serve_end(running, GRACE_MS); }

static int serve(settings *s, const serve_options *o, roma_error *err) {
    int rc = open_adapters(s, o, err);
    if (!rc && o->key_file) rc = read_keys(s, o->key_file, err);
    if (!rc) rc = roma_serve_open(&running, &s->c, err);
    if (rc) return rc;
    interrupt_tell(end_running);
    tell(running, s, o);
    rc = check_stdout(err);
    if (!rc) rc = roma_serve_run(running, err);
    interrupt_tell(NULL);
    roma_serve_close(running);
    s->c.answer = NULL; /* the server's */
    return rc;
}

static void settle(settings *s, const serve_options *o) {
    s->c.start = o->session.answer;
    s->c.start.running = o->parallel;
    s->c.start.waiting = o->queue;
    s->c.name = s->name;
    s->c.usual = &o->ask.ask;
    s->c.usual_limit = o->ask.ask.limit != 0;
    s->c.adapter_folder = o->folder;
    s->c.adapter_flags = o->session.any_base ? ROMA_ADAPTER_ANY_BASE : 0;
    s->c.heap_bytes = (uint64_t)o->heap_mib << 20;
    s->c.http.port = (uint16_t)o->port;
    s->c.http.hosts = o->allow_host.item;
    s->c.http.n_hosts = o->allow_host.n;
    s->c.http.origins = o->allow_origin.item;
    s->c.http.n_origins = o->allow_origin.n;
    s->c.http.body_most = (uint64_t)o->body_mib << 20;
    s->c.http.bodies_bytes = BODIES_BYTES;
    take_host(s, o);
}

static int run(serve_options *o) {
    static settings s;
    roma_error err;
    roma_answer_config *a = &o->session.answer;
    a->sram_bytes = (uint64_t)o->session.sram_mib << 20;
    a->chip_is_limit = a->chip != NULL;
    a->no_proposals = o->session.spec && strcmp(o->session.spec, "off") == 0;
    int rc = roma_answer_open(&s.c.answer, a, &err);
    if (!rc && !roma_answer_tokenizer(s.c.answer))
        rc = roma_fail(&err, ROMA_EUNSUPPORTED, a->image, ROMA_NOWHERE,
                       "the image holds no tokenizer, so it cannot be served");
    if (o->name)
        roma_print(s.name, sizeof s.name, "%s", o->name);
    else
        name_of_image(&s, a->image);
    settle(&s, o);
    if (!rc) rc = serve(&s, o, &err);
    roma_answer_close(s.c.answer);
    roma_buf_destroy(&s.keys);
    return rc ? fail("serve", &err) : finish("serve", 0);
}

static bool is_name(const char *text) {
    const size_t n = strlen(text);
    bool good = n && n <= ROMA_SERVE_NAME_MAX;
    for (size_t i = 0; i < n && good; i++)
        good = text[i] > 0x20 && text[i] < 0x7f && text[i] != '/' && text[i] != '"' && text[i] != '\\';
    return good;
}

int verb_serve(int argc, char **argv) {
    static serve_options o;
    roma_answer_ask_default(&o.ask.ask);
    o.ask.ask.limit = 0; /* as many as the context takes */
    o.port = 8080;
    o.parallel = 8;
    o.queue = 64;
    const option own[] = {
        {"lora", 0, OPT_TEXTS, &o.session.lora, "NAME=FILE", 0, 0,
         "serve this adapter as a model of its own; may be repeated"},
        {"lora-dir", 0, OPT_TEXT, &o.folder, "DIR", 0, 0, "folder from which /v1/adapters loads further ones by name"},
        {"allow-base-mismatch", 0, OPT_FLAG, &o.session.any_base, NULL, 0, 0,
         "also adapters that were made for other weights"},
        {"host", 0, OPT_TEXT, &o.host, "H", 0, 0, "address to listen on, as a number (default: 127.0.0.1 and ::1)"},
        {"port", 0, OPT_COUNT, &o.port, "P", 0, 65535, "port; 0 takes a free one, which is told (default: 8080)"},
        {"allow-host", 0, OPT_TEXTS, &o.allow_host, "NAME", 0, 0,
         "name by which clients may ask, beside localhost; may be repeated"},
        {"allow-origin", 0, OPT_TEXTS, &o.allow_origin, "ORIGIN", 0, 0,
         "pages of this origin may ask; may be repeated"},
        {"api-key-file", 0, OPT_TEXT, &o.key_file, "FILE", 0, 0, "clients must show one of these keys, one a line"},
        {"name", 0, OPT_TEXT, &o.name, "NAME", 0, 0, "what clients call the model (default: the image's file name)"},
        {"parallel", 0, OPT_COUNT, &o.parallel, "N", 1, 256, "requests that are computed at once (default: 8)"},
        {"queue", 0, OPT_COUNT, &o.queue, "N", 1, 4096,
         "further requests that wait; more are answered 429 (default: 64)"},
        {"body-mib", 0, OPT_COUNT, &o.body_mib, "M", 1, 64, "MiB of a request's body at most (default: 4)"},
        {"heap-mib", 0, OPT_COUNT, &o.heap_mib, "M", 1, 1048576,
         "MiB for requests under way (default: 64, and more for long contexts)"},
        {"n", 'n', OPT_COUNT, &o.ask.ask.limit, "N", 1, 16777216,
         "new tokens at most (default: what the context takes)"},
        DRAW_OPTIONS(o.ask),
        STOP_OPTION(o.ask),
        {0}};
    const option shared[] = {{"template", 0, OPT_TEXT, &o.session.answer.chat_template, "NAME|FILE", 0, 0,
                              "chat template instead of the model's own: a name, or a file"},
                             {"date", 0, OPT_TEXT, &o.session.answer.date, "YYYY-MM-DD", 0, 0,
                              "what the chat template takes for today (default: the clock's)"},
                             SPEC_OPTION(o.session),
                             CONTEXT_OPTION(o.session),
                             ENGINE_OPTIONS(o.session),
                             {0}};
    const usage u = {
        "serve",
        "IMAGE [options]",
        "Answers over HTTP, as OpenAI's and ollama's servers do (docs/server.md), on this machine alone unless --host\n"
        "says otherwise. The settings of sampling are for requests that do not say theirs. Ends at SIGINT and\n"
        "SIGTERM: streams get a last event, within two seconds.",
        "roma serve model.roma --lora pirate=pirate.lora.roma --port 8080",
        own,
        shared,
        1,
        1};
    const char *operand[OPERANDS_MAX];
    size_t n;
    roma_error err;
    static const option_need needs[] = {{"allow-base-mismatch", "lora|lora-dir"}, {0}};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO) rc = options_need("serve", needs);
    if (rc != OPTIONS_GO) return rc;
    const uint32_t limit = o.ask.ask.limit;
    if (!limit) o.ask.ask.limit = 1;
    if (ask_options_check(&o.ask, &err)) return fail("serve", &err);
    o.ask.ask.limit = limit;
    if (o.session.spec && strcmp(o.session.spec, "off") != 0 && strcmp(o.session.spec, "auto") != 0)
        return usage_error("serve", "--spec takes off or auto, not '%s'", o.session.spec);
    if (o.name && !is_name(o.name))
        return usage_error(
            "serve", "--name takes 1 to 64 printable characters without blanks, slashes and quotes, not '%s'", o.name);
    o.session.answer.image = operand[0];
    return run(&o);
}
