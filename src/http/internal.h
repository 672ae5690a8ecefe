/* What the files of http share among themselves, with its tests and with fuzz/fuzz_http.c; not part of the room's face.
 *
 * A connection is one struct roma_http_exchange for its whole life. It is in one of five states:
 *
 *   FREE -> HEAD -> BODY -> HELD -> HEAD ...   a request is read, then the caller has it, then the next one is read
 *              \      \       \
 *               `------`-------`-> CLOSING -> LINGER -> FREE
 *
 * CLOSING writes what is left to write; LINGER has told the client so (shutdown) and throws away what still comes, as a
 * close with unread bytes would make the system discard the answer. epoll reports edges: `readable` and `writable` say
 * what is known of the socket. Work on a connection is done by roma_http_advance alone, which the loop calls for all
 * that were pushed; so no callback is inside another. */
#ifndef ROMA_HTTP_INTERNAL_H
#define ROMA_HTTP_INTERNAL_H

#include "roma/http.h"

#include <stdatomic.h>

enum {
    ROMA_HTTP_IN = 20480,     /* of what comes: a head, and as much as bodies are decoded from */
    ROMA_HTTP_OUT = 16384,    /* of what goes */
    ROMA_HTTP_SPARE = 64,     /* connections beyond the limit, to be told 503 */
    ROMA_HTTP_GRAIN = 65536,  /* bytes by which a body grows */
    ROMA_HTTP_LINGER = 1000,  /* milliseconds */
    ROMA_HTTP_PAUSE = 100,    /* milliseconds */
    ROMA_HTTP_LISTENERS = 16, /* addresses */
    ROMA_HTTP_NAME_MOST = 255 /* bytes of a host, or of an origin's host */
};

/* ---- what the front answers itself (refuse.c): id, status, code, sentence --------------------------- */

/* clang-format off */
#define ROMA_HTTP_REFUSALS(X)                                                                                          \
    X(NO_LINE, 400, "bad_request_line", "The request line is not METHOD /path HTTP/1.1.")                              \
    X(BAD_HEAD, 400, "bad_head", "The request's head has a byte or a line end that HTTP/1.1 does not allow there.")    \
    X(BAD_HEADER, 400, "bad_header", "A header line is not NAME: VALUE.")                                              \
    X(REPEATED, 400, "repeated_header", "A header that may stand once is there twice.")                                \
    X(BAD_HOST, 400, "bad_host", "There must be one Host header with a host name and at most a port.")                 \
    X(BAD_LENGTH, 400, "bad_length", "Content-Length is not one number of 1 to 10 digits.")                            \
    X(BAD_CODING, 400, "bad_transfer_encoding", "Transfer-Encoding may only be: chunked.")                             \
    X(TWO_LENGTHS, 400, "two_lengths", "Content-Length and Transfer-Encoding exclude each other.")                     \
    X(NO_BODY_HERE, 400, "unexpected_body", "A request with this method has no body.")                                 \
    X(BAD_CHUNK, 400, "bad_chunk", "The chunks of the body are malformed; extensions and trailers are not taken.")     \
    X(FOREIGN_HOST, 403, "host_not_allowed", "This server does not answer under the name in the Host header.")         \
    X(FOREIGN_ORIGIN, 403, "origin_not_allowed", "Pages of this origin may not ask this server.")                      \
    X(NO_OPTIONS, 405, "method_not_allowed", "OPTIONS is for pages of listed origins only.")                           \
    X(SLOW, 408, "request_timeout", "The request did not arrive in time.")                                             \
    X(NO_LENGTH, 411, "length_required", "A request with this method needs Content-Length or chunks.")                 \
    X(TOO_LARGE, 413, "request_too_large", "The body is larger than this server takes.")                               \
    X(LONG_LINE, 414, "request_line_too_long", "The request line is longer than 4096 bytes.")                          \
    X(CODED, 415, "unsupported_content_encoding", "Bodies are taken as they are, without Content-Encoding.")           \
    X(EXPECTS, 417, "expectation_failed", "Expect may only be: 100-continue.")                                         \
    X(LONG_HEAD, 431, "head_too_large", "The head has more than 64 headers, or more than 16384 bytes.")                \
    X(NO_METHOD, 501, "unknown_method", "This server does not know the request's method.")                             \
    X(FULL, 503, "too_many_connections", "The server has as many connections as it takes; try again soon.")            \
    X(NO_MEMORY, 503, "no_room_for_body", "The server has no room for this body now; try again soon.")                 \
    X(ENDING, 503, "server_ends", "The server is about to end.")                                                       \
    X(VERSION, 505, "unsupported_version", "This server speaks HTTP/1.1 alone.")
