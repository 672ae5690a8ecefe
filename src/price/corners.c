/* Ranges: each figure where the quantities that it depends on make it smallest and largest. One evaluation takes less
 * than a microsecond, so that directions are looked for again from where the last pass led: a quantity may turn its
 * direction when others move. */
#include "price/internal.h"

#include <math.h>

enum { LOW, MID, HIGH, PASSES = 3 };

static double value(const price_case *x, unsigned o, int sign, const price_fixed *f) {
    roma_priced out;
    roma_price_evaluate(&out, x, f);
    return sign * out.v[o];
}

/* Moves x to where sign x output o is largest, which is returned. An end that changes nothing is taken too, as what it
 * is tied to may move next. */
static double climb(price_case *x, unsigned o, int sign, const price_case at[3], const price_fixed *f) {
    double best = value(x, o, sign, f);
    for (unsigned i = 0; i < PASSES * PRICE_CASE_N; i++) {
        const unsigned k = i % PRICE_CASE_N;
        const double ends[] = {at[sign > 0 ? LOW : HIGH].v[k], at[sign > 0 ? HIGH : LOW].v[k]};
        double taken = x->v[k];
        for (int end = 0; end < 2; end++) {
            x->v[k] = ends[end];
            const double v = value(x, o, sign, f);
            if (v >= best) best = v, taken = ends[end];
        }
        x->v[k] = taken;
    }
    return best;
}

/* Where chips gain nothing, break-even is a plain without a slope: it is entered by what they gain. */
static double extreme(unsigned o, int sign, const price_case at[3], const price_fixed *f) {
    price_case x = at[MID];
    if (o == ROMA_PRICED_break_even_chips || o == ROMA_PRICED_break_even_respin)
        climb(&x, ROMA_PRICED_gain_usd, -sign, at, f);
    return sign * fmax(climb(&x, o, sign, at, f), value(&at[MID], o, sign, f));
}

/* The quantity that alone spreads output o most. */
static const char *dominant_of(unsigned o, const price_case at[3], const char *const name[PRICE_CASE_N],
                               const price_fixed *f) {
    const char *which = NULL;
    double widest = 0;
    for (unsigned i = 0; i < PRICE_CASE_N; i++) {
        double v[3];
        for (int end = LOW; end <= HIGH; end++) {
            price_case x = at[MID];
            x.v[i] = at[end].v[i];
            v[end] = value(&x, o, 1, f);
        }
        const double spread = fmax(v[MID], fmax(v[LOW], v[HIGH])) - fmin(v[MID], fmin(v[LOW], v[HIGH]));
        if (!(spread > widest)) continue;
        widest = spread;
        which = name[i];
    }
    return which;
}

void roma_price_corners(roma_range out[ROMA_PRICED_N], const char *dominant[ROMA_PRICED_N], const price_case at[3],
                        const char *const name[PRICE_CASE_N], const price_fixed *f) {
    for (unsigned o = 0; o < ROMA_PRICED_N; o++) {
        out[o] = (roma_range){extreme(o, -1, at, f), value(&at[MID], o, 1, f), extreme(o, 1, at, f)};
        dominant[o] = dominant_of(o, at, name, f);
    }
}
