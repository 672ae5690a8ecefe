/* The name that a slip of the fingers may have meant. */
#include "roma/base.h"

#include <string.h>

enum { WORD = 32 };

/* Edits that turn a into b, a swap of neighbours counted as one; both shorter than WORD. */
static unsigned distance(const char *a, size_t n, const char *b, size_t m) {
    unsigned d[WORD][WORD];
    for (unsigned i = 0; i <= n; i++)
        for (unsigned j = 0; j <= m; j++) {
            if (!i || !j) {
                d[i][j] = i + j;
                continue;
            }
            unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

unsigned roma_slips(const char *given, size_t n, const char *name) {
    const size_t m = strlen(name);
    const unsigned most = n < 4 ? 1 : 2;
    if (n >= 3 && m > n && memcmp(given, name, n) == 0) return 1;
    if (n >= WORD || m >= WORD) return UINT32_MAX;
    const unsigned d = distance(given, n, name, m);
    return d <= most ? d : UINT32_MAX;
}

const char *roma_nearest(const char *given, const char *const *names, size_t n) {
    const char *found = NULL;
    unsigned best = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        const unsigned d = roma_slips(given, strlen(given), names[i]);
        if (d >= best) continue;
        best = d;
        found = names[i];
    }
    return found;
}
