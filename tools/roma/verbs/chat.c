/* roma chat: a conversation. Each turn the whole of it is turned into ids again, and only what differs from the ids of
 * the last turn is computed: an unchanged beginning costs nothing. Ctrl-C stops an answer, Ctrl-D leaves. */
#include "ask.h"
#include "reply.h"

#include <editline/readline.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGES_MAX = 4096, HISTORY_MAX = 1000 };

typedef struct {
    session s;
    ask_options ask;
    bool terminal;
    bool any_base;
    char *system; /* NULL: the template's own */
    roma_message messages[MESSAGES_MAX];
    size_t n_messages;
    char stats[320];
} chat;

/* ---- lines ---- */

static void history_path(char *out, size_t cap) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    out[0] = 0;
    if (state && state[0] == '/')
        roma_print(out, cap, "%s/roma", state);
    else if (home && home[0] == '/')
        roma_print(out, cap, "%s/.local/state/roma", home);
    else
        return;
    for (char *p = out + 1; *p; p++) /* mkdir -p */
        if (*p == '/') {
            *p = 0;
            mkdir(out, 0700);
            *p = '/';
        }
    mkdir(out, 0700);
    strncat(out, "/history", cap - strlen(out) - 1);
}

/* Libedit writes into our temporary file, which then takes the place of the old one. Without a history chat is whole:
 * a refusal is not worth a word. */
static void save_history(const char *path) {
    roma_outfile f;
    if (roma_outfile_open(&f, path, NULL)) return;
    write_history(f.tmp ? f.tmp : path);
    if (roma_outfile_commit(&f, NULL)) roma_outfile_abort(&f);
}

/* Libedit reads characters of the locale and drops bytes that are none: all but ASCII in the locale "C", in which a
 * program starts and many servers stay. What chat reads is UTF-8 whatever the environment says, so the locale is too:
 * of characters alone, since numbers keep their point. To be called before the first line, and before any thread. */
static void edit_utf8(void) {
    if (!setlocale(LC_CTYPE, "C.UTF-8")) setlocale(LC_CTYPE, ""); /* only Debian and later C libraries have the first */
    rl_inhibit_completion = 1; /* a tab is text: pasted code has some, and no file name is meant */
}

/* Bytes of a line whose newline, if it has one, becomes a 0. */
static size_t cut_newline(char *line, size_t len) {
    if (!len || line[len - 1] != '\n') return len;
    line[len - 1] = 0;
    return len - 1;
}

/* The next line without its newline, from malloc; NULL at the end of input. *again: Ctrl-C, the line is forgotten.
 * A pipe's line may hold zeros, which are the model's to see: *len counts them. */
static char *next_line(const chat *c, size_t *len, bool *again) {
    char *line = NULL;
    size_t cap = 0;
    *again = false;
    *len = 0;
    interrupted = 0;
    if (c->terminal) {
        line = readline("> ");
        if (line) *len = strlen(line);
    } else {
        const ssize_t n = getline(&line, &cap, stdin);
        if (n >= 0) *len = cut_newline(line, (size_t)n);
        if (n < 0) free(line), line = NULL;
    }
    if (!line && interrupted && c->terminal) {
        *again = true;
        clearerr(stdin);
        putchar('\n');
    }
    interrupted = 0;
    return line;
}

/* ---- messages ---- */

static void forget(chat *c, size_t from) {
    while (c->n_messages > from) free((void *)(uintptr_t)c->messages[--c->n_messages].text);
}

