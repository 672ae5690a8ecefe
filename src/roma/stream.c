/* Answers that are read: a buffer between the engine's thread, which never waits for the reader, and the reader. */
#include "face.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct roma_stream {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    roma_engine *e;
    pid_t pid; /* which opened it */
    uint64_t ticket;
    roma_query q; /* whose callbacks are called too */
    roma_buf text;
    size_t read; /* bytes of text that the reader has */
    bool is_over;
    roma_answered answered; /* its texts and ids are the stream's */
    char message[1024], stop[16];
    int32_t *ids;
};

/* ---- on the engine's thread ---- */

/* What was read makes room before the buffer grows. */
static int on_text(void *ctx, const char *text, size_t len) {
    roma_stream *s = ctx;
    pthread_mutex_lock(&s->lock);
    if (s->read == s->text.len) s->read = s->text.len = 0;
    roma_buf_append(&s->text, text, len);
    const bool failed = s->text.failed;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    const int refused = s->q.text ? s->q.text(s->q.ctx, text, len) : 0;
    return failed || refused;
}

static void on_token(void *ctx, int32_t token, const float *logits) {
    const roma_stream *s = ctx;
    s->q.token(s->q.ctx, token, logits);
}

static void on_over(void *ctx, const roma_answered *r) {
    roma_stream *s = ctx;
    if (s->q.over) s->q.over(s->q.ctx, r);
    pthread_mutex_lock(&s->lock);
    s->answered = *r;
    roma_print(s->message, sizeof s->message, "%s", r->message);
    roma_print(s->stop, sizeof s->stop, "%s", r->stop);
    s->ids = r->n_ids ? roma_alloc_array(r->n_ids, sizeof *s->ids) : NULL;
    if (s->ids) memcpy(s->ids, r->ids, r->n_ids * sizeof *s->ids);
    if ((r->n_ids && !s->ids) || s->text.failed) {
        s->answered.code = ROMA_FAILED_MEMORY;
        roma_print(s->message, sizeof s->message, "no memory for the answer's text");
        if (!s->ids) s->answered.n_ids = 0;
    }
    s->answered.message = s->message;
    s->answered.stop = s->answered.code ? "" : s->stop;
    s->answered.ids = s->ids;
    s->is_over = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* ---- the reader's ---- */

static void free_stream(roma_stream *s) {
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    roma_buf_destroy(&s->text);
    roma_free(s->ids);
    roma_free(s);
}

static int make_stream(roma_stream **out, roma_engine *e, roma_error *err) {
    pthread_condattr_t clock;
    roma_stream *s = roma_alloc_array(1, sizeof *s);
    if (!s) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the stream");
    s->e = e;
    s->pid = getpid();
    bool good = pthread_condattr_init(&clock) == 0;
    if (good) {
        good = !pthread_condattr_setclock(&clock, CLOCK_MONOTONIC) && !pthread_cond_init(&s->changed, &clock);
        pthread_condattr_destroy(&clock);
    }
    if (good && pthread_mutex_init(&s->lock, NULL)) {
        pthread_cond_destroy(&s->changed);
        good = false;
    }
    *out = good ? s : NULL;
    if (!good) roma_free(s);
    return good ? ROMA_OK : roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no lock can be had");
}

static int open_stream(roma_stream **out, roma_engine *e, const roma_query *r, roma_error *err) {
    roma_query own;
    int rc = roma_face_take(&own, sizeof own, r, err);
    if (!rc) rc = make_stream(out, e, err);
    if (rc) return rc;
    roma_stream *s = *out;
    s->q = own;
    own.size = sizeof own;
    own.ctx = s;
    own.text = roma_engine_speaks(e) ? on_text : NULL;
    own.token = own.token ? on_token : NULL;
    own.over = on_over;
    rc = roma_engine_submit(e, &own, &s->ticket);
    if (!rc) return ROMA_OK;
    free_stream(s);
    *out = NULL;
    return roma_fail(err, rc, "", ROMA_NOWHERE, "%s", roma_last_error());
}

int roma_stream_open(roma_stream **s, roma_engine *e, const roma_query *r) {
    roma_error err;
    *s = NULL;
    return roma_face_end(open_stream(s, e, r, &err), &err);
}

/* The caller holds the lock. */
static void wait_for_text(roma_stream *s, double seconds) {
    struct timespec until;
    const double most = 1e6; /* longer waits end early, which the caller cannot tell from no text */
    const double whole = !(seconds > 0) ? 0 : seconds < most ? seconds : most;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)whole;
    until.tv_nsec += (long)((whole - (double)(time_t)whole) * 1e9);
    if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
    while (s->read == s->text.len && !s->is_over && !pthread_cond_timedwait(&s->changed, &s->lock, &until)) {
    }
}

/* The most whole characters of n bytes that are at most cap; text is UTF-8, whole characters. */
static size_t whole_characters(const uint8_t *text, size_t n, size_t cap) {
    if (n <= cap) return n;
    while (cap && (text[cap] & 0xc0) == 0x80) cap--;
    return cap;
}

int roma_stream_read(roma_stream *s, double seconds, char *text, size_t cap, size_t *n) {
    roma_error err;
    int rc = ROMA_OK;
    *n = 0;
    if (cap < 4)
        return roma_face_end(
            roma_fail(&err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a read of a stream needs room for 4 bytes"), &err);
    if ((rc = roma_face_here(s->pid, &err))) return roma_face_end(rc, &err);
    pthread_mutex_lock(&s->lock);
    wait_for_text(s, seconds);
    if (s->read < s->text.len) {
        *n = whole_characters(s->text.data + s->read, s->text.len - s->read, cap);
        memcpy(text, s->text.data + s->read, *n);
        s->read += *n;
    }
    if (!*n && s->is_over && s->answered.code)
        rc = roma_fail(&err, s->answered.code, "", ROMA_NOWHERE, "%s", s->message);
    pthread_mutex_unlock(&s->lock);
    return roma_face_end(rc, &err);
}

const roma_answered *roma_stream_answered(roma_stream *s) {
    pthread_mutex_lock(&s->lock);
    const bool is = s->is_over && s->read == s->text.len;
    pthread_mutex_unlock(&s->lock);
    return is ? &s->answered : NULL;
}

void roma_stream_close(roma_stream **stream) {
    roma_stream *s = *stream;
    if (!s) return;
    *stream = NULL;
    if (roma_face_here(s->pid, NULL)) return;
    pthread_mutex_lock(&s->lock);
    const bool cancels = !s->is_over;
    pthread_mutex_unlock(&s->lock);
    if (cancels) roma_engine_cancel(s->e, s->ticket);
    pthread_mutex_lock(&s->lock);
    while (!s->is_over) pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    free_stream(s);
}
