/* In place of libedit's header when built with EDIT=no: a line as the terminal gives it, at most 4,095 bytes on Linux,
 * no history. */
#ifndef TOOLS_NOEDIT_READLINE_H
#define TOOLS_NOEDIT_READLINE_H

#include <stdio.h>
#include <stdlib.h>
#include <termios.h>

static int rl_inhibit_completion;

#ifdef IUTF8
/* The terminal's own backspace removes a byte, unless told that characters may have several. */
static inline void whole_characters(int fd) {
    struct termios t;
    if (tcgetattr(fd, &t) || t.c_iflag & IUTF8) return;
    t.c_iflag |= IUTF8;
    tcsetattr(fd, TCSADRAIN, &t);
}
#else
static inline void whole_characters(int fd) { (void)fd; }
#endif

static inline char *readline(const char *prompt) {
    char *line = NULL;
    size_t cap = 0;
    whole_characters(fileno(stdin));
    fputs(prompt, stdout);
    fflush(stdout);
    const ssize_t n = getline(&line, &cap, stdin);
    if (n < 0) {
        free(line);
        return NULL;
    }
    if (n && line[n - 1] == '\n') line[n - 1] = 0;
    return line;
}
static inline void using_history(void) {}
static inline void stifle_history(int lines) { (void)lines; }
static inline void add_history(const char *line) { (void)line; }
static inline void read_history(const char *file) { (void)file; }
static inline void write_history(const char *file) { (void)file; }

#endif