static bool say(chat *c, roma_role role, const char *text, size_t len) {
    char *copy = malloc(len + 1);
    if (!copy || c->n_messages == MESSAGES_MAX) {
        free(copy);
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = 0;
    c->messages[c->n_messages++] = (roma_message){role, copy, len};
    return true;
}

static void reset(chat *c) {
    forget(c, 0);
    if (c->system) say(c, ROMA_ROLE_SYSTEM, c->system, strlen(c->system));
}

static uint32_t context_of(const chat *c) { return roma_exec_memory_of(roma_answer_engine(c->s.a))->context; }

/* ---- a turn ---- */

/* The batch keeps the last turn's pages and shares the common beginning with them. */
static int generate(chat *c, reply *r, const int32_t *ids, size_t n, roma_error *err) {
    const roma_answer_request q = reply_request(r, &c->ask.ask, ids, n, 0, &c->s.loras);
    const int rc = reply_run(r, q, err);
    putchar('\n');
    const roma_answer_result *a = &r->result;
    roma_print(
        c->stats, sizeof c->stats,
        "prompt %zu tokens (%u of them kept), %.1f tok/s; answer %zu tokens, %.1f tok/s; first token after %.0f ms; "
        "%u of %u drafted accepted; %u of %u tokens of context",
        r->n_prompt, a->batch.shared, roma_rate((double)(r->n_prompt - a->batch.shared), a->first_s), r->n,
        roma_rate((double)(a->drawn ? a->drawn - 1 : 0), reply_decode_s(r)), a->first_s * 1e3, a->batch.accepted,
        a->batch.drafted, a->batch.fed, context_of(c));
    return rc;
}

/* Ids of the conversation so far with an open reply, and its answer. */
static int answer(chat *c, reply *r, roma_error *err) {
    int32_t *ids = NULL;
    size_t n = 0;
    roma_answer_dialog d = c->s.dialog;
    d.messages = c->messages;
    d.n = c->n_messages;
    int rc = roma_answer_dialog_prompt(c->s.a, &d, &ids, &n, NULL, err);
    if (!rc && n > context_of(c))
        rc = roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE,
                       "the conversation's %zu tokens do not fit the context of %u; /reset starts a new one, --ctx "
                       "makes more room",
                       n, context_of(c));
    if (!rc) rc = generate(c, r, ids, n, err);
    roma_free(ids);
    return rc;
}

/* One question. A failure takes the question back, so that the conversation stays as it was. */
static int turn(chat *c, const char *line, size_t len, roma_error *err) {
    reply r = {.s = &c->s};
    const size_t before = c->n_messages;
    if (!say(c, ROMA_ROLE_USER, line, len))
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no room for another message; /reset makes some");
    const int rc = answer(c, &r, err);
    if (rc && rc != ROMA_ECANCEL)
        forget(c, before);
    else if (!say(c, ROMA_ROLE_ASSISTANT, r.text.data ? (const char *)r.text.data : "", r.text.len))
        forget(c, before);
    if (!rc && r.result.stop == ROMA_ANSWER_CONTEXT)
        fprintf(stderr, "roma chat: the context is full; /reset starts a new conversation\n");
    reply_destroy(&r);
    interrupted = 0;
    return rc == ROMA_ECANCEL ? ROMA_OK : rc;
}

/* ---- commands ---- */

static const char commands_help[] =
    "/help          this list\n"
    "/reset         start a new conversation\n"
    "/system TEXT   set the system message and start anew; without TEXT the model's own\n"
    "/lora FILE...  go on with these adapters, FILE or FILE:SCALE; without FILE with none\n"
    "/stats         speed and memory of the last answer\n"
    "/quit          leave, as Ctrl-D does\n"
    "Ctrl-C stops an answer.\n";

/* Other adapters for the rest of the conversation. The next turn reads it under them from its beginning, since what is
 * in the cache was computed under others. */
static void switch_loras(chat *c, char *rest) {
    text_list l = {0};
    lora_list list;
    roma_error err;
    roma_buf b = {0};
    for (char *word = strtok(rest, " "); word && l.n < TEXTS_MAX; word = strtok(NULL, " ")) l.item[l.n++] = word;
    int rc = loras_open(&list, c->s.a, c->any_base, l.item, l.n, &err);
    if (!rc) rc = roma_answer_adapters_load(c->s.a, list.item, list.n, NULL, &err);
    if (rc)
        fail("chat", &err);
    else
        loras_copy(&c->s.loras, &list);
    loras_print(&c->s.loras, &b);
    printf("adapters: %.*s\n", b.len ? (int)b.len : 4, b.len ? (const char *)b.data : "none");
    roma_buf_destroy(&b);
}

