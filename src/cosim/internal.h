/* What the files of cosim share. */
#ifndef ROMA_COSIM_INTERNAL_H
#define ROMA_COSIM_INTERNAL_H

#include "roma/cosim.h"
#include "roma/json.h"

#include <sys/types.h>

/* ---- child.c: a process that is spoken to in lines ---- */

typedef struct {
    pid_t pid; /* 0: none */
    int fd;    /* its standard input and output */
    char buf[1 << 16];
    size_t from, to;
} cosim_child;
/* Runs a program (argv[0], looked for in PATH) in a folder to its end, output into a file. EIO where the system
 * refuses; *status is the exit code, 127: there is no such program. */
int roma_cosim_call(const char *folder, const char *log, char *const argv[], int *status, roma_error *err);
int roma_cosim_child_start(cosim_child *c, const char *folder, char *const argv[], roma_error *err);
int roma_cosim_child_send(cosim_child *c, const void *text, size_t n, roma_error *err);
/* The next line without its end, valid until the next call; NULL: the child is gone. */
char *roma_cosim_child_line(cosim_child *c);
/* Ends a process: by the end of its input, or at once. */
void roma_cosim_child_end(cosim_child *c, bool is_killed);

/* ---- build.c: from a placement to a simulator ---- */

typedef struct {
    char folder[4096]; /* of this run, with the emitted chip; removed at the end */
    char sim[4200];    /* the simulator */
    bool traces;       /* asked for: a simulator that writes waveforms */
    double seconds;    /* that making it took */
} cosim_build;
int roma_cosim_build(cosim_build *b, const roma_cosim_config *c, roma_error *err);
void roma_cosim_build_end(cosim_build *b);

/* ---- expect.c: what engine and model say of a step ---- */

/* An operation on a block of rows, both sides. */
typedef struct {
    uint32_t op, block, row, rows, order; /* rows of the step */
    roma_cosim_times model, rtl;
    uint64_t reads; /* cycles with a read, of the unit that read first */
    uint64_t left;  /* pieces of the result that have not come */
    bool done, differs;
    char first[320]; /* its first difference, a sentence */
} cosim_instance;

/* What the engine gave for one operation in a step. */
typedef struct {
    uint8_t *want, *got; /* rows of the step, or the last one alone */
    uint8_t *seen;       /* of each element */
    size_t row_bytes;
    uint32_t width, rows;
    bool is_codes;
} cosim_value;

/* Adapters of all steps: what the chip and what the model takes. */
typedef struct {
    roma_rtl_lora chip;
    roma_cost_adapter model[ROMA_RTL_PLACES];
    uint32_t *ranks; /* [n_adapters][slots of the plan] */
    uint32_t number[ROMA_RTL_PLACES];
    uint64_t word0;
    roma_rtl_step_word word[ROMA_RTL_STEP_WORDS_MAX];
    size_t words;
} cosim_lora;

typedef struct {
    const roma_cosim_config *config;
    const roma_plan *plan;
    cosim_lora lora;
    uint32_t units, vectors, lanes, block_rows, blocks;
    uint32_t *address, *stride; /* of values, in the vector units' memories */
    /* of the step */
    uint32_t step, rows, position;
    bool logits;
    int32_t token; /* that the engine chooses */
    roma_schedule schedule;
    cosim_instance *instance; /* [operations x blocks_max]; rows 0: there is none */
    uint32_t blocks_max;
    cosim_value *value;      /* [operations] */
    uint64_t *seen_read;     /* [operations x blocks_max x (units + vectors) x 2]: start and busy by unit */
    uint32_t *scales, *ends; /* [units]: scales and ends of codes that came in the step */
    bool failed;             /* no memory inside a tap */
    bool token_came;
    /* the fault that is planted: its number from 1, 0 for none; step 0: in all steps */
    uint32_t fault, fault_step, fault_from, fault_to;
    roma_buf sent;  /* all commands that the simulator got */
    uint64_t cycle; /* of the line at hand */
    /* results */
    roma_cosim_report *report;
    void (*record)(void *ctx, const roma_cosim_record *r);
    void *ctx;
    uint64_t end; /* of the step, as seen */
} cosim;

int roma_cosim_open(cosim *s, const roma_cosim_config *c, roma_error *err);
void roma_cosim_close(cosim *s);
/* Lets engine and model make a step of n tokens. */
int roma_cosim_expect(cosim *s, const int32_t *tokens, uint32_t n, bool logits, roma_error *err);

/* ---- lora.c: adapters ---- */

/* Gives the config's adapters places on the chip and appends the commands that write them to *out. Nothing without
 * adapters. Errors of roma_rtl_lora_load and roma_rtl_lora_step; ENOMEM. */
int roma_cosim_lora_open(cosim *s, roma_buf *out, roma_error *err);
void roma_cosim_lora_close(cosim *s);

/* ---- observe.c: what the bench saw ---- */

/* Takes a line. A difference is in the report. EINTERNAL for a line that is none. */
int roma_cosim_line(cosim *s, char *line, roma_error *err);
/* The step is over: what has not come is a difference. */
void roma_cosim_step_end(cosim *s);

#endif
