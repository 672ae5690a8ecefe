/* Fuzzes the knobs of explore: any lines, a knob each, are refused with one sentence, or span a space whose points are
 * evaluated and whose recorded values are those of chips that hold together.
 */
#include "roma/explore.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                                                                     \
    do {                                                                                                               \
        if (!(x)) abort();                                                                                             \
    } while (0)

enum { LINES = 256, BYTES = 8192, POINTS = 6 };

/* text's lines, which become zero-ended. */
static size_t lines_of(char *text, const char *line[LINES]) {
    size_t n = 0;
    for (char *at = text, *end; *at && n < LINES; at = end) {
        end = at + strcspn(at, "\n");
        if (*end) *end++ = 0;
        line[n++] = at;
    }
    return n;
}

static void check_points(const roma_explore *x) {
    const roma_explore_share share = {.points = POINTS, .size = 1, .threads = 1};
    roma_explored e;
    uint64_t sum = 0;
    const int rc = roma_explore_run(x, &share, &e, NULL);
    REQUIRE(rc == 0 || rc == ROMA_ENOMEM);
    for (int k = 0; k < ROMA_EXPLORE_REFUSALS_N; k++) sum += e.refused[k];
    REQUIRE(rc || sum + e.n == POINTS);
    for (size_t i = 0; i < e.n; i++) {
        static roma_chip c;
        roma_explore_chip(x, roma_explored_row(&e, i), &c);
        REQUIRE(roma_chip_check(&c, "", NULL) == 0);
    }
    roma_explored_destroy(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char text[BYTES];
    const char *line[LINES];
    roma_explore *x;
    roma_error err = {0};
    if (size >= sizeof text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    const roma_explore_config c = {.shape = "smollm2-135m",
                                   .set = line,
                                   .n_set = lines_of(text, line),
                                   .only = size && data[0] == '\n',
                                   .work = roma_cost_workload_bare()};
    if (roma_explore_open(&x, &c, &err)) {
        REQUIRE(!x && err.code && err.text[0] && !strchr(err.text, '\n'));
        return 0;
    }
    check_points(x);
    roma_explore_close(x);
    return 0;
}
