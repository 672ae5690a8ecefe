/* roma chat: a conversation. Ctrl-C stops an answer, Ctrl-D leaves. */
#include "lines.h"
#include "talk.h"

#include <stdlib.h>
#include <string.h>

static talk the;
static bool any_base;
static const option settings[] = {SETTING_OPTIONS(the.ask), {0}};

/* ---- commands ---- */

static void say_error(const roma_error *err) {
    fflush(stdout);
    fail("chat", err);
}

/* What there is to say about the last answer, and memory. */
static void do_stats(char *rest) {
    const roma_answer *a = the.s.a;
    const roma_answer_result *l = &the.last;
    roma_buf page = {0};
    (void)rest;
    if (the.last_prompt)
        roma_buf_print(
            &page,
            "prompt %zu tokens (%u of them kept), %.1f tok/s; answer %zu tokens, %.1f tok/s; first token after "
            "%.0f ms; %u of %u drafted accepted; %u of %u tokens of context\n",
            the.last_prompt, l->batch.shared, roma_rate((double)(the.last_prompt - l->batch.shared), l->first_s),
            the.last_n, l->drawn ? roma_rate((double)l->drawn - 1, l->seconds - l->first_s) : 0, l->first_s * 1e3,
            l->batch.accepted, l->batch.drafted, l->batch.fed, roma_exec_memory_of(roma_answer_engine(a))->context);
    roma_buf_print(&page, "memory: image %.1f MiB mapped, arenas %.1f MiB, %.1f MiB resident at most\n",
                   (double)roma_answer_image(a)->map.size / 1048576, (double)roma_answer_bytes(a) / 1048576,
                   resident_bytes() / 1048576);
    (void)print_page("chat", &page, 0); /* a write that fails is told */
}

static void do_reset(char *rest) {
    (void)rest;
    talk_reset(&the);
}

static void do_system(char *rest) {
    roma_error err;
    if (talk_begin(&the, rest, &err)) say_error(&err);
}

static void do_undo(char *rest) {
    char shown[60];
    size_t len;
    roma_error err;
    char *question = talk_undo(&the, &len, &err);
    (void)rest;
    if (!question) {
        say_error(&err);
        return;
    }
    print_to(stdout, "taken back: \"%s\"\n", roma_error_name(shown, sizeof shown, question, len));
    free(question);
}

static void do_again(char *rest) {
    roma_error err;
    (void)rest;
    if (talk_again(&the, &err)) say_error(&err);
}

/* Other adapters for the rest of the conversation. The next turn reads it under them from its beginning, since what is
 * in the cache was computed under others. */
static void do_lora(char *rest) {
    text_list l = {0};
    lora_list list;
    roma_error err;
    roma_buf b = {0};
    for (char *word = strtok(rest, " "); word && l.n < TEXTS_MAX; word = strtok(NULL, " ")) l.item[l.n++] = word;
    int rc = loras_open(&list, the.s.a, any_base, l.item, l.n, &err);
    if (!rc) rc = roma_answer_adapters_load(the.s.a, list.item, list.n, NULL, &err);
    if (rc)
        say_error(&err);
    else
        loras_copy(&the.s.loras, &list);
    loras_print(&the.s.loras, &b);
    printf("adapters: %.*s\n", b.len ? (int)b.len : 4, b.len ? (const char *)b.data : "none");
    roma_buf_destroy(&b);
}

static void do_save(char *rest) {
    uint32_t tokens = 0;
    roma_error err;
    if (!*rest)
        fprintf(stderr, "roma chat: /save takes the name of a file\n");
    else if (talk_save(&the, rest, &tokens, &err))
        say_error(&err);
    else
        print_to(stdout, "%s: %u tokens kept\n", rest, tokens);
}

static void do_load(char *rest) {
    roma_error err;
    if (!*rest)
        fprintf(stderr, "roma chat: /load takes the name of a file\n");
    else if (talk_load(&the, rest, &err))
        say_error(&err);
    else
        print_to(stdout, "%zu turns, %zu tokens of them in the cache\n", the.n_messages / 2, the.n_known);
}

/* ---- /set ---- */

