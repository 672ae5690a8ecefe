/* template - chat templates of model files: a bounded interpreter of the Jinja that such templates are written in.
 *
 * A template is parsed once and rendered any number of times. What it can do is make text out of what it is given: it
 * reaches no file, no clock and no other program. The yardstick is Hugging Face transformers, which runs templates in
 * jinja2's immutable sandbox with trim_blocks, lstrip_blocks, loop controls, the `generation` tag and a tojson of its
 * own; docs/templates.md says what is supported and where it stops.
 *
 * Every byte of a rendered text knows whether the template wrote it or whether it came from a message, a tool, a
 * document or an argument: only the former may become control tokens (roma_tokenize_marked).
 *
 * Threads: a parsed template is read-only, and any number of threads may render it at a time. */
#ifndef ROMA_TEMPLATE_H
#define ROMA_TEMPLATE_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ROMA_TEMPLATE_BYTES_MAX (1u << 20) /* of a template's text */

typedef struct roma_template roma_template;

/* Parses a template of len bytes, which need not live on. file: its name in messages. *t is the caller's, ended by
 * roma_template_destroy; NULL after an error. EUNSUPPORTED names line, column and what is not supported, or is no
 * Jinja; ENOMEM. */
int roma_template_create(roma_template **t, const char *text, size_t len, const char *file, roma_error *err);
void roma_template_destroy(roma_template *t);

/* Whether the template has that name somewhere: a variable of another name changes nothing of what it renders. */
bool roma_template_reads(const roma_template *t, const char *name, size_t len);

/* One variable of a template: a text of len bytes, or a JSON value. trusted: its bytes count as the template's, as
 * those of `bos_token` must. */
typedef struct {
    const char *name;
    const char *text;
    size_t len;
    bool is_json, trusted;
} roma_template_variable;

/* One message of `messages`: what message.role and message.content give. */
typedef struct {
    const char *role;
    const char *text;
    size_t len;
} roma_template_turn;

/* The clock that strftime_now reads: local time, as its caller has it. month from 1, day from 1. */
typedef struct {
    int year, month, day, hour, minute, second;
} roma_template_date;

/* Limits of one rendering; 0: the usual ones, which are the largest. */
typedef struct {
    uint64_t steps;  /* operations, and bytes moved / 64 */
    uint64_t bytes;  /* of memory */
    uint64_t output; /* bytes */
    uint32_t depth;  /* expressions, statements and calls inside one another */
} roma_template_limits;
#define ROMA_TEMPLATE_STEPS_MAX (UINT64_C(1) << 26)
#define ROMA_TEMPLATE_MEMORY_MAX (UINT64_C(1) << 29)
#define ROMA_TEMPLATE_OUTPUT_MAX (UINT64_C(1) << 26)
#define ROMA_TEMPLATE_DEPTH_MAX 1000u

/* What a template is given. A later variable goes before an earlier one of the same name. `messages` are the turns,
 * or, without any, the variable of that name. */
typedef struct {
    const roma_template_turn *turns;
    size_t n_turns;
    const roma_template_variable *variables;
    size_t n_variables;
    roma_template_date date;
    roma_template_limits limits;
} roma_template_input;

/* A rendered text of len bytes, and of each byte whether the template wrote it (1) or not (0). */
typedef struct {
    char *text;
    uint8_t *trusted;
    size_t len;
} roma_template_output;

/* Renders. *out is the caller's, ended by roma_template_output_free; empty after an error. EINPUT: the template
 * refuses the conversation (raise_exception), does what its values do not allow, or a variable is no JSON; EUNSUPPORTED
 * for what only shows while it runs, and beyond a limit; both with line and column. ENOMEM. */
int roma_template_render(const roma_template *t, const roma_template_input *in, roma_template_output *out,
                         roma_error *err);
void roma_template_output_free(roma_template_output *out);

/* The day of "YYYY-MM-DD", at midnight. False: there is no such day from year 1 to 9999. */
bool roma_template_date_read(roma_template_date *d, const char *text);

#ifdef __cplusplus
}
#endif
#endif