/* True when the conversation goes on. */
static bool command(chat *c, char *line) {
    static const char *const names[] = {"/help", "/reset", "/system", "/lora", "/stats", "/quit"};
    const size_t len = strcspn(line, " ");
    char word[32];
    roma_print(word, sizeof word, "%.*s", (int)(len < 31 ? len : 31), line);
    char *rest = line + len + strspn(line + len, " ");
    if (strcmp(word, "/quit") == 0) return false;
    if (strcmp(word, "/help") == 0) {
        fputs(commands_help, stdout);
    } else if (strcmp(word, "/reset") == 0) {
        reset(c);
    } else if (strcmp(word, "/system") == 0) {
        if (*rest && roma_answer_is_raw(c->s.a, 0)) {
            roma_error err;
            no_template(&err);
            fail("chat", &err);
            return true;
        }
        free(c->system);
        c->system = *rest ? strdup(rest) : NULL;
        reset(c);
    } else if (strcmp(word, "/lora") == 0) {
        switch_loras(c, rest);
    } else if (strcmp(word, "/stats") == 0) {
        print_to(stdout, "%s%smemory: image %.1f MiB mapped, arenas %.1f MiB, %.1f MiB resident at most\n", c->stats,
                 c->stats[0] ? "\n" : "", (double)roma_answer_image(c->s.a)->map.size / 1048576,
                 (double)roma_answer_bytes(c->s.a) / 1048576, resident_bytes() / 1048576);
    } else {
        const char *near = roma_nearest(word, names, sizeof names / sizeof *names);
        fprintf(stderr, "roma chat: no command of that name%s%s; /help lists them\n", near ? ", did you mean " : "",
                near ? near : "");
    }
    fflush(stdout);
    return true;
}

static int converse(chat *c) {
    int rc = ROMA_OK;
    for (;;) {
        roma_error err;
        bool again;
        size_t len;
        char *line = next_line(c, &len, &again);
        if (!line && again) continue;
        if (!line) break;
        bool on = true;
        if (len) {
            if (c->terminal) add_history(line);
            if (line[0] == '/') {
                on = command(c, line);
            } else {
                rc = turn(c, line, len, &err);
                if (rc) fail("chat", &err);
                on = !ferror(stdout);
            }
        }
        free(line);
        if (!on) break;
    }
    return c->terminal || !rc ? 0 : roma_error_exit(rc); /* a script sees how its last question went */
}

static int start(chat *c, session_config *config, const char *system, roma_error *err) {
    int rc = session_open(&c->s, config, err);
    if (rc) return rc;
    if (!roma_answer_tokenizer(c->s.a))
        rc = roma_fail(err, ROMA_EUNSUPPORTED, config->answer.image, ROMA_NOWHERE, "the image holds no tokenizer");
    if (!rc && system && roma_answer_is_raw(c->s.a, 0)) rc = no_template(err);
    if (!rc) rc = session_start(&c->s, config, err);
    if (rc) return rc;
    c->any_base = config->any_base;
    session_say_template(&c->s);
    c->system = system ? strdup(system) : NULL;
    if (system && !c->system) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the conversation");
    reset(c);
    return ROMA_OK;
}

int verb_chat(int argc, char **argv) {
    static chat c;
    session_config config = {.answer = {.running = 1, .sets = 1}};
    const char *system = NULL, *operand[OPERANDS_MAX];
    char history[1024] = "";
    size_t n;
    roma_answer_ask_default(&c.ask.ask);
    c.ask.ask.limit = 1u << 24;
    const option own[] = {
        {"system", 0, OPT_TEXT, &system, "TEXT", 0, 0, "system message"}, SAMPLING_OPTIONS(c.ask), {0}};
    const option shared[] = {
        TEMPLATE_OPTIONS(config), SPEC_OPTION(config), CONTEXT_OPTION(config), SESSION_OPTIONS(config), {0}};
    const usage u = {
        "chat",
        "IMAGE [options]",
        "Holds a conversation. /help lists its commands; Ctrl-C stops an answer, Ctrl-D leaves. Lines from a pipe are\n"
        "questions too.",
        "roma chat model.roma --temp 0.7 --top-p 0.9",
        own,
        shared,
        1,
        1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    roma_error err;
    if (ask_options_check(&c.ask, &err)) return fail("chat", &err);
    config.answer.image = operand[0];
    interrupt_catch(INTERRUPT_CHAT);
    edit_utf8();
    rc = start(&c, &config, system, &err);
    if (rc) {
        rc = fail("chat", &err);
    } else {
        c.terminal = isatty(STDIN_FILENO);
        if (!c.ask.seed.given && ask_draws(&c.ask.ask.sampling))
            print_to(stderr, "seed %llu\n", (unsigned long long)c.ask.ask.sampling.seed);
        if (c.terminal) {
            history_path(history, sizeof history);
            using_history();
            stifle_history(HISTORY_MAX);
            if (history[0]) read_history(history);
            printf("%s; /help lists commands, Ctrl-D leaves\n", roma_answer_image(c.s.a)->desc.name);
        }
        rc = converse(&c);
        if (history[0]) save_history(history);
    }
    forget(&c, 0);
    free(c.system);
    session_close(&c.s);
    return finish("chat", rc);
}
