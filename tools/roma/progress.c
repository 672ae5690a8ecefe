/* Notes and the progress bar. Nothing here writes when stderr is no terminal. */
#include "tool.h"

#include <string.h>
#include <unistd.h>

static bool terminal(void) {
    static int is = -1;
    if (is < 0) is = isatty(STDERR_FILENO);
    return is;
}

void note(const char *fmt, ...) {
    va_list args;
    if (!terminal()) return;
    progress_end();
    va_start(args, fmt);
    vprint_to(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

static volatile sig_atomic_t drawn;
static double last_drawn, began;
static char last_what[32];

bool progress_drawn(void) { return drawn; }

void progress_end(void) {
    if (drawn) fputs("\r\033[K", stderr);
    drawn = false;
}

static void draw(const char *what, uint64_t done, uint64_t total) {
    enum { WIDTH = 32 };
    static const char bar[] = "################################", gap[] = "                                ";
    const double part = total ? (double)done / (double)total : 0, now = roma_now();
    const int full = (int)(part * WIDTH);
    double left = part > 0.02 ? (now - began) * (1 - part) / part : 0;
    fprintf(stderr, "\r%-12.12s [%.*s%.*s] %3d %%", what, full, bar, WIDTH - full, gap, (int)(100 * part));
    if (left >= 1) fprintf(stderr, ", %d:%02d left", (int)left / 60, (int)left % 60);
    fputs("\033[K", stderr);
    drawn = true;
    last_drawn = now;
}

static int tell(void *ctx, const char *what, uint64_t done, uint64_t total) {
    (void)ctx;
    if (terminal()) {
        if (strncmp(what, last_what, sizeof last_what - 1) != 0 || done == 0) {
            roma_print(last_what, sizeof last_what, "%s", what);
            began = roma_now();
        }
        if (done >= total)
            progress_end();
        else if (roma_now() - last_drawn > 0.1)
            draw(what, done, total);
    }
    return interrupted;
}

const roma_progress progress = {tell, NULL};
