/* What the benches share: the classes of random numbers, and the files of corners. */
#include "bench.h"

static uint32_t few_ones(dice &d) {
    uint32_t m = 0;
    for (uint32_t n = d.below(4); n--;) m |= 1u << d.below(23);
    return d.below(2) ? m : ~m & 0x7fffffu;
}

static uint32_t mantissa(dice &d) {
    switch (d.below(4)) {
    case 0: return few_ones(d);
    case 1: return (uint32_t)d.next() & 0x7fffffu & ~0u << d.below(23);
    default: return (uint32_t)d.next() & 0x7fffffu;
    }
}

uint32_t draw_float_near(dice &d, int middle, int spread) {
    int e = middle - spread + (int)d.below(2 * (uint32_t)spread + 1);
    e = e < 0 ? 0 : e > 254 ? 254 : e;
    return (uint32_t)(d.next() & 0x80000000u) | (uint32_t)e << 23 | mantissa(d);
}

uint32_t draw_float(dice &d) {
    static const uint32_t named[] = {0,          1,          0x007fffff, 0x00800000, 0x00800001, 0x3f800000,
                                     0x3f7fffff, 0x3f800001, 0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7f800001};
    switch (d.below(8)) {
    case 0: return named[d.below(12)] | (uint32_t)(d.next() & 0x80000000u);
    case 1: return draw_float_near(d, 0, 0);
    case 2: return draw_float_near(d, 2, 2);
    case 3: return draw_float_near(d, 252, 2);
    case 4: return draw_float_near(d, 127, 3);
    case 5: return draw_float_near(d, 127, 30);
    case 6: return roma_f32_bits((float)((int)d.below(513) - 256) * 0.5f);
    default: return (uint32_t)d.next();
    }
}

uint32_t one_nan(float f) { return f != f ? 0x7fc00000u : roma_f32_bits(f); }

std::vector<words> read_corners(const char *name, int n_in) {
    const std::string path = std::string("tests/rtl/corners/") + name + ".txt";
    std::ifstream file(path);
    std::vector<words> all;
    std::string line;
    while (std::getline(file, line)) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream text(line);
        words w;
        uint64_t v;
        while (text >> std::hex >> v) w.push_back(v);
        if ((int)w.size() != n_in) {
            fprintf(stderr, "%s: a line of %zu words, %d are wanted: %s\n", path.c_str(), w.size(), n_in, line.c_str());
            exit(2);
        }
        all.push_back(w);
    }
    if (all.empty()) {
        fprintf(stderr, "%s: no corners\n", path.c_str());
        exit(2);
    }
    return all;
}

void print_words(const char *label, const uint64_t *w, int n) {
    printf("  %s", label);
    for (int i = 0; i < n; i++) printf(" %" PRIx64, w[i]);
    printf("\n");
}
