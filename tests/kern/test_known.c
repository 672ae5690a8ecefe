/* Which kernels there are here; whose are known by the CPU's model: signatures as CPUs give them, by their makers'
 * manuals and coreboot's and Linux's tables; and what a table says of this machine. */
#include "../test.h"
#include "kern/kern.h"

static void test_signatures(void) {
    static const unsigned zen4[] = {
        0x00a10f11, 0x00a10f81, 0x00a60f12, 0x00a70f41,  /* Genoa, Storm Peak, Raphael, */
        0x00a70f52, 0x00a70f80, 0x00a90f01, 0x00aa0f02}; /* Phoenix, Hawk Point, MI300A, Bergamo */
    static const unsigned other[] = {
        0x00a00f11, 0x00a20f12, 0x00a40f41, 0x00a50f00, /* Zen 3: Milan, Vermeer, Rembrandt, Cezanne */
        0x00b00f21, 0x00b10f10, 0x00b20f40, 0x00b40f40,
        0x00b60f00, 0x00b70f00,                         /* Zen 5: Turin, dense, Strix, Granite Ridge, Krackan, Halo */
        0x00800f12, 0x00830f10, 0x00870f10, 0x00900f02, /* Zen, Zen 2 twice, Dhyana */
        0x000806f8, 0x000606a6, 0x00050657, 0x000b0671,
        0x000a06d1, /* Intel: Sapphire Rapids, Ice Lake, Cascade Lake, Raptor Lake, Granite Rapids */
        0,          0xffffffff, 0x00a10611};
    for (size_t i = 0; i < sizeof zen4 / sizeof *zen4; i++) CHECK(roma_kern_is_zen4(zen4[i]));
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) CHECK(!roma_kern_is_zen4(other[i]));
    for (unsigned stepping = 0; stepping < 16; stepping++)
        for (unsigned model = 0; model < 256; model++) /* all of family 19h */
            CHECK_EQ(roma_kern_is_zen4(0x00a00f00 | (model & 15) << 4 | (model & 0xf0) << 12 | stepping),
                     (model >= 0x10 && model <= 0x1f) || (model >= 0x60 && model <= 0xaf));
}

/* A CPU is known or not, for each instruction set that has variants alike; one without variants has nothing to know. */
static void test_here(void) {
    int known = 0, tables = 0;
    for (int isa = 0; isa < ROMA_ISA_COUNT; isa++) {
        const roma_kern *k = roma_kern_get((roma_isa)isa);
        const char *cpu = "as before";
        if (!k) continue;
        const roma_kern *is = roma_kern_known(k, &cpu);
        CHECK(is || strcmp(cpu, "as before") == 0);
        if (!roma_kern_variant(k, 1))
            CHECK(!is);
        else
            tables++, known += is != NULL;
        if (!is) continue;
        CHECK_STR(is->name, k->name);
        CHECK(roma_kern_known(roma_kern_variant(k, 1), &cpu) == is);
    }
    CHECK(known == 0 || known == tables);
}

/* What runs here, of what was compiled in: a list of names that are found, each once. */
static void test_lists(void) {
    char here[128], name[32];
    roma_kern_list_here(here, sizeof here);
    CHECK(strlen(here) + 1 < sizeof here && strlen(roma_kern_list()) + 1 < sizeof here);
    size_t found = 0;
    for (const char *p = roma_kern_list(); *p; p += strspn(p, " ")) {
        const size_t n = strcspn(p, " ");
        snprintf(name, sizeof name, " %.*s ", (int)n, p);
        char all[160];
        snprintf(all, sizeof all, " %s ", here);
        const bool is_listed = strstr(all, name) != NULL;
        name[n + 1] = 0;
        CHECK_EQ(roma_kern_find(name + 1) != NULL, is_listed);
        found += is_listed ? n + 1 : 0;
        p += n;
    }
    CHECK_EQ(found, strlen(here) + 1);
    char small[8];
    CHECK_STR(roma_kern_list_here(small, sizeof small), "scalar"); /* whole names */
}

int main(void) {
    test_lists();
    test_signatures();
    test_here();
    return TEST_DONE();
}
