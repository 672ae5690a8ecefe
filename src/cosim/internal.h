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
    double seconds;    /* that making it took */
} cosim_build;
int roma_cosim_build(cosim_build *b, const roma_cosim_config *c, roma_error *err);
void roma_cosim_build_end(cosim_build *b);

/* ---- expect.c: what engine and model say of a step ---- */

/* Parts of an operation: itself, and the down and the up of each place of a LINEAR. */
enum { COSIM_BASE, COSIM_DOWN, COSIM_UP = COSIM_DOWN + ROMA_RTL_PLACES, COSIM_PARTS = COSIM_UP + ROMA_RTL_PLACES };
static inline uint32_t cosim_part(roma_cost_part part, uint32_t place) {
    return part == ROMA_PART_BASE ? COSIM_BASE : part == ROMA_PART_DOWN ? COSIM_DOWN + place : COSIM_UP + place;
}

/* A part of an operation on a block of rows, both sides. */
typedef struct {
    uint32_t op, part, block, row, rows, order; /* rows of the step */
    roma_cosim_times model, rtl;
    uint64_t reads; /* cycles with a read, of the unit that read first */
    uint64_t left;  /* pieces of the result that have not come */
    bool done, differs;
    char first[320]; /* its first difference, a sentence */
} cosim_instance;

/* What the engine gave for a part of an operation in a step. */
typedef struct {
    uint8_t *want, *got; /* rows of the step, or the last one alone */
    uint8_t *seen;       /* of each element; of an up, of the sums */
    uint32_t *sums;      /* of an up: what it leaves in its value, FP32 */
    size_t row_bytes, cap;
    uint32_t width, rows;
    bool is_codes;
} cosim_value;

/* Adapters: what the chip has, and of the rows at hand what the chip and what the model takes. */
typedef struct {
    roma_rtl_lora chip;
    uint32_t *number; /* [adapters of the config]: on the chip; UINT32_MAX: not loaded */
    uint32_t *ranks;  /* [adapters of the config][slots of the plan] */
    uint32_t n;       /* of the set at hand */
    roma_cost_adapter model[ROMA_RTL_PLACES];
    uint64_t word0;
    roma_rtl_step_word word[ROMA_RTL_STEP_WORDS_MAX];
    size_t words;
} cosim_lora;