/* clang-format on */
typedef enum {
    ROMA_HTTP_GOOD, /* the head is complete, and nothing is wrong */
    ROMA_HTTP_MORE, /* bytes are missing */
#define X(id, status, code, sentence) ROMA_HTTP_NOT_##id,
    ROMA_HTTP_REFUSALS(X)
#undef X
} roma_http_verdict;

/* Whether n bytes are a word, which is given in small letters, in letters of either size; no locale is asked. */
static inline bool roma_http_same(const void *text, size_t n, const char *word) {
    const uint8_t *p = text;
    size_t i = 0;
    for (; i < n && word[i]; i++)
        if ((p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 32 : p[i]) != (uint8_t)word[i]) return false;
    return i == n && !word[i];
}

/* ---- heads (head.c) ------------------------------------------------------------------------------- */

/* A header's place in the head. */
typedef struct {
    uint16_t name, name_len, value, value_len;
} roma_http_place;

/* Headers that mean something to the front, as bits of `seen`. */
enum {
    ROMA_HTTP_HAS_HOST = 1,
    ROMA_HTTP_HAS_LENGTH = 2,
    ROMA_HTTP_HAS_CODING = 4,
    ROMA_HTTP_HAS_CONTINUE = 8,
    ROMA_HTTP_HAS_AUTHORIZATION = 16,
    ROMA_HTTP_HAS_TYPE = 32,
    ROMA_HTTP_HAS_ORIGIN = 64
};

/* A head that is read line by line; all zero is one of which nothing is read. */
typedef struct {
    uint16_t scanned, line; /* bytes looked at; where the line under way begins */
    bool is_begun;          /* the request line is behind us */
    bool close;             /* the client asks for the connection's end */
    roma_http_method method;
    uint16_t path, path_len, query, query_len; /* query 0: none */
    uint16_t n_headers, seen, host, origin;    /* host, origin: their numbers in header[] */
    uint64_t length;
    roma_http_place header[ROMA_HTTP_HEADERS_MOST];
} roma_http_head;
/* Looks at the bytes from head->scanned to n, of a buffer whose beginning is the head's. GOOD: head->scanned is its
 * length. The verdict is the same however the bytes were cut into pieces. */
roma_http_verdict roma_http_head_read(roma_http_head *head, const uint8_t *in, size_t n);
/* What only the whole head can show: lengths against the method. */
roma_http_verdict roma_http_head_check(const roma_http_head *head);

/* ---- chunks (chunk.c) ------------------------------------------------------------------------------- */

/* A decoder of chunks, a byte at a time; all zero but `room`, the bytes of data that may come, is a fresh one. */
typedef struct {
    uint8_t state, digits;
    uint32_t left; /* bytes of the chunk */
    uint64_t room;
} roma_http_chunks;
/* Looks at n bytes as far as the end of a chunk's data: *used bytes were framing, and *data bytes behind these are
 * data. GOOD: the body is complete, *used bytes included. A chunk that announces too much is refused before its data.
 */
roma_http_verdict roma_http_chunks_read(roma_http_chunks *c, const uint8_t *in, size_t n, size_t *used, size_t *data);

/* ---- who may ask (guard.c) --------------------------------------------------------------------------- */

typedef struct {
    char **host, **origin; /* owned; hosts in small letters */
    size_t hosts, origins;
    bool any_host, any_number, any_origin;
} roma_http_guard;
int roma_http_guard_init(roma_http_guard *g, const roma_http_config *c, roma_error *err);
void roma_http_guard_destroy(roma_http_guard *g);
roma_http_verdict roma_http_guard_host(const roma_http_guard *g, const char *text, size_t n);
/* *allow: the origin to name in Access-Control-Allow-Origin, the guard's; NULL: none. */
roma_http_verdict roma_http_guard_origin(const roma_http_guard *g, const char *text, size_t n, const char **allow);

/* ---- connections -------------------------------------------------------------------------------------- */

typedef enum {
    ROMA_HTTP_FREE,
    ROMA_HTTP_HEAD_,
    ROMA_HTTP_BODY,
    ROMA_HTTP_HELD,
    ROMA_HTTP_CLOSING,
    ROMA_HTTP_LINGERS
} roma_http_state;

