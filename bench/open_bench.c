/* How long an image takes to be opened and verified, beside read(2) of the whole file by one thread in blocks of 1 MiB,
 * the file's pages in memory; and how long the first token takes after that, beside prefill and one step of an engine
 * that has run before.
 *
 *   build/bench/open IMAGE [threads] [rounds] [tokens of the prompt] [isa]
 *
 * The rounds take turns, the best of each counts after one that warms up. The first token comes out of a process's
 * whole way: the image opened and checked, plan, placement, tokenizer, engine, threads, arenas, then the prompt.
 * Opening and checking is taken off by its own best time: the pages that it maps stay mapped for the prompt. An image
 * of random weights gets a vocabulary by `build/bench/stream speak`.
 */
#include "roma/answer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCK = 1 << 20, PROMPT_MOST = 4096 };

typedef enum { READ, OPEN, OPEN_ONE, UNCHECKED, TABLES, START, FIRST, WHOLE, WARM, STEP, FIGURES } figure;
static const char *const name[FIGURES] = {[READ] = "read(2), 1 MiB, 1 thread",
                                          [OPEN] = "open and verify",
                                          [OPEN_ONE] = "the same, 1 thread",
                                          [UNCHECKED] = "open --no-verify",
                                          [TABLES] = "verified; plan, tokenizer, template",
                                          [START] = "engine, threads, arenas",
                                          [FIRST] = "prompt to first token",
                                          [WHOLE] = "these three but the check",
                                          [WARM] = "prefill, engine warm",
                                          [STEP] = "one step, engine warm"};

typedef struct {
    roma_answer_config config;
    int32_t prompt[PROMPT_MOST];
    uint32_t n_prompt;
    double took[FIGURES];
    roma_error err;
} run;

static uint64_t read_file(run *r) {
    static uint8_t block[BLOCK];
    const int fd = open(r->config.image, O_RDONLY | O_CLOEXEC);
    uint64_t bytes = 0;
    const double began = roma_now();
    for (ssize_t n; fd >= 0 && (n = read(fd, block, BLOCK)) > 0;) bytes += (uint64_t)n;
    r->took[READ] = roma_now() - began;
    if (fd >= 0) close(fd);
    return bytes;
}

static int open_image(run *r, figure to, unsigned flags, uint32_t threads) {
    roma_image img;
    roma_team *team = NULL;
    const double began = roma_now();
    int rc = roma_team_create(&team, (int)threads, &r->err);
    if (!rc) rc = roma_image_open(&img, r->config.image, flags, team, &r->err);
    r->took[to] = roma_now() - began;
    if (!rc) roma_image_close(&img);
    roma_team_destroy(team);
    return rc;
}

static void heard(void *ctx, const roma_answer_result *result) { ((run *)ctx)->took[FIRST] = result->first_s; }

/* From a tokenizer that is there to the first token. */
static int first_token(run *r, roma_answer *a) {
    roma_answer_request q = {
        .prompt = r->prompt, .n_prompt = r->n_prompt, .ctx = r, .over = heard, .ask = {.limit = 1}};
    roma_sampling_default(&q.ask.sampling);
    const double began = roma_now();
    int rc = roma_answer_start(a, &r->config, &r->err);
    r->took[START] = roma_now() - began;
    if (!rc) rc = roma_answer_submit(a, &q, NULL, &r->err);
    while (!rc && roma_answer_under_way(a)) rc = roma_answer_step(a, &r->err);
    r->took[WHOLE] = r->took[TABLES] + r->took[START] + r->took[FIRST];
    return rc;
}

/* The same prompt again, and one token after it, step by step on the engine. */
static int warm(run *r, roma_answer *a) {
    roma_exec *e = roma_answer_engine(a);
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    const uint32_t most = roma_exec_memory_of(e)->rows;
    int rc = ROMA_OK;
    for (uint32_t s = 0; s < 2; s++) roma_exec_truncate(e, 0, 0);
    const double began = roma_now();
    for (uint32_t at = 0; at < r->n_prompt && !rc;) {
        uint32_t n = 0;
        for (; n < most && at < r->n_prompt; n++, at++)
            rows[n] = (roma_exec_row){r->prompt[at], 0, at, 0, at + 1 == r->n_prompt};
        rc = roma_exec_step(e, rows, n, &r->err);
    }
    const double read = roma_now();
    rows[0] = (roma_exec_row){r->prompt[0], 0, r->n_prompt, 0, true};
    if (!rc) rc = roma_exec_step(e, rows, 1, &r->err);
    r->took[WARM] = read - began;
    r->took[STEP] = roma_now() - read;
    return rc;
}

static int whole(run *r) {
    roma_answer *a;
    const double began = roma_now();
    int rc = roma_answer_open(&a, &r->config, &r->err);
    r->took[TABLES] = roma_now() - began;
    if (!rc) rc = first_token(r, a);
    if (!rc) rc = warm(r, a);
    roma_answer_close(a);
    return rc;
}

int main(int argc, char **argv) {
    static run r;
    double best[FIGURES];
    uint64_t bytes = 0;
    const int threads = argc > 2 ? atoi(argv[2]) : roma_cpu_count(), rounds = argc > 3 ? atoi(argv[3]) : 5,
              prompt = argc > 4 ? atoi(argv[4]) : 128;
    if (argc < 2 || threads < 1 || threads > 64 || rounds < 1 || prompt < 1 || prompt > PROMPT_MOST)
        return fprintf(stderr, "usage: open IMAGE [threads] [rounds] [tokens of the prompt, at most %d] [isa]\n",
                       PROMPT_MOST),
               2;
    r.config = (roma_answer_config){.image = argv[1],
                                    .threads = (uint32_t)threads,
                                    .isa = argc > 5 ? argv[5] : NULL,
                                    .running = 1,
                                    .no_proposals = true};
    r.n_prompt = (uint32_t)prompt;
    for (uint32_t i = 0; i < r.n_prompt; i++) r.prompt[i] = (int32_t)(3 + roma_random(1, i) % 200);
    for (int i = 0; i <= rounds; i++) {
        bytes = read_file(&r);
        if (open_image(&r, OPEN, 0, r.config.threads) || open_image(&r, OPEN_ONE, 0, 1) ||
            open_image(&r, UNCHECKED, ROMA_IMAGE_NO_VERIFY, 1) || whole(&r))
            return fprintf(stderr, "%s\n", r.err.text), 2;
        for (int k = 0; k < FIGURES; k++)
            if (i <= 1 || r.took[k] < best[k]) best[k] = r.took[k];
    }
    best[WHOLE] -= best[OPEN];
    printf("%s, %.1f MB, %d threads, prompt of %u tokens, best of %d\n", argv[1], (double)bytes / 1e6, threads,
           r.n_prompt, rounds);
    for (int k = 0; k < FIGURES; k++) printf("%-36s %9.2f ms\n", name[k], 1e3 * best[k]);
    printf("open and verify: %.2f x read(2); first token: %.3f x prefill and one step\n", best[OPEN] / best[READ],
           best[WHOLE] / (best[WARM] + best[STEP]));
    return 0;
}
