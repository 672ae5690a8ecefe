/* What may have been meant: the end of an error's sentence. */
#include "chip/internal.h"

#include <string.h>

static roma_chip_span span(const char *text) { return (roma_chip_span){text, strlen(text)}; }

static bool nearer(roma_chip_span given, const char *word, unsigned *best) {
    const unsigned d = roma_slips(given.s, given.n, word);
    if (d >= *best) return false;
    *best = d;
    return true;
}

static void add(char out[ROMA_CHIP_HINT], const char *before, roma_chip_span word) {
    const size_t n = strlen(out);
    if (n + strlen(before) + word.n + 4 < ROMA_CHIP_HINT)
        roma_print(out + n, ROMA_CHIP_HINT - n, "%s%.*s", before, (int)word.n, word.s);
    else if (n + 4 < ROMA_CHIP_HINT && !(n && out[n - 1] == '.'))
        roma_print(out + n, ROMA_CHIP_HINT - n, "...");
}

/* "; there are a, b, c" or "; did you mean b?" over any list of names. */
static const char *among(roma_chip_span given, const char *(*name)(unsigned i), char out[ROMA_CHIP_HINT]) {
    const char *found = NULL;
    unsigned best = UINT32_MAX;
    for (unsigned i = 0; name(i); i++)
        if (nearer(given, name(i), &best)) found = name(i);
    out[0] = 0;
    if (found) {
        roma_print(out, ROMA_CHIP_HINT, "; did you mean %s?", found);
        return out;
    }
    for (unsigned i = 0; name(i); i++) add(out, i ? ", " : "; there are ", span(name(i)));
    return out;
}

static const char *section_name(unsigned k) {
    const roma_chip_parameter *p = NULL;
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++)
        if (i == 0 || strcmp(p->section, roma_chip_parameter_at(i - 1)->section) != 0)
            if (k-- == 0) return p->section;
    return NULL;
}
static const char *builtin_name(unsigned i) { return roma_chip_texts[i].name; }

const char *roma_chip_hint_section(roma_chip_span given, char out[ROMA_CHIP_HINT]) {
    return among(given, section_name, out);
}
const char *roma_chip_hint_quality(roma_chip_span given, char out[ROMA_CHIP_HINT]) {
    return among(given, roma_chip_quality_name, out);
}
const char *roma_chip_hint_builtin(roma_chip_span given, char out[ROMA_CHIP_HINT]) {
    return among(given, builtin_name, out);
}

const char *roma_chip_hint_choice(unsigned i, char out[ROMA_CHIP_HINT]) {
    roma_chip_span name;
    out[0] = 0;
    for (unsigned k = 0; (name = roma_chip_choice(i, k)).s; k++) add(out, k ? ", " : "; there are ", name);
    return out;
}

/* The sections that do have this key. */
static bool elsewhere(roma_chip_span key, char out[ROMA_CHIP_HINT]) {
    const roma_chip_parameter *p;
    out[0] = 0;
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++)
        if (roma_chip_is(key, p->key)) {
            add(out, out[0] ? " and [" : "; it belongs to [", span(p->section));
            add(out, "]", span(""));
        }
    return out[0] != 0;
}

/* The nearest key of one section (.n > 0) or of all. */
static int nearest_key(roma_chip_span section, roma_chip_span key) {
    const roma_chip_parameter *p;
    unsigned best = UINT32_MAX;
    int found = -1;
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++)
        if ((!section.n || roma_chip_is(section, p->section)) && nearer(key, p->key, &best)) found = (int)i;
    return found;
}

/* Keys that older files have. */
static bool removed(roma_chip_span section, roma_chip_span key, char out[ROMA_CHIP_HINT]) {
    static const char *const gone[] = {"exp", "sincos"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        char full[ROMA_CHIP_KEY];
        roma_print(full, sizeof full, "vector.%s", gone[i]);
        if (!(roma_chip_is(section, "vector") && roma_chip_is(key, gone[i])) && !roma_chip_is(key, full)) continue;
        roma_print(out, ROMA_CHIP_HINT,
                   "; a chain of units, vector.add, vector.mul and vector.convert, replaces it: leave the line out "
                   "(docs/cost-model.md 1.6)");
        return true;
    }
    return false;
}

const char *roma_chip_hint_key(roma_chip_span section, roma_chip_span key, char out[ROMA_CHIP_HINT]) {
    char name[ROMA_CHIP_KEY];
    if (removed(section, key, out)) return out;
    if (key.n < sizeof name) { /* the name of --set in a file */
        memcpy(name, key.s, key.n);
        name[key.n] = 0;
        const int i = roma_chip_find(name);
        if (i >= 0) {
            const roma_chip_parameter *p = roma_chip_parameter_at((unsigned)i);
            roma_print(out, ROMA_CHIP_HINT, "; write `%s` under [%s]", p->key, p->section);
            return out;
        }
    }
    if (elsewhere(key, out)) return out;
    int i = nearest_key(section, key);
    if (i < 0) i = nearest_key((roma_chip_span){"", 0}, key);
    if (i >= 0) {
        roma_print(out, ROMA_CHIP_HINT, "; did you mean %s?", roma_chip_name_of((unsigned)i, name));
        return out;
    }
    const roma_chip_parameter *p;
    out[0] = 0;
    for (unsigned k = 0; (p = roma_chip_parameter_at(k)) != NULL; k++)
        if (roma_chip_is(section, p->section)) add(out, out[0] ? ", " : "; its keys are ", span(p->key));
    if (!out[0]) roma_print(out, ROMA_CHIP_HINT, "; `roma chip --all` lists them");
    return out;
}
