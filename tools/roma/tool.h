/* What the verbs share: signals, notes, progress, reading text, opening a model. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include "roma/answer.h"
#include "roma/json.h"
#include "loras.h"
#include "options.h"
#include "print.h"

#include <signal.h>

/* ---- signals.c ---- */

/* How SIGINT, SIGTERM and SIGHUP end a verb: at once, with exit code 130; or they ask, by `interrupted`, and end what
 * has not come to its end a quarter of a second later, or when there is a second one; or SIGINT asks again and again.
 */
typedef enum { INTERRUPT_ENDS, INTERRUPT_ASKS, INTERRUPT_CHAT, INTERRUPT_TELLS } interrupt_kind;
extern volatile sig_atomic_t interrupted;
void signals_begin(const char *verb); /* the first thing of all; verb for what is said */
void interrupt_catch(interrupt_kind kind);
void interrupt_seen(void); /* the verb ends by itself: no more hurry */
/* The first signal calls fn, which must be fit for a handler, and a second one ends at once; NULL: it ends at once. */
void interrupt_tell(void (*fn)(void));

/* ---- progress.c ---- */

/* A roma_progress that draws a bar when stderr is a terminal and cancels when interrupted. */
extern const roma_progress progress;
void progress_end(void);   /* wipes the bar */
bool progress_drawn(void); /* for signal handlers */
/* A line on stderr, only when that is a terminal. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- session.c: everything a verb needs to run an image ---- */

typedef struct {
    roma_answer_config answer;
    const char *spec;
    uint32_t sram_mib;
    text_list lora, template_arg;
    const char *tools, *documents; /* files of JSON for the chat template */
    bool any_base;
    bool verbose, quiet; /* what is told on stderr at the start: memory; not even what --sram-mib leaves */
} session_config;

/* Rows of an option table for the fields of a session_config. */
/* clang-format off */
#define SESSION_OPTIONS(c) ENGINE_OPTIONS(c), LORA_OPTIONS(c)
#define ENGINE_OPTIONS(c)                                                                                            \
    {"threads", 't', OPT_COUNT, &(c).answer.threads, "N", 1, 64, "threads (default: all CPUs)"},                            \
    {"pin", 0, OPT_FLAG, &(c).answer.pin, NULL, 0, 0, "bind each thread to one CPU"},                                       \
    {"isa", 0, OPT_TEXT, &(c).answer.isa, "NAME", 0, 0, "instruction set: scalar, avx2, avxvnni, avx512, neon (default: the best here)"},  \
    KV_OPTION(c),                                                                                                           \
    {"sram-mib", 0, OPT_COUNT, &(c).sram_mib, "M", 1, 16777216, "SRAM for cache, adapters and activations (default: any)"},                 \
    {"adapters", 0, OPT_COUNT, &(c).answer.adapters, "N", 1, 65536, "keep SRAM for N adapters (default: what --lora names, or 1 with --rank)"},       \
    {"rank", 0, OPT_COUNT, &(c).answer.rank, "R", 1, ROMA_ADAPTER_RANK_MAX, "of this rank on all linears (default: 16)"},                          \
    {"chip", 0, OPT_TEXT, &(c).answer.chip, "NAME|FILE", 0, 0, "chip, a file or a built-in name: its SRAM is then the limit (default: roma)"}, \
    {"no-verify", 0, OPT_FLAG, &(c).answer.no_verify, NULL, 0, 0, "skip the checksums on opening"},                         \
    {"rows", 0, OPT_COUNT, &(c).answer.rows, "N", 1, ROMA_EXEC_ROWS_MAX, "rows of a step: a prompt's pieces; fewer take less SRAM (default: 128, with --chip at most what its vector units hold)"}
#define KV_OPTION(c) \
    {"kv", 0, OPT_TEXT, &(c).answer.kv, "FORMAT", 0, 0, "keys and values in the cache: int8, f16, fp8, int4 (default: int8)"}
/* Of the verbs that make gates: what they refuse is named. */
#define CHIP_KV_OPTION(kv) {"kv", 0, OPT_TEXT, &(kv), "FORMAT", 0, 0, "keys and values in the cache: int8, what H-Units compute with"}
#define LORA_OPTIONS(c)                                                                                                                     \
    {"lora", 0, OPT_TEXTS, &(c).lora, "FILE[:SCALE]", 0, 0, "run with this adapter; may be repeated, up to 8 add up"},                      \
    {"allow-base-mismatch", 0, OPT_FLAG, &(c).any_base, NULL, 0, 0, "also with adapters that were made for other weights"}