static void print_settings(void) {
    for (const option *o = settings; o->name; o++) {
        char value[32] = "";
        if (o->kind == OPT_COUNT) roma_print(value, sizeof value, "%u", *(const uint32_t *)o->out);
        if (o->kind == OPT_REAL) roma_print(value, sizeof value, "%g", (double)*(const float *)o->out);
        if (o->kind == OPT_SEED) roma_print(value, sizeof value, "%llu", (unsigned long long)the.ask.ask.sampling.seed);
        printf("%-18s %-10s %s\n", o->name, value, o->help);
    }
}

/* NAME VALUE, as the options of the command line are; what does not go together changes nothing. */
static void do_set(char *rest) {
    const ask_options before = the.ask;
    const usage u = {.verb = "chat", .options = settings};
    roma_error err;
    char *name = strtok(rest, " ="), *value = strtok(NULL, " =");
    if (!name) {
        print_settings();
    } else if (!value || strtok(NULL, " ")) {
        fprintf(stderr, "roma chat: /set takes a name and a value, as in /set temp 0.7; /set alone lists them\n");
    } else if (options_set(&u, name + strspn(name, "-"), value) == OPTIONS_GO && ask_options_check(&the.ask, &err)) {
        say_error(&err);
        the.ask = before;
    }
}

/* ---- which ---- */

static void do_help(char *rest);
static void do_quit(char *rest) { (void)rest; }

static const char *setting_names[32]; /* made from the table of options */
static const struct {
    typed_command typed;
    void (*run)(char *rest);
    const char *operands, *help;
} commands[] = {
    {{"/help", NULL, false}, do_help, "", "this list"},
    {{"/reset", NULL, false}, do_reset, "", "start a new conversation"},
    {{"/undo", NULL, false}, do_undo, "", "take the last question and its answer back"},
    {{"/regenerate", NULL, false}, do_again, "", "answer the last question once more, from another seed"},
    {{"/system", NULL, false},
     do_system,
     "TEXT",
     "set the system message and start anew; without TEXT the model's own"},
    {{"/set", setting_names, false},
     do_set,
     "NAME VALUE",
     "how tokens are drawn, as in /set temp 0.7; alone: what is set"},
    {{"/lora", NULL, true},
     do_lora,
     "FILE...",
     "go on with these adapters, FILE or FILE:SCALE; without FILE with none"},
    {{"/save", NULL, true}, do_save, "FILE", "keep the conversation and its cache in a file"},
    {{"/load", NULL, true},
     do_load,
     "FILE",
     "go on with a conversation that was kept, under the same image and adapters"},
    {{"/stats", NULL, false}, do_stats, "", "speed and memory of the last answer"},
    {{"/quit", NULL, false}, do_quit, "", "leave, as Ctrl-D does"},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void do_help(char *rest) {
    roma_buf page = {0};
    (void)rest;
    for (size_t i = 0; i < COMMANDS; i++) {
        char left[32];
        roma_print(left, sizeof left, "%s %s", commands[i].typed.name, commands[i].operands);
        roma_buf_print(&page, "%-17s  %s\n", left, commands[i].help);
    }
    roma_buf_print(&page,
                   "Ctrl-C stops an answer. Tab completes commands and files. A pasted block is one question.\n");
    (void)print_page("chat", &page, 0);
}

static void no_command(const char *word) {
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) names[i] = commands[i].typed.name;
    const char *near = roma_nearest(word, names, COMMANDS);
    fprintf(stderr, "roma chat: no command of that name%s%s; /help lists them\n", near ? ", did you mean " : "",
            near ? near : "");
}

/* True when the conversation goes on. */
static bool command(char *line, size_t len) {
    char word[32];
    const size_t n = strcspn(line, " ");
    if (strlen(line) != len) {
        fprintf(stderr, "roma chat: a command holds no zero byte\n");
        return true;
    }
    while (len && line[len - 1] == ' ') line[--len] = 0;
    roma_print(word, sizeof word, "%.*s", (int)(n < 31 ? n : 31), line);
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(word, commands[i].typed.name) != 0) continue;
        commands[i].run(line + n + strspn(line + n, " "));
        fflush(stdout);
        return commands[i].run != do_quit;
    }
    no_command(word);
    return true;
}

/* ---- the conversation ---- */

