/* The name that a slip of the fingers may have meant; contract in options.h. */
#include "options.h"

#include <string.h>

/* Edits that turn a into b, swaps of neighbours counted as one; words of up to 31 letters. */
static size_t distance(const char *a, const char *b) {
    enum { MAX = 32 };
    size_t d[MAX][MAX], n = strlen(a), m = strlen(b);
    if (n >= MAX || m >= MAX) return MAX;
    for (size_t i = 0; i <= n; i++)
        for (size_t j = 0; j <= m; j++) {
            if (!i || !j) {
                d[i][j] = i + j;
                continue;
            }
            size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *nearest_name(const char *given, const char *const *names, size_t n) {
    const char *found = NULL;
    const size_t len = strlen(given);
    size_t best = len < 4 ? 2 : 3; /* one edit in a short word, two in a longer one */
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(given, names[i]);
        if (len >= 3 && strncmp(given, names[i], len) == 0) d = 1;
        if (d < best) {
            best = d;
            found = names[i];
        }
    }
    return found;
}
