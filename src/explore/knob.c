/* One knob: a key and what it may be. */
#include "explore/internal.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    double min, max;
} model_keys[] = {{"model.bits", 1, 8}, {"model.group", 16, 256}, {"model.head_bits", 1, 8}};
enum { N_MODEL_KEYS = sizeof model_keys / sizeof *model_keys };

const char *roma_explore_key_name(unsigned key, char out[ROMA_EXPLORE_NAME]) {
    if (key >= ROMA_CHIP_N) {
        roma_print(out, ROMA_EXPLORE_NAME, "%s", model_keys[key - ROMA_CHIP_N].name);
    } else {
        const roma_chip_parameter *p = roma_chip_parameter_at(key);
        roma_print(out, ROMA_EXPLORE_NAME, "%s.%s", p->section, p->key);
    }
    return out;
}

static bool is_choice(unsigned key) { return key < ROMA_CHIP_N && strchr(roma_chip_parameter_at(key)->unit, '|'); }
static bool is_power(unsigned key) {
    return key < ROMA_CHIP_N && strcmp(roma_chip_parameter_at(key)->unit, "2^n") == 0;
}
static bool is_whole(unsigned key) {
    return key >= ROMA_CHIP_N || is_choice(key) || is_power(key) || strcmp(roma_chip_parameter_at(key)->unit, "1") == 0;
}

const char *roma_explore_choice(unsigned key, double v, char out[ROMA_EXPLORE_CHOICE]) {
    if (!is_choice(key)) return NULL;
    const char *name = roma_chip_parameter_at(key)->unit;
    for (int k = (int)v; k > 0 && name; k--) {
        name = strchr(name, '|');
        if (name) name++;
    }
    roma_print(out, ROMA_EXPLORE_CHOICE, "%.*s", name ? (int)strcspn(name, "|") : 0, name ? name : "");
    return out;
}

/* ---- parsing ---- */

static int unknown_model_key(const char *name, roma_error *err) {
    const char *names[N_MODEL_KEYS];
    char shown[64];
    for (size_t i = 0; i < N_MODEL_KEYS; i++) names[i] = model_keys[i].name;
    const char *near = roma_nearest(name, names, N_MODEL_KEYS);
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "no parameter '%s'; %s%s%s",
                     roma_error_name(shown, sizeof shown, name, strlen(name)),
                     near ? "did you mean " : "there are model.bits, model.group and model.head_bits", near ? near : "",
                     near ? "?" : "");
}

static int parse_key(unsigned *key, const char *name, bool has_model_keys, roma_error *err) {
    const int i = roma_chip_find(name);
    *key = (unsigned)i;
    if (i >= 0) return ROMA_OK;
    if (strncmp(name, "model.", 6) != 0) {
        static roma_chip scratch; /* only its error is wanted, which has the hint */
        char item[ROMA_EXPLORE_NAME + 4];
        roma_print(item, sizeof item, "%s=0", name);
        return roma_chip_set(&scratch, item, err);
    }
    for (*key = 0; *key < N_MODEL_KEYS && strcmp(name, model_keys[*key].name) != 0;) ++*key;
    if (*key == N_MODEL_KEYS) return unknown_model_key(name, err);
    *key += ROMA_CHIP_N;
    if (!has_model_keys)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "%s goes with the name of a shape; an image has its own format", name);
    return ROMA_OK;
}

static int parse_value(unsigned key, const char *text, size_t n, double *v, roma_error *err) {
    char buf[ROMA_EXPLORE_CHOICE], name[ROMA_EXPLORE_NAME], shown[64];
    if (n >= sizeof buf)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s: '%s' is no value", roma_explore_key_name(key, name),
                         roma_error_name(shown, sizeof shown, text, n));
    memcpy(buf, text, n);
    buf[n] = 0;
    if (key < ROMA_CHIP_N) return roma_chip_parse(key, buf, v, err);
    const double min = model_keys[key - ROMA_CHIP_N].min, max = model_keys[key - ROMA_CHIP_N].max;
    if (!roma_real_read(buf, n, v) || !(*v >= min && *v <= max) || floor(*v) != *v)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s takes a whole number from %g to %g, not '%s'",
                         roma_explore_key_name(key, name), min, max, roma_error_name(shown, sizeof shown, buf, n));
    return ROMA_OK;
}

