/* Adapters of a command line, of a line of --jsonl, of a conversation: files, of which each one's name is its path. */
#ifndef TOOLS_LORAS_H
#define TOOLS_LORAS_H

#include "options.h"
#include "roma/answer.h"
#include "roma/cost.h"
#include "roma/json.h"

typedef struct {
    char path[ROMA_ANSWER_NAME_MAX + 1];
    float scale; /* 1 when none is given */
} lora_arg;
/* FILE[:SCALE]: OPTIONS_GO, or 2 after a complaint. */
int lora_arg_read(const char *verb, const char *text, lora_arg *out);

typedef struct {
    lora_arg arg[ROMA_EXEC_STACK_MAX];
    roma_answer_adapter item[ROMA_EXEC_STACK_MAX]; /* names are args' paths, so that a list stays where it is */
    size_t n;
} lora_list;
/* Reads n texts FILE[:SCALE] and opens the files that are new. */
int loras_open(lora_list *l, roma_answer *a, bool any_base, const char *const *text, size_t n, roma_error *err);
void loras_copy(lora_list *to, const lora_list *from);
/* Whether the chip model knows all that the list's adapters do: neither head nor embedding nor DoRA's factors. */
bool loras_are_priced(const lora_list *l, roma_answer *a);
/* The list as a workload has adapters, of one rank on some matrices: a set of as many, of the mean rank rounded up, on
 * every matrix that one of them is on. */
void loras_workload(const lora_list *l, roma_answer *a, roma_workload *w);
void loras_json(roma_json *j, const lora_list *l, roma_answer *a); /* member "adapters" */
void loras_print(const lora_list *l, roma_buf *out);               /* "a.lora.roma, b.lora.roma:0.5" */

#endif