#define TEMPLATE_OPTIONS(c)                                                                                                                 \
    {"template", 0, OPT_TEXT, &(c).answer.chat_template, "NAME|FILE", 0, 0, "chat template instead of the model's own: a name, or a file"},  \
    {"template-arg", 0, OPT_TEXTS, &(c).template_arg, "NAME=VALUE", 0, 0, "argument of the chat template, such as enable_thinking=false"},      \
    {"tools", 0, OPT_TEXT, &(c).tools, "FILE", 0, 0, "tools for the chat template, a JSON array"},                                             \
    {"documents", 0, OPT_TEXT, &(c).documents, "FILE", 0, 0, "documents for the chat template, a JSON array"},                                 \
    {"date", 0, OPT_TEXT, &(c).answer.date, "YYYY-MM-DD", 0, 0, "what the chat template takes for today (default: the clock's)"}
#define CONTEXT_OPTION(c) \
    {"ctx", 0, OPT_COUNT, &(c).answer.context, "N", 1, 16777216, "tokens of context (default: the model's, at most 4096)"}
/* clang-format on */

/* clang-format off */
#define SPEC_OPTION(c) \
    {"spec", 0, OPT_TEXT, &(c).spec, "off|auto", 0, 0, "try tokens looked up in the text, several a step (default: auto)"}
/* clang-format on */

typedef struct {
    roma_answer *a;
    lora_list loras; /* of the command line */
    uint32_t set;    /* theirs, for who steps the engine himself; 0: none */
    /* What the command line gives the chat template: to be copied, and completed with messages. */
    roma_answer_dialog dialog;
    roma_answer_text template_arg[TEXTS_MAX];
    roma_buf tools, documents;
} session;

/* image_open only opens and checks; session_open opens what there is to open, session_start makes the engine, and with
 * c->answer.running its batch, and loads the command line's adapters. */
int image_open(roma_image *img, const char *path, bool no_verify, uint32_t threads, roma_error *err);
int session_open(session *s, session_config *c, roma_error *err);
int session_start(session *s, const session_config *c, roma_error *err);
void session_close(session *s);
/* Says on a terminal that the model completes plain text, and why, where that was not asked for. */
void session_say_template(const session *s);
/* Ids of a prompt, system's text NULL for none; d as session.dialog, with messages as JSON or without. */
int session_prompt(const session *s, roma_answer_text text, roma_answer_text system, const roma_answer_dialog *d,
                   int32_t **ids, size_t *n, roma_error *err);
int session_fits(const session *s, size_t n_prompt, roma_error *err); /* ECONTEXT, with what to do */
int no_template(roma_error *err);                                     /* a system message and no template */

/* ---- text.c ---- */

bool is_file(const char *path);   /* a regular one */
bool is_stdout(const char *path); /* a name of standard output, which is no terminal nor another device */
/* The whole of a file, "-" being stdin. */
int read_all(roma_buf *out, const char *path, roma_error *err);
/* Writes text to stdout and flushes. On a terminal, control characters that would drive it are shown as U+FFFD. */
void put_text(const uint8_t *text, size_t len);

/* ---- roma.c ---- */

/* Prints err as "roma VERB: ..." and returns the exit code. */
int fail(const char *verb, const roma_error *err);
/* Lines of a roma_import's notes, each on stderr as a warning, terminal or not: what was made of the file may not be
 * what its maker meant. */
void warn(const char *verb, const char *file, const char *notes);
/* Lines of a text as a list. */
void lines_json(roma_json *j, const char *key, const char *text, size_t len);
void warn_json(roma_json *j, const char *notes); /* member "warnings", a list; NULL is none */
/* Flushes stdout; returns rc, or 3 when the output could not be written. */
int finish(const char *verb, int rc);
int check_stdout(roma_error *err);                    /* EIO once a write to it was refused: no use in going on */
int print_buf(const char *verb, roma_buf *b, int rc); /* writes and destroys b, then finish */
/* The same of a page for people: on a terminal that is narrower, lines are broken (wrap_into). JSON is left alone. */
int print_page(const char *verb, roma_buf *b, int rc);
double resident_bytes(void);          /* most that this process has had in memory */
double huge_share(const roma_map *m); /* part of a map that lies in huge pages and has been touched */

/* `roma --words [LIST]`, of what completions are made: the lists of names that the program knows, or the names of one.
 */
int verb_words(int argc, char **argv);

int verb_build(int argc, char **argv);
int verb_adapter(int argc, char **argv);
int verb_run(int argc, char **argv);
int verb_chat(int argc, char **argv);
int verb_inspect(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_plan(int argc, char **argv);
int verb_tokenize(int argc, char **argv);
int verb_eval(int argc, char **argv);
int verb_bench(int argc, char **argv);
int verb_chip(int argc, char **argv);
int verb_paper(int argc, char **argv);
int verb_sim(int argc, char **argv);
int verb_price(int argc, char **argv);
int verb_serve_sim(int argc, char **argv);
int verb_explore(int argc, char **argv);
int verb_fit(int argc, char **argv);
int verb_compare(int argc, char **argv);
int verb_rtl(int argc, char **argv);
int verb_cosim(int argc, char **argv);
int verb_serve(int argc, char **argv);

#endif
