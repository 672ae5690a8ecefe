/* Patterns through the automaton, for check_patterns.py: each line has a mode (f: the whole name, e: its end too), a
 * pattern and names, tabs between; out comes a line of 0 and 1, a name each, or "!" and why the pattern is refused. */
#include <stdio.h>
#include <string.h>

#include "import/pattern.h"

int main(void) {
    static char line[1 << 16];
    static import_pattern p;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *text = strchr(line, '\t') + 1, *name = strchr(text, '\t');
        const char *why = roma_import_pattern_read(&p, text, (size_t)(name - text), *line == 'e');
        if (why) {
            printf("!%s\n", why);
            continue;
        }
        while (name) {
            char *next = strchr(name + 1, '\t');
            if (next) *next = 0;
            putchar('0' + roma_import_pattern_matches(&p, name + 1));
            name = next;
        }
        putchar('\n');
    }
    return 0;
}
