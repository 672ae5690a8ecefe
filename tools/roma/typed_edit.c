/* Lines that are edited as they are typed, by libedit; contract in typed.h. */
#include "typed.h"

#include <dirent.h>
#include <histedit.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

enum { AT_ONCE_MS = 5, WORDS_MAX = 512 };
/* What a terminal puts around a pasted block once it is asked to, and a sequence that no key sends, for "end of line".
 */
#define PASTE_BEGINS "\033[200~"
#define PASTE_ENDS L"\033[201~"
#define LINE_ENDS "\033[200!"

static EditLine *editor;
static History *recalled;
static const char *shown_prompt;
static const typed_command *known;
static size_t n_known;
static bool is_ahead;      /* what comes was typed before the prompt: its lines are lines */
static bool paste_is_told; /* by the terminal */

static char *prompt_of(EditLine *e) {
    static char text[32];
    (void)e;
    snprintf(text, sizeof text, "%s", shown_prompt);
    return text;
}

static bool more_within(int ms) {
    struct pollfd p = {STDIN_FILENO, POLLIN, 0};
    return poll(&p, 1, ms) > 0 && p.revents & POLLIN;
}

/* ---- keys ---- */

/* Enter. A newline with more behind it at once is one of a pasted block, where the terminal does not say so itself. */
static unsigned char on_enter(EditLine *e, int key) {
    const LineInfo *l = el_line(e);
    const bool is_command = l->lastchar > l->buffer && l->buffer[0] == '/';
    (void)key;
    if (!is_ahead && !is_command && more_within(AT_ONCE_MS)) return el_insertstr(e, "\n") ? CC_ERROR : CC_REFRESH;
    el_push(e, LINE_ENDS);
    return CC_NORM;
}

/* A pasted block, up to the mark behind it: text, whatever its characters would do as keys. */
static unsigned char on_paste(EditLine *e, int key) {
    size_t n = 0, cap = 256, matched = 0;
    wchar_t c, *block = malloc(cap * sizeof *block);
    (void)key;
    while (block && matched < wcslen(PASTE_ENDS) && el_wgetc(e, &c) == 1) {
        if (n + 2 > cap) {
            wchar_t *longer = realloc(block, (cap *= 2) * sizeof *block);
            if (!longer) break;
            block = longer;
        }
        block[n++] = c == L'\r' ? L'\n' : c;
        matched = c == PASTE_ENDS[matched] ? matched + 1 : c == PASTE_ENDS[0];
    }
    if (!block) return CC_ERROR;
    n -= matched;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (block[i] >= 0x20 || block[i] == L'\n' || block[i] == L'\t') block[kept++] = block[i];
    block[kept] = 0;
    const bool is_in = !kept || el_winsertstr(e, block) == 0;
    free(block);
    return is_in ? CC_REFRESH : CC_ERROR;
}

/* ---- Tab ---- */

typedef struct {
    char *word[WORDS_MAX];
    size_t n;
} word_list;

/* A word, if it begins so; before it, when it is a file, the n_before bytes of its folder. */
static void offer(word_list *l, const char *word, const char *begins, size_t len, const char *before, size_t n_before) {
    const bool is_file = before != NULL;
    struct stat st;
    char *whole = NULL;
    if (strncmp(word, begins, len) != 0 || l->n == WORDS_MAX) return;
    if (asprintf(&whole, "%.*s%s", (int)n_before, is_file ? before : "", word) < 0) return;
    l->word[l->n] = whole;
    if (is_file && stat(whole, &st) == 0 && S_ISDIR(st.st_mode)) {
        if (asprintf(&l->word[l->n], "%s/", whole) < 0) return;
        free(whole);
    }
    l->n++;
}

/* Files that begin as the word does; hidden ones only when its name begins with a point. */
static void offer_files(word_list *l, const char *word, size_t len) {
    size_t n_folder = len;
    char folder[4096];
    while (n_folder && word[n_folder - 1] != '/') n_folder--;
    if (n_folder >= sizeof folder) return;
    snprintf(folder, sizeof folder, "%.*s", (int)n_folder, word);
    DIR *d = opendir(n_folder ? folder : ".");
    for (struct dirent *x; d && (x = readdir(d)) != NULL;) {
        const bool is_hidden = x->d_name[0] == '.';
        if (is_hidden && (len == n_folder || word[n_folder] != '.')) continue;
        if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0) continue;
        offer(l, x->d_name, word + n_folder, len - n_folder, word, n_folder);
    }
    if (d) closedir(d);
}

