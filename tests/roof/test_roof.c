/* The roofs: figures that a machine can have, and which follow its threads. Speeds are no test of ours; what they are
 * measured on is. */
#include "roma/kern.h"
#include "roma/roof.h"
#include "../test.h"

enum { PAGES = 7, PAGE = 4096 };

static _Alignas(4096) uint8_t block[PAGES * PAGE];

/* Of the bytes that a team reads, the xor of their 64-bit words, whatever the instruction set folded them to. */
static uint64_t folded(int threads) {
    roma_team *team;
    roma_roof_block b = {.base = block, .bytes = sizeof block};
    uint64_t all = 0;
    CHECK_EQ(roma_team_create(&team, threads, NULL), 0);
    roma_team_run(team, roma_roof_read_run, &b);
    for (int i = 0; i < 64; i++) all ^= b.sink[i];
    roma_team_destroy(team);
    return all;
}

/* Every page is read by one thread and no page twice: one changed byte shows, the same in two bytes takes itself back.
 */
static void test_reads_all(void) {
    for (size_t i = 0; i < sizeof block; i++) block[i] = (uint8_t)roma_random(1, i);
    for (int threads = 1; threads <= 3; threads++) {
        const uint64_t was = folded(threads);
        for (int page = 0; page < PAGES; page++) {
            uint8_t *at = block + page * PAGE + 64 * page; /* the first word of 32 bytes counts in every read */
            *at ^= 0x55;
            CHECK(folded(threads) != was);
            *at ^= 0x55;
        }
        CHECK_EQ(folded(threads), was);
    }
}

static void test_figures(void) {
    roma_team *team;
    char cpu[96], small[5];
    CHECK_EQ(roma_team_create(&team, 2, NULL), 0);
    CHECK_REAL(roma_roof_read_gb_s(team, NULL), 0);
    uint8_t *memory = roma_roof_memory_create(team);
    if (memory) {
        CHECK(memory[0] && memory[((size_t)1 << 30) - 1]); /* filled: untouched pages would be one page of zeros */
        const double rate = roma_roof_read_gb_s(team, memory);
        CHECK(rate > 0.05 && rate < 10000);
    }
    roma_roof_memory_destroy(memory);
    roma_roof_memory_destroy(NULL);
    CHECK_REAL(roma_roof_int8_gmac_s(team, "scalar"), 0);
    CHECK_REAL(roma_roof_int8_gmac_s(team, "no such set"), 0);
    const char *best = roma_kern_best()->name;
    const double products = roma_roof_int8_gmac_s(team, best);
    CHECK(strcmp(best, "scalar") == 0 ? products == 0 : products > 0.1 && products < 1e6);
    CHECK(roma_roof_cpu(cpu, sizeof cpu) == cpu && cpu[0] && !strchr(cpu, '\n'));
    CHECK_EQ(strlen(roma_roof_cpu(small, sizeof small)), 4);
    roma_team_destroy(team);
}

int main(void) {
    test_reads_all();
    test_figures();
    return TEST_DONE();
}
