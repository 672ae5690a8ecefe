/* One program, `roma <verb>`: dispatch, version, help, and how a failure is told. */
#include "tool.h"
#include "roma/kern.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef ROMA_VERSION
#define ROMA_VERSION "unknown"
#define ROMA_COMMIT "unknown"
#endif

static const struct {
    const char *name;
    int (*run)(int, char **);
    const char *summary;
} verbs[] = {
    {"build", verb_build, "make a ROM image from a GGUF model"},
    {"run", verb_run, "answer a prompt, or many as a batch"},
    {"chat", verb_chat, "hold a conversation"},
    {"serve", verb_serve, "answer over HTTP, as OpenAI's and ollama's servers do"},
    {"adapter", verb_adapter, "make a LoRA adapter for an image, or show one"},
    {"inspect", verb_inspect, "show what is in an image, an adapter or a GGUF file"},
    {"verify", verb_verify, "check every checksum, hash and range of a file"},
    {"plan", verb_plan, "print the chip's program for an image"},
    {"tokenize", verb_tokenize, "turn text into token ids"},
    {"eval", verb_eval, "measure perplexity, and divergence from another image"},
    {"bench", verb_bench, "measure speed"},
    {"fit", verb_fit, "say how many tokens and adapters a chip holds"},
    {"chip", verb_chip, "describe a chip on one page"},
    {"paper", verb_paper, "hold the model against the paper's numbers"},
    {"sim", verb_sim, "say what a chip would do with a model"},
    {"serve-sim", verb_serve_sim, "say what requests see of a chip under load"},
    {"price", verb_price, "say what a chip costs, and a million tokens on it"},
    {"compare", verb_compare, "hold two chips against each other, over what is uncertain"},
    {"explore", verb_explore, "search chips for a model, and show the best"},
    {"rtl", verb_rtl, "write ROM contents as Verilog, and hold them against an image"},
    {"cosim", verb_cosim, "simulate a chip in gates beside engine and chip model"},
};
enum { N_VERBS = sizeof verbs / sizeof *verbs };

static const char not_written[] = "the output could not be written";

/* Told once, whoever comes to know it first. */
int finish(const char *verb, int rc) {
    static bool told;
    if (fflush(stdout) == 0 && !ferror(stdout)) return rc;
    if (!told) fprintf(stderr, "roma %s: %s\n", verb, not_written);
    told = true;
    return 3;
}

int check_stdout(roma_error *err) {
    return ferror(stdout) ? roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, not_written) : ROMA_OK;
}

int fail(const char *verb, const roma_error *err) {
    char line[1024];
    progress_end();
    fflush(stdout);
    if (strcmp(err->text, not_written) == 0) return finish(verb, roma_error_exit(err->code));
    fprintf(stderr, "roma %s: %s\n", verb, roma_error_format(err, line, sizeof line));
    return roma_error_exit(err->code);
}

void warn(const char *verb, const char *file, const char *notes) {
    for (const char *p = notes; *p; p += strcspn(p, "\n") + 1)
        fprintf(stderr, "roma %s: warning: %s: %.*s\n", verb, file, (int)strcspn(p, "\n"), p);
}

void lines_json(roma_json *j, const char *key, const char *text, size_t len) {
    roma_json_open(j, key, '[');
    for (const char *p = text, *end = text + len, *line; p < end; p = line + 1) {
        line = memchr(p, '\n', (size_t)(end - p));
        if (!line) line = end;
        roma_json_text(j, NULL, p, (size_t)(line - p));
    }
    roma_json_close(j, ']');
}

void warn_json(roma_json *j, const char *notes) {
    lines_json(j, "warnings", notes ? notes : "", notes ? strlen(notes) : 0);
}

