/* http - a strict HTTP/1.1 front of fixed memory: listeners, connections, framing, limits, streams. Routes and bodies
 * are the caller's; docs/server-http.md says what is accepted and what is refused.
 *
 * An exchange is one request and its answer. A connection has one exchange at a time; requests that a client sends
 * ahead wait in the order of their arrival. What is no request by the rules of the page is answered by the front
 * itself, in JSON of OpenAI's shape with fixed texts, and its connection is closed: the caller never sees it.
 *
 * Threads: one thread, the network thread, is inside roma_http_run; it calls every callback, and every function below
 * belongs to it, from callbacks or not. Of other threads only roma_http_wake and roma_http_end may be called, at any
 * time between open and close; both are async-signal-safe. Open and close belong to one thread while nobody runs. No
 * callback comes from inside a call of the caller's: what a call leads to is told when the caller has returned.
 * Callbacks hold up all connections and must be short.
 *
 * Memory: roma_http_open takes everything; afterwards nothing is allocated. A connection has 20 KiB for what comes and
 * 16 KiB for what goes, which the system gives when they are touched. A body that does not fit beside its head grows in
 * address space that open set aside, as its bytes arrive, and all such bodies together have at most `bodies_bytes`: who
 * asks for more is answered 503. */
#ifndef ROMA_HTTP_H
#define ROMA_HTTP_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct roma_http roma_http;
typedef struct roma_http_exchange roma_http_exchange;

enum {
    ROMA_HTTP_HEAD_MOST = 16384,  /* bytes of a request's line and headers together */
    ROMA_HTTP_LINE_MOST = 4096,   /* bytes of a request's line */
    ROMA_HTTP_HEADERS_MOST = 64,  /* headers of a request */
    ROMA_HTTP_EXTRA_MOST = 4096,  /* bytes of an answer's further header lines */
    ROMA_HTTP_COPIED_MOST = 8192, /* bytes of an answer's body that are copied; of a longer one the caller's are sent */
    ROMA_HTTP_SEND_MOST = 12288   /* bytes of one piece of a stream */
};

/* ---- requests ----------------------------------------------------------------------------------- */

/* Methods of requests: any other is answered 501 by the front. OPTIONS is answered by the front too. */
#define ROMA_HTTP_METHODS(X) X(GET) X(HEAD) X(POST) X(PUT) X(PATCH) X(DELETE) X(OPTIONS)
typedef enum {
#define X(name) ROMA_HTTP_##name,
    ROMA_HTTP_METHODS(X)
#undef X
} roma_http_method;
/* "GET", ...; static. */
const char *roma_http_method_name(roma_http_method m);

/* len bytes of a request, with no 0 behind; text NULL: there are none. */
typedef struct {
    const char *text;
    size_t len;
} roma_http_text;

/* A complete, checked request. What it points to is the front's and valid until `over`. */
typedef struct {
    roma_http_method method;
    roma_http_text path;  /* begins with '/', up to the '?'; printable ASCII, every % before two hexadecimal digits */
    roma_http_text query; /* behind the '?'; NULL: there is no '?' */
    const uint8_t *body;  /* any bytes; NULL when length is 0 */
    size_t length;
    const void *own; /* the front's */
} roma_http_request;
/* Value of a header, without blanks at its ends; the first of several; text NULL: there is none. The name is given in
 * small letters. A request has at most one each of host, authorization, content-type and origin. */
roma_http_text roma_http_header(const roma_http_request *q, const char *name);
/* Whether a text is this one, byte for byte. */
bool roma_http_is(roma_http_text t, const char *other);
/* Takes the %XX out of a piece of a path or query into out (cap bytes), with a 0 behind; returns the length, or
 * SIZE_MAX: too long, or one of the bytes is 0. A '+' stays a '+'. */
size_t roma_http_unescape(char *out, size_t cap, roma_http_text t);
/* Value of a name in a query, "a=1&b=2", as it is written; text NULL: the name is not there. */
roma_http_text roma_http_query(roma_http_text query, const char *name);

/* Why an exchange is over; id, sentence */
#define ROMA_HTTP_WHYS(X)                                                                                              \
    X(SENT, "the answer was handed to the system in full")                                                             \
    X(GONE, "the client left")                                                                                         \
    X(STALLED, "the client took nothing for too long")                                                                 \
    X(CUT, "the caller cut the answer short")                                                                          \
    X(ENDED, "the server ended")
typedef enum {
#define X(id, text) ROMA_HTTP_##id,
    ROMA_HTTP_WHYS(X)
#undef X
} roma_http_why;
const char *roma_http_why_text(roma_http_why w);

/* ---- the server --------------------------------------------------------------------------------- */

/* A configuration, the caller's. All zero but `request` and `over` is one: numbers that are 0 have the value in
 * brackets. Its texts are needed during roma_http_open alone. */