/* An end of a range: that of a power of two may be any number of at least 1, and is moved inward. */
static int parse_end(unsigned key, const char *text, size_t n, double *v, roma_error *err) {
    if (is_power(key) && roma_real_read(text, n, v) && *v >= 1) return ROMA_OK;
    return parse_value(key, text, n, v, err);
}

static int parse_range(knob *k, const char *text, const char *dots, roma_error *err) {
    char name[ROMA_EXPLORE_NAME];
    roma_explore_key_name(k->key, name);
    if (is_choice(k->key))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "%s is a choice, which has no range: list the names, as %s=%s", name, name,
                         strcmp(name, "rom.style") == 0 ? "rom,brom" : "A,B");
    if (k->key >= ROMA_CHIP_N)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s has no range: list the values, as %s=%s", name, name,
                         k->key == KEY_GROUP ? "32,64,128" : "2,3,4");
    int rc = parse_end(k->key, text, (size_t)(dots - text), &k->low, err);
    if (!rc) rc = parse_end(k->key, dots + 2, strlen(dots + 2), &k->high, err);
    if (!rc && k->low <= k->high && is_power(k->key)) {
        roma_chip_clip(k->key, &k->low, &k->high);
        if (k->low > k->high)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s: no power of two that it may be is in the range",
                             name);
    }
    if (!rc && k->low > k->high)
        rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s: the range's low end %.10g is above its high end %.10g",
                       name, k->low, k->high);
    return rc;
}

static int parse_list(knob *k, const char *text, roma_error *err) {
    char name[ROMA_EXPLORE_NAME];
    for (const char *at = text;; at++) {
        const size_t n = strcspn(at, ",");
        if (k->n == LIST_MAX)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s: a list has at most %d values",
                             roma_explore_key_name(k->key, name), LIST_MAX);
        int rc = parse_value(k->key, at, n, &k->list[k->n++], err);
        if (rc) return rc;
        at += n;
        if (!*at) return ROMA_OK;
    }
}

int roma_explore_knob(knob *k, const char *item, bool has_model_keys, roma_error *err) {
    char name[ROMA_EXPLORE_NAME], shown[80];
    const char *eq = strchr(item, '=');
    const size_t n = eq ? (size_t)(eq - item) : 0;
    memset(k, 0, sizeof *k);
    if (!eq || n >= sizeof name)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "'%s' is no knob: write KEY=LO..HI, KEY=A,B,C or KEY=V",
                         roma_error_name(shown, sizeof shown, item, strlen(item)));
    memcpy(name, item, n);
    name[n] = 0;
    int rc = parse_key(&k->key, name, has_model_keys, err);
    if (rc) return rc;
    const char *dots = strstr(eq + 1, "..");
    return dots ? parse_range(k, eq + 1, dots, err) : parse_list(k, eq + 1, err);
}

/* ---- values ---- */

/* Three digits, so that a point can be written down by hand. */
static double rounded(double v, const knob *k) {
    char text[ROMA_EXPLORE_CHOICE];
    double r = v;
    roma_print(text, sizeof text, "%.3g", v);
    roma_real_read(text, strlen(text), &r);
    return r < k->low ? k->low : r > k->high ? k->high : r;
}

double roma_explore_knob_at(const knob *k, double u) {
    if (k->n) return k->list[(size_t)(u * (double)k->n)];
    const bool log_scale = k->low > 0 && k->high >= 8 * k->low;
    if (is_power(k->key)) return k->low * exp2(floor(u * (log2(k->high / k->low) + 1)));
    if (!is_whole(k->key))
        return rounded(log_scale ? k->low * pow(k->high / k->low, u) : k->low + u * (k->high - k->low), k);
    const double v = log_scale ? k->low * pow((k->high + 1) / k->low, u) : k->low + u * (k->high - k->low + 1);
    return fmin(floor(v), k->high);
}
