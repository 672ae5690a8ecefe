/* usage: build/bench/cost     how fast the chip model is: one decode step, a 4K prefill, chip cycles per host CPU
 * second */
#include "roma/cost.h"
#include "roma/map.h"

#include <stdlib.h>
#include <time.h>

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median seconds of RUNS runs; *cycles of the last. */
static double measure(roma_schedule *s, const roma_placement *p, uint32_t prompt, uint32_t batch, uint64_t *cycles) {
    enum { RUNS = 51, BATCH_MAX = 64 };
    double took[RUNS];
    roma_cost_span spans[BATCH_MAX];
    roma_cost_adapter own[BATCH_MAX] = {{.rank = ROMA_RANK_USUAL}};
    for (uint32_t i = 0; i < batch; i++) {
        own[i] = (roma_cost_adapter){.id = i, .rank = ROMA_RANK_USUAL};
        spans[i] = (roma_cost_span){1024 + i, 1, 1, 1, &own[i]};
    }
    for (int i = 0; i < RUNS; i++) {
        const double began = cpu_s();
        if (prompt ? roma_cost_prefill(s, p, 0, prompt, own, 1, NULL) : roma_cost_step(s, p, spans, batch, NULL))
            exit(1);
        took[i] = cpu_s() - began;
    }
    qsort(took, RUNS, sizeof *took, ascending);
    *cycles = s->cycles;
    return took[RUNS / 2];
}

int main(void) {
    static const char *const chips[] = {"roma", "roma-contract"};
    static const struct {
        const char *what;
        uint32_t prompt, batch;
    } work[] = {{"decode step, context 1024", 0, 1},
                {"decode step, batch 16", 0, 16},
                {"prefill of 256", 256, 0},
                {"prefill of 4096", 4096, 0}};
    printf("%-16s %-26s %12s %12s %16s\n", "chip", "llama-3.2-3b, rank 16", "chip cycles", "host ms", "cycles/CPU s");
    for (size_t k = 0; k < 2; k++) {
        roma_chip c;
        roma_description d;
        roma_plan p;
        roma_placement place;
        roma_schedule s = {0};
        if (roma_chip_open(&c, chips[k], NULL) ||
            roma_shape_describe(&d, "llama-3.2-3b", &(roma_shape_format){0}, NULL) || roma_map_plan(&p, &d, NULL) ||
            roma_map_place(&place, &p, &c, 1, NULL))
            return 1;
        for (size_t i = 0; i < sizeof work / sizeof *work; i++) {
            uint64_t cycles;
            const double t = measure(&s, &place, work[i].prompt, work[i].batch, &cycles);
            printf("%-16s %-26s %12llu %12.4f %16.3g\n", chips[k], work[i].what, (unsigned long long)cycles, t * 1e3,
                   (double)cycles / t);
        }
        roma_schedule_destroy(&s);
        roma_place_destroy(&place);
        roma_plan_destroy(&p);
        roma_shape_destroy(&d);
    }
    return 0;
}
