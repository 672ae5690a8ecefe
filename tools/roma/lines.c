/* Lines of a terminal or a pipe, and the history of the first; contract in lines.h. */
#include "lines.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HISTORY_BYTES_MAX = 8 << 20 };
#define HISTORY_HEAD "_HiStOrY_V2_\n" /* libedit's, whose files these have been and remain */

static bool is_terminal;
static int history_file = -1;

/* ---- the history ---- */

/* The file's name, its folder made; false: there is no home. */
static bool history_path(char *out, size_t cap) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/')
        roma_print(out, cap, "%s/roma", state);
    else if (home && home[0] == '/')
        roma_print(out, cap, "%s/.local/state/roma", home);
    else
        return false;
    for (char *p = out + 1; *p; p++) /* mkdir -p */
        if (*p == '/') {
            *p = 0;
            mkdir(out, 0700);
            *p = '/';
        }
    mkdir(out, 0700);
    strncat(out, "/history", cap - strlen(out) - 1);
    return true;
}

/* A line of the file: all that is no plain character is a backslash and three octal digits. */
static void encode(roma_buf *b, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c > 0x20 && c < 0x7f && c != '\\')
            roma_buf_append(b, &text[i], 1);
        else
            roma_buf_print(b, "\\%03o", c);
    }
    roma_buf_append(b, "\n", 1);
}

static bool is_octal(const char *s) {
    return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7';
}

/* In place. */
static void decode(char *line) {
    char *to = line;
    for (const char *s = line; *s; s++) {
        if (s[0] != '\\') {
            *to++ = *s;
        } else if (is_octal(s + 1)) {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 3;
        } else {
            *to++ = '\\';
            s += s[1] == '\\';
        }
    }
    *to = 0;
}

static void write_history(const void *data, size_t n) {
    if (history_file >= 0 && write(history_file, data, n) != (ssize_t)n) { /* a full disk: chat is whole without */
        close(history_file);
        history_file = -1;
    }
}

/* Tells the arrows what the file holds. Of too many lines the last remain, in the file too. */
static void recall(char *text, size_t size) {
    size_t lines = 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    const bool is_long = lines > 2 * TYPED_RECALL_MAX;
    if (is_long && ftruncate(history_file, 0) == 0) write_history(HISTORY_HEAD, strlen(HISTORY_HEAD));
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        if (lines-- > TYPED_RECALL_MAX || strcmp(line, "_HiStOrY_V2_") == 0) continue;
        if (is_long) {
            *end = '\n';
            write_history(line, (size_t)(end - line) + 1);
            *end = 0;
        }
        decode(line);
        if (*line) typed_recall(line);
    }
}

static void leave_history(const char *path, const char *why) {
    char shown[128];
    if (history_file >= 0) close(history_file);
    history_file = -1;
    fprintf(stderr, "roma chat: %s: %s; this conversation's lines are not kept\n",
            roma_error_name(shown, sizeof shown, path, strlen(path)), why);
}

static void open_history(void) {
    char path[1024] = "";
    struct stat st;
    if (!history_path(path, sizeof path)) return;
    history_file = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
    if (history_file < 0 && errno == ELOOP) {
        leave_history(path, "a link in place of the history");
    } else if (history_file >= 0 && (fstat(history_file, &st) || !S_ISREG(st.st_mode))) {
        leave_history(path, "no regular file in place of the history");
    } else if (history_file >= 0 && st.st_size > HISTORY_BYTES_MAX) {
        leave_history(path, "the history is larger than 8 MiB, remove it");
    } else if (history_file >= 0 && !st.st_size) {
        write_history(HISTORY_HEAD, strlen(HISTORY_HEAD));
    } else if (history_file >= 0) {
        char *text = calloc(1, (size_t)st.st_size + 1);
        const ssize_t n = text ? pread(history_file, text, (size_t)st.st_size, 0) : -1;
        if (n > 0) recall(text, (size_t)n);
        free(text);
    }
}

/* Written at once, so that a conversation that is killed leaves its lines. */
static void remember(const char *text, size_t len) {
    roma_buf b = {0};
    typed_recall(text);
    encode(&b, text, len);
    if (!b.failed) write_history(b.data, b.len);
    roma_buf_destroy(&b);
}

/* ---- lines ---- */

/* Libedit reads characters of the locale and drops bytes that are none: all but ASCII in the locale "C", in which a
 * program starts and many servers stay. What chat reads is UTF-8 whatever the environment says, so the locale is too:
 * of characters alone, since numbers keep their point. */
static void edit_utf8(void) {
    if (!setlocale(LC_CTYPE, "C.UTF-8")) setlocale(LC_CTYPE, ""); /* only Debian and later C libraries have the first */
}

bool lines_begin(const typed_command *commands, size_t n) {
    edit_utf8();
    is_terminal = isatty(STDIN_FILENO);
    if (!is_terminal) return false;
    typed_begin(commands, n);
    open_history();
    return true;
}

/* A pipe's line, whose end may be that of other systems. */
static char *piped_line(size_t *len) {
    char *line = NULL;
    size_t cap = 0;
    const ssize_t n = getline(&line, &cap, stdin);
    if (n < 0) {
        free(line);
        return NULL;
    }
    *len = (size_t)n;
    if (*len && line[*len - 1] == '\n') line[--*len] = 0;
    if (*len && line[*len - 1] == '\r') line[--*len] = 0;
    return line;
}

char *lines_next(size_t *len, bool *again) {
    *again = false;
    *len = 0;
    interrupted = 0;
    char *line = is_terminal ? typed_line("> ", len) : piped_line(len);
    if (!line && interrupted && is_terminal) {
        *again = true;
        clearerr(stdin);
        putchar('\n');
    }
    if (line && *len && is_terminal) remember(line, *len);
    interrupted = 0;
    return line;
}

void lines_end(void) {
    if (is_terminal) typed_end();
    if (history_file >= 0) close(history_file);
    history_file = -1;
}
