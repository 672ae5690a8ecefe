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
        0x00800f12, 0x00830f10, 0x00870f10, 0x00900f02, /* Zen, Zen 2 twice, Dhyana */
        0x000806f8, 0x000606a6, 0x00050657, 0x000b0671,
        0x000a06d1, /* Intel: Sapphire Rapids, Ice Lake, Cascade Lake, Raptor Lake, Granite Rapids */
        0,          0xffffffff, 0x00a10611};
    static const unsigned zen5[] = {0x00b00f21, 0x00b10f10, 0x00b20f40,  /* Turin, dense, Strix, */
                                    0x00b40f40, 0x00b60f00, 0x00b70f00}; /* Granite Ridge, Krackan, Halo */
    for (size_t i = 0; i < sizeof zen4 / sizeof *zen4; i++) CHECK_EQ(roma_kern_amd(zen4[i]), ROMA_CPU_ZEN4);
    for (size_t i = 0; i < sizeof zen5 / sizeof *zen5; i++) CHECK_EQ(roma_kern_amd(zen5[i]), ROMA_CPU_ZEN5);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) CHECK_EQ(roma_kern_amd(other[i]), ROMA_CPU_OTHER);
    for (unsigned stepping = 0; stepping < 16; stepping++)
        for (unsigned model = 0; model < 256; model++) /* all of family 19h */
            CHECK_EQ(roma_kern_amd(0x00a00f00 | (model & 15) << 4 | (model & 0xf0) << 12 | stepping),
                     (model >= 0x10 && model <= 0x1f) || (model >= 0x60 && model <= 0xaf) ? ROMA_CPU_ZEN4
                                                                                          : ROMA_CPU_OTHER);
}

/* What each instruction set begins with on each model, whichever of its variants is asked; and here. */
static void test_hints(void) {
    for (int isa = 0; isa < ROMA_ISA_COUNT; isa++) {
        const roma_kern *k = roma_kern_get((roma_isa)isa), *v;
        for (unsigned i = 0; k && (v = roma_kern_variant(k, i)) != NULL; i++) {
            const bool alone = !k->variant;
            const roma_kern_hint other = roma_kern_of(v, ROMA_CPU_OTHER), zen4 = roma_kern_of(v, ROMA_CPU_ZEN4),
                                 zen5 = roma_kern_of(v, ROMA_CPU_ZEN5), here = roma_kern_known(v);
            CHECK(other.kern == k && !other.cpu && other.is_sure == alone);
            CHECK(zen4.is_sure && zen4.kern == roma_kern_variant(k, isa == ROMA_ISA_AVX512 ? 2 : 0));
            CHECK(zen5.is_sure == alone && zen5.kern == roma_kern_variant(k, alone ? 0 : 1));
            CHECK(here.kern == other.kern || here.kern == zen4.kern || here.kern == zen5.kern);
            CHECK_STR(here.kern->name, k->name);
        }
    }
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
    test_hints();
    return TEST_DONE();
}
