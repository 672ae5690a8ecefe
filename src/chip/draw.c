/* A chip drawn out of the ranges of another one; docs/cost-model.md 6.1 is the contract. */
#include "chip/internal.h"

#include <math.h>
#include <string.h>

/* Where the draw lies in parameter i's range, in [0, 1): the parameter's name chooses the generator, so that a new
 * parameter changes no other one's draws. */
static double place_in(unsigned i, uint64_t seed, uint64_t number) {
    char name[ROMA_CHIP_KEY];
    uint64_t key = seed;
    for (const char *at = roma_chip_name_of(i, name); *at; at++) key = roma_random(key, (unsigned char)*at);
    return (double)(roma_random(key, number) >> 11) * 0x1p-53;
}

/* The value below which a share u of the triangle over [low, high] with its top at mode lies; low < high. */
static double triangle(double low, double mode, double high, double u) {
    const double width = high - low;
    return u * width < mode - low ? low + sqrt(u * width * (mode - low)) : high - sqrt((1 - u) * width * (high - mode));
}

/* Counted things have half a step more on either side, so that the ends come as often as their neighbours. */
static double whole(double low, double mode, double high, double u) {
    return fmin(high, fmax(low, floor(triangle(low - 0.5, mode, high + 0.5, u) + 0.5)));
}

static double drawn(const roma_chip *c, unsigned i, double u) {
    const double low = c->mark[i].low, mode = roma_chip_get(c, i), high = c->mark[i].high;
    if (roma_chip_is_power(i)) return exp2(whole(log2(low), log2(mode), log2(high), u));
    if (roma_chip_is_whole(i) || strcmp(roma_chip_parameter_at(i)->unit, "cycle") == 0)
        return whole(low, mode, high, u);
    return fmin(high, fmax(low, triangle(low, mode, high, u)));
}

void roma_chip_draw(roma_chip *out, const roma_chip *c, uint64_t seed, uint64_t number) {
    *out = *c;
    for (unsigned i = 0; i < ROMA_CHIP_N; i++)
        if (c->mark[i].low < c->mark[i].high) roma_chip_put(out, i, drawn(c, i, place_in(i, seed, number)));
}
