/* The parameter table and what can be asked of one of its rows. */
#include "chip/internal.h"

#include <string.h>

static const roma_chip_parameter parameters[] = {
#define X(field, section, key, unit, min, max, help) {section, key, unit, help, min, max},
    ROMA_CHIP_PARAMETERS(X)
#undef X
};
static const size_t fields[] = {
#define X(field, section, key, unit, min, max, help) offsetof(roma_chip, field),
    ROMA_CHIP_PARAMETERS(X)
#undef X
};
static const char *const qualities[] = {
#define X(name, text) text,
    ROMA_CHIP_QUALITIES(X)
#undef X
};

const roma_chip_parameter *roma_chip_parameter_at(unsigned i) { return i < ROMA_CHIP_N ? &parameters[i] : NULL; }

int roma_chip_find(const char *name) {
    for (int i = 0; i < ROMA_CHIP_N; i++) {
        const size_t n = strlen(parameters[i].section);
        if (strncmp(name, parameters[i].section, n) == 0 && name[n] == '.' &&
            strcmp(name + n + 1, parameters[i].key) == 0)
            return i;
    }
    return -1;
}

double *roma_chip_field(roma_chip *c, unsigned i) { return (double *)(void *)((char *)c + fields[i]); }
double roma_chip_get(const roma_chip *c, unsigned i) {
    return *(const double *)(const void *)((const char *)c + fields[i]);
}

void roma_chip_put(roma_chip *c, unsigned i, double value) {
    *roma_chip_field(c, i) = value;
    c->mark[i].low = c->mark[i].high = value;
}

bool roma_chip_is_choice(unsigned i) { return strchr(parameters[i].unit, '|') != NULL; }
bool roma_chip_is_power(unsigned i) { return strcmp(parameters[i].unit, "2^n") == 0; }
bool roma_chip_is_whole(unsigned i) {
    return strcmp(parameters[i].unit, "1") == 0 || roma_chip_is_power(i) || roma_chip_is_choice(i);
}

void roma_chip_clip(unsigned i, double *low, double *high) {
    if (!roma_chip_is_power(i)) return;
    double least = parameters[i].min, most = parameters[i].max;
    while (least < *low && least <= most) least *= 2;
    while (most > *high && most >= least) most /= 2;
    *low = least;
    *high = most;
}

roma_chip_span roma_chip_choice(unsigned i, unsigned k) {
    const char *s = parameters[i].unit;
    for (; k && s; k--) {
        s = strchr(s, '|');
        if (s) s++;
    }
    return (roma_chip_span){s, s ? strcspn(s, "|") : 0};
}

const char *roma_chip_quality_name(unsigned q) {
    return q < sizeof qualities / sizeof *qualities ? qualities[q] : NULL;
}

const char *roma_chip_name_of(unsigned i, char out[ROMA_CHIP_KEY]) {
    roma_print(out, ROMA_CHIP_KEY, "%s.%s", parameters[i].section, parameters[i].key);
    return out;
}

/* "1e+09" as people write it: 1e9. */
static void tidy_exponent(char *text) {
    char *e = strchr(text, 'e');
    if (!e) return;
    char *to = ++e;
    if (*e == '-') to++;
    e++;
    while (*e == '0') e++;
    memmove(to, e, strlen(e) + 1);
}

static bool reads_as(const char *text, double v) {
    double back;
    return roma_real_read(text, strlen(text), &back) && back == v;
}

const char *roma_chip_number(double v, char out[ROMA_CHIP_NUMBER]) {
    int digits = 0;
    do /* %e, not %g: 17 digits always suffice */
        roma_print(out, ROMA_CHIP_NUMBER, "%.*e", digits, v);
    while (!reads_as(out, v) && ++digits < 17);
    tidy_exponent(out);
    /* 1e2 is short, but nobody writes a hundred like that */
    char plain[ROMA_CHIP_NUMBER];
    roma_print(plain, sizeof plain, "%.*g", digits > 11 ? 17 : 12, v);
    if (!strchr(plain, 'e') && reads_as(plain, v) && strlen(plain) <= strlen(out) + 3)
        roma_print(out, ROMA_CHIP_NUMBER, "%s", plain);
    return out;
}

const char *roma_chip_shown(const roma_chip *c, unsigned i, char out[ROMA_CHIP_NUMBER]) {
    const double v = roma_chip_get(c, i);
    if (!roma_chip_is_choice(i) || !(v >= 0 && v < 64)) return roma_chip_number(v, out);
    const roma_chip_span name = roma_chip_choice(i, (unsigned)v);
    if (!name.s) return roma_chip_number(v, out);
    roma_print(out, ROMA_CHIP_NUMBER, "%.*s", (int)name.n, name.s);
    return out;
}