typedef struct {
    const char *const *addresses; /* numbers, IPv4 or IPv6 [127.0.0.1 and ::1; a host without IPv6 has the first] */
    size_t n_addresses;
    uint16_t port; /* one for all addresses [the system picks a free one] */
    /* Names that a request's Host may have, without port, beside localhost, 127.0.0.1, [::1] and the addresses above;
     * "*": any, which gives up the protection against DNS rebinding. An address that stands for all (0.0.0.0, ::)
     * allows every Host that is a number. */
    const char *const *hosts;
    size_t n_hosts;
    /* Pages of other origins that may ask, "https://chat.example.org"; "*": all. Requests with an Origin of these get
     * CORS headers and preflights are answered by the front. Without: an Origin whose host is an allowed Host and whose
     * scheme is http or https passes, gets no CORS headers, and any other is refused with 403. */
    const char *const *origins;
    size_t n_origins;
    uint32_t connections;  /* at once; who comes beyond is answered 503 [1,024; at most 65,536] */
    uint64_t body_most;    /* bytes of a body; a longer one is answered 413 [4 MiB; at most 1 GiB] */
    uint64_t bodies_bytes; /* of all bodies that do not fit beside their heads [64 MiB; at least body_most] */
    /* Milliseconds: from the first byte, or the connection, to the end of a head [10,000]; of a body [60,000]; without
     * progress while something is to be written [30,000]; without a request [60,000]. */
    uint32_t head_ms, body_ms, write_ms, idle_ms;

    void *ctx; /* of every callback */
    /* A request came. Answers now or later; never both or twice. */
    void (*request)(void *ctx, roma_http_exchange *x, const roma_http_request *q);
    /* An exchange is over, exactly once for each that `request` got: the last call with x, which is invalid behind it.
     */
    void (*over)(void *ctx, roma_http_exchange *x, roma_http_why why);
    /* May be NULL: a stream that refused a piece has sent all before it. */
    void (*room)(void *ctx, roma_http_exchange *x);
    /* May be NULL: roma_http_wake was called since the last time. */
    void (*woken)(void *ctx);
    /* May be NULL: roma_http_end was called; no connection is taken any more. Whoever has open exchanges ends them. */
    void (*ending)(void *ctx);
} roma_http_config;

/* Binds, takes all memory, and raises the process's soft limit of descriptors where connections need more. *h is the
 * caller's, ended by roma_http_close; NULL after a failure. EUSAGE for a configuration that is none, and for an address
 * that is not this host's; EBUSY for a port that is taken; EIO, ENOMEM. */
int roma_http_open(roma_http **h, const roma_http_config *c, roma_error *err);
/* Closes listeners and connections; exchanges are over (ENDED) first. NULL does nothing. */
void roma_http_close(roma_http *h);
/* The port that was bound. */
uint16_t roma_http_port(const roma_http *h);
/* Bytes of memory that the server has at most, and of these those of bodies. */
uint64_t roma_http_bytes(const roma_http *h, uint64_t *bodies);
/* Serves until roma_http_end, then until all exchanges are over or the time that was given has passed. EIO for what the
 * system refuses for good. */
int roma_http_run(roma_http *h, roma_error *err);
/* Any thread, also a signal handler: the network thread calls `woken` soon. Calls that come before are one. */
void roma_http_wake(roma_http *h);
/* Any thread, also a signal handler: listeners close at once, idle connections too, `ending` is called, and
 * roma_http_run returns when exchanges are over, after grace_ms at the latest. A second call may shorten the time. */
void roma_http_end(roma_http *h, uint32_t grace_ms);

/* Counts since open, for /metrics, and what is open now. */
typedef struct {
    uint64_t accepted, refused; /* connections: taken; answered 503 for want of room */
    uint64_t requests, bad;     /* requests: handed on; answered by the front */
    uint64_t gone, timeouts;    /* exchanges whose client left; connections closed for their slowness */
    uint64_t bytes_in, bytes_out;
    uint32_t open, exchanges; /* now: connections; exchanges that are not over */
    uint64_t bodies_bytes;    /* now: of the bodies that do not fit beside their heads */
} roma_http_counts;
void roma_http_look(const roma_http *h, roma_http_counts *out);

/* ---- answers: once for each exchange, reply, or begin and finish, or cut ------------------------- */

/* A pointer of the caller's, NULL at first. */
void roma_http_set_user(roma_http_exchange *x, void *user);
void *roma_http_user(const roma_http_exchange *x);

/* Answers in one piece. status 200 to 599; type: of the content, NULL without one; extra: further header lines, each
 * with CRLF at its end, or NULL. A body of up to ROMA_HTTP_COPIED_MOST bytes is copied; a longer one is read from the
 * caller's memory until `over`. To HEAD the length is told and no body sent. */
void roma_http_reply(roma_http_exchange *x, int status, const char *type, const char *extra, const void *body,
                     size_t len);
/* Begins an answer in pieces (Transfer-Encoding: chunked), such as server-sent events. */
void roma_http_begin(roma_http_exchange *x, int status, const char *type, const char *extra);
/* Sends a piece of up to ROMA_HTTP_SEND_MOST bytes, copied: whole, or not at all when there is no room (false); `room`
 * is called then when there is. len 0 does nothing. */
bool roma_http_send(roma_http_exchange *x, const void *data, size_t len);
/* Ends an answer in pieces; there is always room for the end. */
void roma_http_finish(roma_http_exchange *x);
/* Closes the connection in the middle of an answer, so that the client sees that something is missing; or without any.
 */
void roma_http_cut(roma_http_exchange *x);

#ifdef __cplusplus
}
#endif
#endif
