/* A client that holds an HTTP server under load: so many streams at once, each with the next request of a plan as soon
 * as its last one is over, on a connection of its own. Answers are streams of OpenAI's form, read by bench/talk.h; what
 * came and when is written as each ends, so that the client takes little of the processors that it shares with the
 * server.
 *
 * usage: build/bench/http-load PORT STREAMS PLAN OUT [SECONDS]
 *
 * PLAN has a request a line: a path, a blank, a body of JSON. With SECONDS the plan is begun again until they are over,
 * and what runs then comes to its end. OUT gets a line of JSON for each request, in the order of their ends: its line
 * of the plan, status, times in seconds since the start (first: of the first text, 0: there was none), events with
 * text, completion_tokens and cached_tokens as the server counts them (0 where it does not), text, ids, whole: the last
 * event was [DONE]; error, where one came. One line on standard output: requests, seconds, the client's own CPU
 * seconds. */
#include "talk.h"

#include <stdio.h>
#include <sys/resource.h>

enum { STREAMS_MOST = 1024, ERROR_MOST = 2000 };

typedef struct {
    char *path, *body; /* owned: one piece of memory */
} request;

typedef struct {
    request *plan;
    size_t n_plan, next, over;
    double began, until; /* until 0: the plan once */
    uint16_t port;
    FILE *out;
    talk streams[STREAMS_MOST];
    size_t number[STREAMS_MOST]; /* of the plan */
} client;

static void die(const char *what) {
    fprintf(stderr, "http-load: %s: %s\n", what, errno ? strerror(errno) : "malformed");
    exit(1);
}

static void read_plan(client *c, const char *path) {
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    if (!f) die(path);
    for (ssize_t n; (n = getline(&line, &room, f)) > 0; line = NULL) {
        char *blank = strchr(line, ' ');
        if (line[n - 1] == '\n') line[n - 1] = 0;
        errno = 0;
        if (!blank) die("a line of the plan is no path and body");
        *blank = 0;
        c->plan = realloc(c->plan, (c->n_plan + 1) * sizeof *c->plan);
        if (!c->plan) die("memory");
        c->plan[c->n_plan++] = (request){line, blank + 1};
    }
    free(line);
    fclose(f);
    errno = 0;
    if (!c->n_plan) die("no request in the plan");
}

static bool begin(client *c, size_t i) {
    if (c->until > 0 ? roma_now() >= c->until : c->next == c->n_plan) return false;
    const request *r = &c->plan[c->number[i] = c->next++ % c->n_plan];
    talk_end(&c->streams[i]);
    if (!talk_begin(&c->streams[i], c->port, "POST", r->path, r->body, strlen(r->body))) die("connect");
    return true;
}

/* A line of OUT. */
static void write_end(client *c, size_t i) {
    const talk *t = &c->streams[i];
    const roma_buf *error = t->events ? &t->trouble : &t->body;
    roma_buf line = {0};
    roma_json j = {.out = &line};
    roma_json_open(&j, NULL, '{');
    roma_json_uint(&j, "request", c->number[i]);
    roma_json_int(&j, "status", t->status);
    roma_json_real(&j, "begin", t->began - c->began);
    roma_json_real(&j, "first", t->texts ? t->first_text - c->began : 0);
    roma_json_real(&j, "end", t->ended - c->began);
    roma_json_uint(&j, "events", t->texts);
    roma_json_uint(&j, "completion_tokens", t->completed);
    roma_json_uint(&j, "cached_tokens", t->cached);
    roma_json_bool(&j, "whole", t->done);
    roma_json_text(&j, "text", (const char *)t->text.data, t->text.len);
    roma_buf_print(&line, ",\"ids\":[%.*s]", (int)t->ids.len, t->ids.len ? (const char *)t->ids.data : "");
    if (t->failed || t->status != 200)
        roma_json_text(&j, "error", (const char *)error->data, error->len < ERROR_MOST ? error->len : ERROR_MOST);
    roma_json_close(&j, '}');
    roma_buf_append(&line, "\n", 1);
    if (line.failed || fwrite(line.data, 1, line.len, c->out) != line.len) die("writing");
    roma_buf_destroy(&line);
    c->over++;
}

static void load(client *c, size_t n) {
    size_t open = 0;
    for (size_t i = 0; i < n; i++) open += begin(c, i);
    while (open) {
        talk_all(c->streams, n, -1);
        for (size_t i = 0; i < n; i++) {
            if (c->streams[i].state != TALK_OVER && c->streams[i].state != TALK_BROKEN) continue;
            write_end(c, i);
            talk_end(&c->streams[i]);
            open -= !begin(c, i);
        }
    }
}

int main(int argc, char **argv) {
    static client c;
    if (argc < 5 || argc > 6) die("usage: http-load PORT STREAMS PLAN OUT [SECONDS]");
    const unsigned long n = strtoul(argv[2], NULL, 10);
    c.port = (uint16_t)strtoul(argv[1], NULL, 10);
    if (!c.port || !n || n > STREAMS_MOST) die("PORT or STREAMS");
    for (size_t i = 0; i < n; i++) c.streams[i].fd = -1;
    read_plan(&c, argv[3]);
    c.out = fopen(argv[4], "w");
    if (!c.out) die(argv[4]);
    c.began = roma_now();
    if (argc == 6) c.until = c.began + strtod(argv[5], NULL);
    load(&c, n);
    const double seconds = roma_now() - c.began;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    if (fclose(c.out)) die(argv[4]);
    printf("{\"requests\":%zu,\"seconds\":%.6f,\"cpu_s\":%.6f}\n", c.over, seconds,
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
    return 0;
}