typedef struct {
    const roma_cosim_config *config;
    const roma_plan *plan;
    const roma_cosim_set *set; /* of the rows at hand */
    cosim_lora lora;
    uint32_t units, vectors, lanes, block_rows, blocks;
    uint32_t *address, *stride; /* of values, in the vector units' memories */
    /* of the step */
    uint32_t step, rows, position;
    bool logits;
    const int32_t *tokens; /* of the rows */
    int32_t token;         /* that the engine chooses */
    roma_schedule schedule;
    cosim_instance *instance; /* [operations x blocks_max x parts]; rows 0: there is none */
    uint32_t blocks_max;
    cosim_value *value;  /* [operations x parts] */
    uint64_t *seen_read; /* [operations x blocks_max x parts x (units + vectors) x 2]: start and busy by unit */
    /* [units]: scales, ends of codes, rows of downs and of ups that came in the step */
    uint32_t *scales, *ends, *downs, *ups;
    uint64_t *added;       /* [vector units x places]: elements that adapters' sums were written of */
    bool token_came, says; /* says: the first difference is being put into words */
    /* the fault that is planted: its number from 1, 0 for none; step 0: in all steps */
    uint32_t fault, fault_step, fault_from, fault_to;
    roma_buf sent;    /* all commands that the simulator got */
    size_t stretches; /* of cycles among these */
    uint64_t cycle;   /* of the line at hand */
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

/* Room for the config's adapters; nothing without any. Errors of roma_rtl_lora_init; ENOMEM. */
int roma_cosim_lora_open(cosim *s, roma_error *err);
/* Makes the set of position s->position that of the next step, and appends the commands that write those of its
 * adapters which the chip has not yet to *out. Errors of roma_rtl_lora_load and roma_rtl_lora_step; ENOMEM. */
int roma_cosim_lora_take(cosim *s, roma_buf *out, roma_error *err);
void roma_cosim_lora_close(cosim *s);

/* ---- hold.c: an instance is held against the model, and retires ---- */

/* The instance of a part of an operation on a block of the step; NULL: there is none. */
cosim_instance *roma_cosim_find(cosim *s, uint64_t op, uint64_t block, uint32_t part);
cosim_value *roma_cosim_value(cosim *s, const cosim_instance *x);
/* First cycle of a tile's reads and the one after the last: vector units come behind the matrix units. */
uint64_t *roma_cosim_reads(cosim *s, const cosim_instance *x, size_t tile);
/* "step 0, operation 3 (linear q, layer 0)", and of several blocks and of a down or an up which. */
void roma_cosim_words(const cosim *s, const cosim_instance *x, roma_buf *b);
void roma_cosim_stray(cosim *s, const char *what, uint64_t number, uint64_t block, uint64_t unit, uint64_t cycle);
/* A number of bytes that is not the engine's. kind: who wrote it, as in rtl/cosim. */
void roma_cosim_differs(cosim *s, cosim_instance *x, char kind, size_t unit, uint32_t row, size_t element,
                        const char *what, uint64_t rtl, uint64_t want);
/* A piece of a result has come: with the last one the instance is held against the model and retires. ends: the cycle
 * counts for the instance's end. */
void roma_cosim_piece(cosim *s, cosim_instance *x, size_t writer, bool ends);
/* A cycle of a unit that is not the model's is a difference. */
void roma_cosim_hold(cosim *s, cosim_instance *x, const char *what, char kind, size_t unit, uint64_t rtl,
                     uint64_t model);
void roma_cosim_check_times(cosim *s, cosim_instance *x, size_t last_writer);
void roma_cosim_retire(cosim *s, cosim_instance *x);

/* ---- pieces.c, riders.c: lines of values; f are a line's numbers ---- */

void roma_cosim_write(cosim *s, const uint64_t *f);     /* W */
void roma_cosim_codes(cosim *s, const uint64_t *f);     /* C */
void roma_cosim_codes_end(cosim *s, const uint64_t *f); /* E */
void roma_cosim_scale(cosim *s, const uint64_t *f);     /* S */
void roma_cosim_page(cosim *s, const uint64_t *f);      /* K */
void roma_cosim_logit(cosim *s, const uint64_t *f);     /* L */
void roma_cosim_choice(cosim *s, const uint64_t *f);    /* M */
void roma_cosim_best(cosim *s, const uint64_t *f);      /* B */
void roma_cosim_token(cosim *s, const uint64_t *f);     /* T */
void roma_cosim_down(cosim *s, const uint64_t *f);      /* D */
void roma_cosim_up(cosim *s, const uint64_t *f);        /* U */
void roma_cosim_sum_of(cosim *s, const uint64_t *f);    /* Y */
/* The down or the up whose operands a tag of rtl/cosim names; NULL: there is none. */
cosim_instance *roma_cosim_rider(cosim *s, uint64_t number, uint64_t tag);

/* ---- observe.c: what the bench saw ---- */

/* Takes a line. A difference is in the report. EINTERNAL for a line that is none. */
int roma_cosim_line(cosim *s, char *line, roma_error *err);

/* ---- missing.c: who makes what, what has not come, and which difference is the first ---- */

/* The unit whose result an element is, and the one that writes it: "matrix unit 1, written by vector unit 2". */
void roma_cosim_maker(const cosim *s, const cosim_instance *x, uint32_t row, uint64_t element, uint32_t writer,
                      roma_buf *b);
/* The matrix unit that has a row of the operation's matrix. */
uint32_t roma_cosim_row_unit(const cosim *s, const cosim_instance *x, uint64_t row);
/* Puts into words a unit that has read nothing of an operation that others of its kind have read for; false: none. */
bool roma_cosim_idle(cosim *s, const cosim_instance *x, roma_buf *b);
/* Puts into words what of an operation has not come; false: nothing that should have, or a scale that none has got. */
bool roma_cosim_missing(cosim *s, const cosim_instance *x, bool is_over, roma_buf *b);
/* Keeps the first sentence of all, and of an instance (x, may be NULL); *b ends here. What should have ended before x
 * in the model, and has not, comes first. */
void roma_cosim_say(cosim *s, cosim_instance *x, roma_buf *b);
/* Whether an operation that ends in the model up to a cycle has not ended; it is a difference then. */
bool roma_cosim_hangs(cosim *s, uint64_t cycle);
/* The step is over: what has not come is a difference. */
void roma_cosim_step_end(cosim *s);

#endif