struct roma_http_exchange {
    roma_http *h;
    int fd;
    roma_http_state state;
    bool readable, writable, dead; /* of the socket; dead: reset */
    bool hup, eof;                 /* the client closed its side; and all that came before is read */
    bool pushed;                   /* waits for roma_http_advance */
    bool fresh;                    /* no request has come yet */
    bool extra;                    /* beyond the limit */
    bool close;                    /* no further request is read */
    bool begun, chunked, answered; /* the answer: has a status; is in pieces; is complete */
    bool no_body;                  /* of the answer: HEAD, 204, 304 */
    bool cut, wants_room;
    uint8_t *in, *out;
    uint32_t in_len, body_at; /* body_at: where a body stands in `in` */
    uint32_t out_at, out_len;
    const uint8_t *rest; /* of an answer whose body is the caller's */
    size_t rest_len;
    uint8_t *area; /* address space for a body; grown: its bytes that may be touched */
    uint64_t grown, got, want;
    bool in_area;
    roma_http_chunks chunks;
    roma_http_head head;
    const char *allow; /* origin */
    roma_http_request q;
    void *user;
    uint64_t due; /* milliseconds of the monotonic clock; 0: never */
    roma_http_exchange *next, *next_free;
};

struct roma_http {
    roma_http_config c; /* without its texts */
    roma_http_guard guard;
    int poll, event, spare; /* spare: a descriptor to be given up when there are no others */
    int listener[ROMA_HTTP_LISTENERS];
    size_t listeners;
    bool listening, paused; /* paused: the system had no descriptors; until resume */
    uint64_t resume;
    uint16_t port;
    uint32_t slots, extras; /* extras: of those that are open, how many are beyond the limit */
    roma_http_exchange *x, *free;
    roma_http_exchange *first, **last; /* pushed */
    uint8_t *buffers, *areas;
    uint64_t buffers_bytes, areas_bytes;
    uint64_t now, next_due, ends;
    bool is_ending;
    atomic_int wake;
    atomic_llong grace; /* -1: nobody called roma_http_end */
    roma_http_counts counts;
    uint64_t date_of;
    char date[40];
};

/* advance.c: does what can be done on a connection without waiting. */
void roma_http_advance(roma_http_exchange *x);
/* Has roma_http_advance called in this turn or the next. */
void roma_http_push(roma_http_exchange *x);
/* Sets when a connection's patience ends, `ms` from now; 0: never. */
void roma_http_due(roma_http_exchange *x, uint32_t ms);
/* What becomes of a connection whose time is over. */
void roma_http_late(roma_http_exchange *x);
/* Closes at once; an exchange that is held is over first. */
void roma_http_drop(roma_http_exchange *x, roma_http_why why);
/* Of a server that ends: what becomes of a connection. */
void roma_http_wind_up(roma_http_exchange *x);

/* answer.c */
void roma_http_refuse(roma_http_exchange *x, roma_http_verdict v);
/* Tells a client that no slot is left for, as far as that goes without waiting; the socket stays the caller's. */
void roma_http_turn_away(int fd);
void roma_http_put(roma_http_exchange *x, const void *data, size_t n);
/* Writes what there is to write; false: the connection is dead. */
bool roma_http_flush(roma_http_exchange *x);
static inline bool roma_http_is_flushed(const roma_http_exchange *x) { return x->out_at == x->out_len && !x->rest_len; }
/* refuse.c: status, code and sentence of a refusal. */
int roma_http_refusal(roma_http_verdict v, const char **code, const char **sentence);
const char *roma_http_reason(int status);
/* "Mon, 30 Nov 2026 11:30:55 GMT" of seconds since 1970. */
void roma_http_date(char out[40], uint64_t seconds);

/* bodies.c */
bool roma_http_body_grow(roma_http_exchange *x, uint64_t bytes);
void roma_http_body_drop(roma_http_exchange *x);

/* listen.c */
int roma_http_bind(roma_http *h, const roma_http_config *c, roma_error *err);
void roma_http_unlisten(roma_http *h);
void roma_http_accept(roma_http *h, int listener);
/* Takes a connected socket, which becomes the front's. */
void roma_http_adopt(roma_http *h, int fd);

/* loop.c: one turn: waits for events at most so many milliseconds (-1: as long as nothing is due), and does the work.
 */
int roma_http_turn(roma_http *h, int most_ms, roma_error *err);

#endif
