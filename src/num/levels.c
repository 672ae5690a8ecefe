/* Level tables that stand for a map of values (NF4, FP4): docs/import.md, "Levels". */
#include "roma/num.h"

/* Levels of a map times a factor; the sum of their squared errors, or a negative number where one is out of range. */
static double levels_of(const float map[16], int factor, int limit, int16_t out[16]) {
    double error = 0;
    for (int i = 0; i < 16; i++) {
        const double x = (double)map[i] * factor;
        const int level = (int)(x < 0 ? x - 0.5 : x + 0.5);
        if (level < -limit || level > limit) return -1;
        out[i] = (int16_t)level;
        error += (x - level) / factor * ((x - level) / factor);
    }
    return error;
}

/* A map whose every value is a level within FP32's own rounding. */
static bool is_exact(double error) { return error < 16 * 0x1p-50; }

float roma_format_use_map(roma_format *f, const float map[16], int limit) {
    int16_t levels[16];
    double best = -1;
    int nearest = 0;
    for (int factor = 1; factor <= limit; factor++) {
        const double error = levels_of(map, factor, limit, levels);
        if (error < 0 || (best >= 0 && error >= best)) continue;
        best = error;
        nearest = factor;
        memcpy(f->table, levels, sizeof levels);
        if (is_exact(error)) break;
    }
    f->level = ROMA_LEVEL_TABLE;
    for (int i = 0; i < 16; i++)
        if (f->table[i] < -128 || f->table[i] > 127) f->level = ROMA_LEVEL_FINE;
    return (float)nearest;
}