static void offer_all(word_list *l, const char *line, const char *word, size_t len) {
    const size_t n_first = strcspn(line, " ");
    if (word == line) {
        for (size_t i = 0; i < n_known; i++) offer(l, known[i].name, word, len, NULL, 0);
        return;
    }
    for (size_t i = 0; i < n_known; i++) {
        const typed_command *c = &known[i];
        if (strlen(c->name) != n_first || memcmp(line, c->name, n_first) != 0) continue;
        for (const char *const *v = c->values; v && *v; v++) offer(l, *v, word, len, NULL, 0);
        if (c->takes_files) offer_files(l, word, len);
    }
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static size_t common_length(const word_list *l) {
    size_t n = strlen(l->word[0]);
    for (size_t i = 1; i < l->n; i++)
        for (size_t k = 0; k < n; k++)
            if (l->word[i][k] != l->word[0][k]) n = k;
    return n;
}

static void print_words(const word_list *l) {
    putchar('\n');
    for (size_t i = 0; i < l->n; i++) printf("%s%s", l->word[i], i + 1 < l->n ? "  " : "\n");
    fflush(stdout);
}

/* Puts in what all words that fit begin with; where that is nothing more, prints the words. */
static unsigned char complete(EditLine *e, word_list *l, size_t len) {
    if (!l->n) return CC_ERROR;
    const size_t common = common_length(l);
    char text[4360];
    if (common <= len && l->n > 1) {
        qsort(l->word, l->n, sizeof *l->word, by_name);
        print_words(l);
        return CC_REDISPLAY;
    }
    const bool is_whole = l->n == 1 && l->word[0][common - 1] != '/';
    snprintf(text, sizeof text, "%.*s%s", (int)(common - len), l->word[0] + len, is_whole ? " " : "");
    return el_insertstr(e, text) ? CC_ERROR : CC_REFRESH;
}

/* Behind a command Tab completes; in a text a tab is a character. */
static unsigned char on_tab(EditLine *e, int key) {
    const LineInfo *l = el_line(e);
    const size_t len = (size_t)(l->cursor - l->buffer);
    word_list words = {.n = 0};
    (void)key;
    if (!len || l->buffer[0] != '/') return el_insertstr(e, "\t") ? CC_ERROR : CC_REFRESH;
    char *line = strndup(l->buffer, len);
    if (!line) return CC_ERROR;
    const char *blank = strrchr(line, ' '), *word = blank ? blank + 1 : line;
    offer_all(&words, line, word, strlen(word));
    const unsigned char reply = complete(e, &words, strlen(word)); /* what the editor does next */
    while (words.n) free(words.word[--words.n]);
    free(line);
    return reply;
}

/* ---- lines ---- */

/* Keys beyond those of the terminal's description, as most terminals send them. */
static void bind_keys(EditLine *e) {
    static const char *const keys[][2] = {{"\033[1~", "ed-move-to-beg"},
                                          {"\033[H", "ed-move-to-beg"},
                                          {"\033[7~", "ed-move-to-beg"},
                                          {"\033[4~", "ed-move-to-end"},
                                          {"\033[F", "ed-move-to-end"},
                                          {"\033[8~", "ed-move-to-end"},
                                          {"\033[3~", "ed-delete-next-char"},
                                          {"\033[1;5C", "em-next-word"},
                                          {"\033[1;5D", "ed-prev-word"},
                                          {"^R", "em-inc-search-prev"},
                                          {PASTE_BEGINS, "roma-paste"},
                                          {LINE_ENDS, "ed-newline"},
                                          {"^M", "roma-enter"},
                                          {"^J", "roma-enter"},
                                          {"^I", "roma-tab"}};
    el_set(e, EL_ADDFN, "roma-paste", "takes a pasted block", on_paste);
    el_set(e, EL_ADDFN, "roma-enter", "ends the line", on_enter);
    el_set(e, EL_ADDFN, "roma-tab", "completes a command", on_tab);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) el_set(e, EL_BIND, keys[i][0], keys[i][1], NULL);
}

void typed_begin(const typed_command *commands, size_t n) {
    const char *term = getenv("TERM");
    HistEvent ev;
    known = commands;
    n_known = n;
    paste_is_told = term && *term && strcmp(term, "dumb") != 0;
    editor = el_init("roma", stdin, stdout, stderr);
    recalled = history_init();
    if (recalled) history(recalled, &ev, H_SETSIZE, TYPED_RECALL_MAX);
    if (!editor) return;
    el_set(editor, EL_SIGNAL, 1);
    el_set(editor, EL_PROMPT, prompt_of);
    el_set(editor, EL_EDITOR, "emacs");
    if (recalled) el_set(editor, EL_HIST, history, recalled);
    el_source(editor, NULL); /* what the user binds in .editrc */
    bind_keys(editor);
}

void typed_recall(const char *text) {
    HistEvent ev;
    if (recalled) history(recalled, &ev, H_ENTER, text);
}

static void tell_paste(const char *how) {
    if (!paste_is_told) return;
    fputs(how, stdout);
    fflush(stdout);
}

char *typed_line(const char *prompt, size_t *len) {
    int n = 0;
    *len = 0;
    if (!editor) return NULL;
    shown_prompt = prompt;
    is_ahead = more_within(0);
    tell_paste("\033[?2004h");
    const char *line = el_gets(editor, &n);
    tell_paste("\033[?2004l");
    if (!line || n <= 0) return NULL;
    *len = (size_t)n;
    while (*len && line[*len - 1] == '\n') --*len;
    return strndup(line, *len);
}

void typed_end(void) {
    if (editor) el_end(editor);
    if (recalled) history_end(recalled);
    editor = NULL;
    recalled = NULL;
}
