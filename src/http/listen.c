/* Listeners, and connections as they come. */
#include "http/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SYSTEM_BUFFER = 65536, /* bytes that the system may hold for a connection, each way: it doubles them */
    AT_ONCE = 64,          /* connections that are taken before others get their turn */
    PORTS = 32             /* free ports that are tried for all addresses */
};

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

static bool address_of(const char *text, uint16_t port, address *a, socklen_t *n) {
    *a = (address){0};
    *n = 0;
    if (inet_pton(AF_INET, text, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons(port);
        *n = sizeof a->v4;
        return true;
    }
    if (inet_pton(AF_INET6, text, &a->v6.sin6_addr) != 1) return false;
    a->v6.sin6_family = AF_INET6;
    a->v6.sin6_port = htons(port);
    *n = sizeof a->v6;
    return true;
}

/* A socket that listens, or -1 with errno set. */
static int listen_at(const address *a, socklen_t n) {
    int one = 1, size = SYSTEM_BUFFER;
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (a->any.sa_family == AF_INET6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, &a->any, n) == 0 && listen(fd, 1024) == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static uint16_t port_of(int fd) {
    address a;
    socklen_t n = sizeof a;
    if (getsockname(fd, &a.any, &n)) return 0;
    return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

static int fail_bind(roma_error *err, const char *text, uint16_t port) {
    char shown[64];
    roma_error_name(shown, sizeof shown, text, strlen(text));
    if (errno == EADDRINUSE)
        return roma_fail(err, ROMA_EBUSY, NULL, ROMA_NOWHERE, "port %u of %s is taken by another program; name another",
                         port, shown);
    if (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "%s is no address of this host; name one that is",
                         shown);
    if (errno == EACCES)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "port %u of %s needs rights; name one from 1024 up",
                         port, shown);
    return roma_fail_errno(err, NULL, "listening");
}

/* All addresses on one port, or none with errno set; *which: the address that failed. */
static bool bind_all(roma_http *h, const char *const *text, size_t n, uint16_t port, bool is_usual, size_t *which) {
    for (size_t i = 0; i < n; i++) {
        address a;
        socklen_t size;
        (void)address_of(text[i], port, &a, &size);
        int fd = listen_at(&a, size);
        if (fd < 0 && is_usual && i && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT)) continue; /* no IPv6 here */
        if (fd < 0) {
            int why = errno;
            *which = i;
            roma_http_unlisten(h);
            errno = why;
            return false;
        }
        if (!port) port = port_of(fd);
        h->listener[h->listeners++] = fd;
    }
    h->port = port;
    return true;
}

int roma_http_bind(roma_http *h, const roma_http_config *c, roma_error *err) {
    static const char *const usual[] = {"127.0.0.1", "::1"};
    const char *const *text = c->n_addresses ? c->addresses : usual;
    size_t n = c->n_addresses ? c->n_addresses : 2, which = 0;
    char shown[64];
    for (size_t i = 0; i < n; i++) {
        address a;
        socklen_t size;
        if (!address_of(text[i], 0, &a, &size))
            return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "'%s' is no address in numbers, IPv4 or IPv6",
                             roma_error_name(shown, sizeof shown, text[i], strlen(text[i])));
    }
    /* A port that is free at the first address may be taken at another. */
    for (int tries = c->port ? 1 : PORTS; tries; tries--) {
        if (bind_all(h, text, n, c->port, !c->n_addresses, &which)) break;
        if (tries == 1 || errno != EADDRINUSE) return fail_bind(err, text[which], c->port);
    }
    for (size_t i = 0; i < h->listeners; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &h->listener[i]};
        if (epoll_ctl(h->poll, EPOLL_CTL_ADD, h->listener[i], &e)) return roma_fail_errno(err, NULL, "listening");
    }
    h->listening = true;
    return ROMA_OK;
}

void roma_http_unlisten(roma_http *h) {
    for (size_t i = 0; i < h->listeners; i++) close(h->listener[i]);
    h->listeners = 0;
    h->listening = false;
}

/* ---- connections ---------------------------------------------------------------------------------- */

void roma_http_adopt(roma_http *h, int fd) {
    roma_http_exchange *x = h->free;
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = x};
    if (!x || epoll_ctl(h->poll, EPOLL_CTL_ADD, fd, &e)) { /* even of those who are turned away there are too many */
        roma_http_turn_away(fd);
        close(fd);
        h->counts.refused++;
        return;
    }
    h->free = x->next_free;
    x->fd = fd;
    x->state = ROMA_HTTP_HEAD_;
    x->fresh = x->readable = x->writable = true;
    x->dead = x->hup = x->eof = x->close = x->begun = x->chunked = x->answered = x->cut = x->wants_room = false;
    x->in_len = x->body_at = x->out_at = x->out_len = 0;
    x->rest = NULL;
    x->rest_len = 0;
    x->head = (roma_http_head){0};
    x->allow = NULL;
    x->user = NULL;
    roma_http_due(x, h->c.head_ms);
    x->extra = h->counts.open++ - h->extras >= h->c.connections;
    if (x->extra) {
        h->extras++;
        h->counts.refused++;
        roma_http_refuse(x, ROMA_HTTP_NOT_FULL);
    } else {
        h->counts.accepted++;
    }
    roma_http_push(x);
}

/* Without descriptors a connection could not even be turned away, and would be reported for ever: one that is kept for
 * this takes the place of the client's for a moment. */
static void without_descriptors(roma_http *h, int listener) {
    if (h->spare >= 0) close(h->spare);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        roma_http_turn_away(fd);
        close(fd);
        h->counts.refused++;
    }
    h->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void pause_listening(roma_http *h) {
    struct epoll_event e = {0};
    for (size_t i = 0; i < h->listeners; i++) {
        e.data.ptr = &h->listener[i];
        (void)epoll_ctl(h->poll, EPOLL_CTL_MOD, h->listener[i], &e);
    }
    h->paused = true;
    h->resume = h->now + ROMA_HTTP_PAUSE;
    if (h->resume < h->next_due) h->next_due = h->resume;
}

void roma_http_accept(roma_http *h, int listener) {
    int one = 1;
    for (int i = 0; i < AT_ONCE; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            roma_http_adopt(h, fd);
        } else if (errno == EMFILE || errno == ENFILE) {
            without_descriptors(h, listener);
            if (h->spare < 0) pause_listening(h);
            return;
        } else if (errno == ENOMEM || errno == ENOBUFS) {
            pause_listening(h);
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } /* else: of this one connection, which left */
    }
}
