/* What a user says of rounding, in words. */
#include "quant/internal.h"

static int bad_word(roma_error *err, const char *what, const char *word) {
    char shown[64];
    return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "%s, not '%s'", what,
                     roma_error_name(shown, sizeof shown, word, strlen(word)));
}

/* Number of a word among n, all of which are given; n: it is none of these. */
static unsigned among(const char *word, const char *const *known, unsigned n) {
    unsigned i = 0;
    while (i < n && strcmp(word, known[i]) != 0) i++;
    return i;
}

static int read_method(roma_quant *q, const roma_quant_words *w, roma_error *err) {
    static const char *const known[] = {"rtn", "nf4"};
    static const roma_quant_form usual[] = {{ROMA_QUANT_RTN, 4, 32}, {ROMA_QUANT_NF4, 4, 64}};
    const unsigned i = among(w->method, known, 2);
    if (i == 2) return bad_word(err, "--method is rtn or nf4", w->method);
    if (!w->quant) q->ends = roma_quant_everywhere(8).ends;
    q->layers = usual[i];
    if (w->bits) q->layers.bits = w->bits;
    if (w->group) q->layers.group = w->group;
    return ROMA_OK;
}

int roma_quant_read(roma_quant *q, const roma_quant_words *w, roma_error *err) {
    static const char *const quants[] = {"q4", "q8"}, *const tables[] = {"fine", "int8"};
    const unsigned quant = w->quant ? among(w->quant, quants, 2) : 0, table = w->table ? among(w->table, tables, 2) : 0;
    if (quant == 2) return bad_word(err, "--quant is q8 or q4", w->quant);
    if (table == 2) return bad_word(err, "--nf4-table is int8 or fine", w->table);
    if (!w->method && (w->bits || w->group))
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE,
                         "--bits and --group belong to --shape, or to --method rtn or nf4");
    *q = w->quant ? roma_quant_everywhere(quant ? 8 : 4) : (roma_quant){.layers = {.bits = 0}};
    q->levels = table ? 127 : ROMA_FINE_MAX;
    return w->method ? read_method(q, w, err) : ROMA_OK;
}