static int converse(bool is_terminal) {
    int rc = ROMA_OK;
    for (bool on = true; on;) {
        roma_error err;
        bool again;
        size_t len;
        char *line = lines_next(&len, &again);
        if (!line && again) continue;
        if (!line) break;
        if (len && line[0] == '/') {
            on = command(line, len);
        } else if (len) {
            rc = talk_ask(&the, line, len, &err);
            if (rc) say_error(&err);
        }
        on = on && !ferror(stdout);
        free(line);
    }
    return is_terminal || !rc ? 0 : roma_error_exit(rc); /* a script sees how its last question went */
}

/* Room for an adapter that comes later (/lora) is taken where memory allows, unless the command line says otherwise. */
static void reserve(const session *s, session_config *c) {
    roma_exec_memory m;
    session_config with = *c;
    if (c->answer.adapters || c->answer.rank || c->lora.n) return;
    with.answer.adapters = 1;
    if (!roma_answer_size(s->a, &with.answer, &m, NULL)) c->answer.adapters = 1;
}

static int start(session_config *config, const char *system, roma_error *err) {
    int rc = session_open(&the.s, config, err);
    if (rc) return rc;
    if (!roma_answer_tokenizer(the.s.a))
        return roma_fail(err, ROMA_EUNSUPPORTED, config->answer.image, ROMA_NOWHERE, "the image holds no tokenizer");
    rc = talk_begin(&the, system, err);
    reserve(&the.s, config);
    if (!rc) rc = session_start(&the.s, config, err);
    if (rc) return rc;
    any_base = config->any_base;
    session_say_template(&the.s);
    return ROMA_OK;
}

static int begin_and_converse(bool seed_is_given) {
    typed_command typed[COMMANDS];
    size_t n = 0;
    for (size_t i = 0; i < COMMANDS; i++) typed[i] = commands[i].typed;
    for (const option *o = settings; o->name; o++) setting_names[n++] = o->name;
    if (!seed_is_given && ask_draws(&the.ask.ask.sampling))
        print_to(stderr, "seed %llu\n", (unsigned long long)the.ask.ask.sampling.seed);
    const bool is_terminal = lines_begin(typed, COMMANDS);
    if (is_terminal) printf("%s; /help lists commands, Ctrl-D leaves\n", roma_answer_image(the.s.a)->desc.name);
    const int rc = converse(is_terminal);
    lines_end();
    return rc;
}

int verb_chat(int argc, char **argv) {
    session_config config = {.answer = {.running = 1, .sets = 1}};
    const char *system = NULL, *operand[OPERANDS_MAX];
    size_t n;
    roma_answer_ask_default(&the.ask.ask);
    the.keep = UINT32_MAX;
    const option own[] = {{"system", 0, OPT_TEXT, &system, "TEXT", 0, 0, "system message"},
                          {"keep", 0, OPT_COUNT, &the.keep, "N", 0, 65536,
                           "when the context is full drop whole turns, oldest first, never the last N"},
                          SAMPLING_OPTIONS(the.ask),
                          FORM_OPTIONS(the.ask),
                          {0}};
    const option shared[] = {
        TEMPLATE_OPTIONS(config), SPEC_OPTION(config), CONTEXT_OPTION(config), SESSION_OPTIONS(config), {0}};
    const usage u = {
        "chat",
        "IMAGE [options]",
        "Holds a conversation. /help lists its commands; Ctrl-C stops an answer, Ctrl-D leaves. Lines from a pipe are\n"
        "questions too. A full context stops, unless --keep says what may be dropped.",
        "roma chat model.roma --temp 0.7 --top-p 0.9",
        own,
        shared,
        1,
        1};
    static const option_need needs[] = {DRAW_NEEDS("temp"), {0}};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO) rc = options_need("chat", needs);
    if (rc != OPTIONS_GO) return rc;
    roma_error err;
    if (ask_options_check(&the.ask, &err) || ask_form_read(&the.ask, &err)) return fail("chat", &err);
    the.drops = the.keep != UINT32_MAX;
    config.answer.image = operand[0];
    interrupt_catch(INTERRUPT_CHAT);
    rc = start(&config, system, &err) ? fail("chat", &err) : begin_and_converse(the.ask.seed.given);
    talk_end(&the);
    session_close(&the.s);
    ask_form_free(&the.ask);
    return finish("chat", rc);
}
