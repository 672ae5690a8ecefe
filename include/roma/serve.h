/* serve - an HTTP server over an answer: OpenAI's and ollama's protocols, adapters, figures (docs/server.md).
 *
 * Requests are read, checked and answered on the thread that is inside roma_serve_run; a worker makes prompts out of
 * them and opens adapters, so that long texts hold up nobody; the driver of the answer computes. What a client reads
 * slowly waits in a ring of fixed size, and its request is held until there is room. A client that leaves cancels its
 * request at once.
 *
 * Threads: open, run and close belong to one thread at a time; roma_serve_end may be called from any thread and from a
 * signal handler between open and close.
 *
 * Memory: roma_serve_open takes everything, the engine's arenas, the front's and a heap of a fixed size, which from
 * then on is the library's for all requests (roma_heap_install): a request that finds no room there is answered 503. */
#ifndef ROMA_SERVE_H
#define ROMA_SERVE_H

#include "roma/answer.h"
#include "roma/http.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A configuration, the caller's; all zero but `answer` and `name` is one. Its texts are copied, but for those of
 * `usual`, which must outlive the server. */
typedef struct {
    roma_answer *answer;      /* open, not started; the server's once that is open */
    roma_answer_config start; /* what roma_answer_start gets; running 0: 8; waiting 0: 64 */
    const char *name;         /* of the model as clients call it: [A-Za-z0-9._:-]{1,64} */
    const roma_answer_ask
        *usual;       /* what requests do not say; NULL: roma_answer_ask_default, and as many tokens as fit */
    bool usual_limit; /* usual->limit counts for requests that say nothing of it */
    /* names of adapters that are open in the answer, n_adapters of them, and a folder from which others are loaded by
     * name; NULL: none */
    const char *const *adapters;
    size_t n_adapters;
    const char *adapter_folder; /* NULL: none; else a folder that is there at the start */
    unsigned adapter_flags;     /* of roma_answer_adapter_open */
    const char *const *keys;    /* a client must show one of them; none: everybody may ask */
    size_t n_keys;
    uint64_t heap_bytes;   /* of the requests' heap; 0: 64 MiB, and as much as prompts of full contexts need */
    roma_http_config http; /* addresses, port, hosts, origins, limits; callbacks and ctx are the server's */
} roma_serve_config;

/* Longest name of a model or adapter; whether a text is one of an adapter: [a-z0-9._-]{1,64}, not beginning with '.'.
 */
enum { ROMA_SERVE_NAME_MAX = 64, ROMA_SERVE_ADAPTERS_MAX = 1024 };
bool roma_serve_is_name(const char *text, size_t len);

typedef struct roma_serve roma_serve;
/* Starts the answer and its driver, binds, takes all memory. *s is the caller's, ended by roma_serve_close; NULL after
 * a failure, the answer then as it was. Errors of roma_answer_start and roma_http_open; EUSAGE for a name that is none;
 * EIO, ENOMEM. */
int roma_serve_open(roma_serve **s, const roma_serve_config *c, roma_error *err);
/* Serves until roma_serve_end, and then until all answers came to their last event. */
int roma_serve_run(roma_serve *s, roma_error *err);
/* Streams get a last event, other requests 503; roma_serve_run returns, after grace_ms at the latest. */
void roma_serve_end(roma_serve *s, uint32_t grace_ms);
/* Closes the answer too, which may hold pieces of the heap. NULL does nothing. */
void roma_serve_close(roma_serve *s);

/* The port that was bound; bytes of memory that are taken: engine, front, requests' heap, rings. */
uint16_t roma_serve_port(const roma_serve *s);
typedef struct {
    uint64_t engine, http, bodies, heap, rings;
} roma_serve_memory;
void roma_serve_bytes(const roma_serve *s, roma_serve_memory *out);

#ifdef __cplusplus
}
#endif
#endif
