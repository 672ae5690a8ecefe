/* Lines as the terminal gives them, at most 4,095 bytes each on Linux; contract in typed.h. */
#include "typed.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { AT_ONCE_MS = 5 };

/* The terminal's own backspace removes a byte, unless told that characters may have several. */
static void whole_characters(void) {
#ifdef IUTF8
    struct termios t;
    if (tcgetattr(STDIN_FILENO, &t) || t.c_iflag & IUTF8) return;
    t.c_iflag |= IUTF8;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
#endif
}

void typed_begin(const typed_command *commands, size_t n) { (void)commands, (void)n; }
void typed_recall(const char *text) { (void)text; }
void typed_end(void) {}

static bool more_within(int ms) {
    struct pollfd p = {STDIN_FILENO, POLLIN, 0};
    return poll(&p, 1, ms) > 0 && p.revents & POLLIN;
}

/* Appends a line, newline and all; false at the end of input. */
static bool append(char **text, size_t *len) {
    char *line = NULL;
    size_t cap = 0;
    const ssize_t n = getline(&line, &cap, stdin);
    char *longer = n < 0 ? NULL : realloc(*text, *len + (size_t)n + 1);
    if (longer) {
        memcpy(longer + *len, line, (size_t)n);
        *len += (size_t)n;
        longer[*len] = 0;
        *text = longer;
    }
    free(line);
    return longer != NULL;
}

char *typed_line(const char *prompt, size_t *len) {
    char *text = NULL;
    const bool is_ahead = more_within(0);
    *len = 0;
    whole_characters();
    fputs(prompt, stdout);
    fflush(stdout);
    if (!append(&text, len)) return NULL;
    while (!is_ahead && text[0] != '/' && more_within(AT_ONCE_MS) && append(&text, len)) {
    }
    while (*len && text[*len - 1] == '\n') text[--*len] = 0;
    return text;
}