int print_buf(const char *verb, roma_buf *b, int rc) {
    if (b->failed) {
        roma_error e;
        roma_fail(&e, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the output");
        rc = fail(verb, &e);
    } else {
        fwrite(b->data, 1, b->len, stdout);
    }
    roma_buf_destroy(b);
    return finish(verb, rc);
}

int print_page(const char *verb, roma_buf *b, int rc) {
    const size_t width = columns_of(stdout);
    roma_buf page = {0};
    if (!width || b->failed || !b->len || b->data[0] == '{') return print_buf(verb, b, rc);
    wrap_into(&page, (const char *)b->data, b->len, width);
    roma_buf_destroy(b);
    return print_buf(verb, &page, rc);
}

double resident_bytes(void) {
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (double)u.ru_maxrss * 1024;
}

double huge_share(const roma_map *m) {
    char line[256];
    FILE *f = fopen("/proc/self/smaps", "r");
    bool inside = false;
    unsigned long long from, to, kib, huge = 0;
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2) inside = from <= (uintptr_t)m->data && (uintptr_t)m->data < to;
        if (inside && sscanf(line, "FilePmdMapped: %llu", &kib) == 1) huge = kib;
    }
    if (f) fclose(f);
    return m->size ? (double)huge * 1024 / (double)m->size : 0;
}

static int help(void) {
    roma_buf page = {0};
    roma_buf_print(&page, "usage: roma VERB ...\n\nLanguage models in the arithmetic of the ROMA chip, run from a ROM "
                          "image.\n\nverbs:\n");
    for (size_t i = 0; i < N_VERBS; i++) roma_buf_print(&page, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    roma_buf_print(&page,
                   "\n`roma VERB --help` has the options and an example; `roma --version` the version.\n\nexample:\n"
                   "  roma build model.gguf\n  roma run model.roma -p \"Give me three tips for sleeping well.\"\n");
    return print_page("help", &page, 0);
}

static int version(void) {
    printf("roma %s, commit %s, instruction sets: %s\n", ROMA_VERSION, ROMA_COMMIT, roma_kern_list());
    return finish("version", 0);
}

static int unknown(const char *verb) {
    const char *names[N_VERBS];
    char shown[64];
    for (size_t i = 0; i < N_VERBS; i++) names[i] = verbs[i].name;
    const char *near = roma_nearest(verb, names, N_VERBS);
    roma_error_name(shown, sizeof shown, verb, strlen(verb));
    return near ? usage_error("", "there is no verb '%s', did you mean '%s'?", shown, near)
                : usage_error("", "there is no verb '%s'", shown);
}

/* A standard stream that is closed would give its number to the next file that is opened, and what is printed would go
 * there. In its place comes one on which every read and every write fails. */
static void fill_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) (void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* The list of the run's files, on which the standard streams come first. */
static int note_streams(roma_error *err) {
    static roma_files files;
    struct stat st;
    roma_files_use(&files);
    int rc = ROMA_OK;
    if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode))
        rc = roma_files_reads("standard input", STDIN_FILENO, err);
    if (!rc) rc = roma_files_stream("standard output", STDOUT_FILENO, err);
    return rc ? rc : roma_files_stream("standard error", STDERR_FILENO, err);
}

int main(int argc, char **argv) {
    roma_error err;
    fill_streams();
    if (argc < 2) return usage_error("", "a verb is missing");
    const char *verb = argv[1];
    signals_begin(verb);
    if (note_streams(&err)) return fail(verb, &err);
    if (strcmp(verb, "--version") == 0) return version();
    if (strcmp(verb, "--words") == 0) return verb_words(argc - 1, argv + 1);
    if (strcmp(verb, "-h") == 0 || strcmp(verb, "--help") == 0 || strcmp(verb, "help") == 0) {
        if (argc < 3) return help();
        static char help_option[] = "--help";
        verb = argv[2];
        argv[2] = help_option;
        argc = 3;
    }
    for (size_t i = 0; i < N_VERBS; i++)
        if (strcmp(verb, verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    return verb[0] == '-' ? usage_error("", "the verb comes first, not an option") : unknown(verb);
}
