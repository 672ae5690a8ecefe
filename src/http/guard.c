/* Who may ask: Host and Origin (docs/server-http.md, "Host and Origin"). A page of another site reaches a server on
 * this machine by a name of its own that leads here (DNS rebinding), or by an address and its own Origin. */
#include "http/internal.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c; }

/* Length of the name in "name" or "name:port" of n bytes, brackets of IPv6 included; 0: it is neither. */
static size_t host_part(const char *p, size_t n) {
    size_t end = 0;
    if (n && p[0] == '[') {
        while (end < n && p[end] != ']')
            if (++end < n && p[end] != ']' && p[end] != ':' && p[end] != '.' && !is_digit(p[end]) &&
                !(lower(p[end]) >= 'a' && lower(p[end]) <= 'f'))
                return 0;
        if (end++ == n) return 0;
    } else {
        while (end < n && (is_digit(p[end]) || (lower(p[end]) >= 'a' && lower(p[end]) <= 'z') || p[end] == '-' ||
                           p[end] == '.' || p[end] == '_'))
            end++;
    }
    if (end == n) return end;
    unsigned port = 0;
    if (p[end] != ':' || n - end < 2 || n - end > 6) return 0;
    for (size_t i = end + 1; i < n; i++) {
        if (!is_digit(p[i])) return 0;
        port = port * 10 + (unsigned)(p[i] - '0');
    }
    return port <= 65535 ? end : 0;
}

static bool is_number(const char *name) {
    char bare[INET6_ADDRSTRLEN];
    struct in_addr a;
    struct in6_addr b;
    size_t n = strlen(name);
    if (inet_pton(AF_INET, name, &a) == 1) return true;
    if (n < 3 || n - 2 >= sizeof bare || name[0] != '[') return false;
    memcpy(bare, name + 1, n - 2);
    bare[n - 2] = 0;
    return inet_pton(AF_INET6, bare, &b) == 1;
}

/* Whether n bytes, a name without port, are one that this server has. */
static bool has_host(const roma_http_guard *g, const char *p, size_t n) {
    char name[ROMA_HTTP_NAME_MOST + 1];
    if (g->any_host) return true;
    if (n > ROMA_HTTP_NAME_MOST) return false;
    for (size_t i = 0; i < n; i++) name[i] = lower(p[i]);
    name[n] = 0;
    for (size_t i = 0; i < g->hosts; i++)
        if (strcmp(g->host[i], name) == 0) return true;
    return g->any_number && is_number(name);
}

roma_http_verdict roma_http_guard_host(const roma_http_guard *g, const char *text, size_t n) {
    size_t name = host_part(text, n);
    if (!name) return ROMA_HTTP_NOT_BAD_HOST;
    return has_host(g, text, name) ? ROMA_HTTP_GOOD : ROMA_HTTP_NOT_FOREIGN_HOST;
}

roma_http_verdict roma_http_guard_origin(const roma_http_guard *g, const char *text, size_t n, const char **allow) {
    static const char *const schemes[] = {"http://", "https://"};
    *allow = NULL;
    for (size_t i = 0; i < g->origins && !*allow; i++)
        if (strlen(g->origin[i]) == n && memcmp(g->origin[i], text, n) == 0) *allow = g->origin[i];
    if (g->any_origin) *allow = "*";
    if (*allow) return ROMA_HTTP_GOOD;
    for (size_t i = 0; i < 2; i++) {
        size_t s = strlen(schemes[i]), name;
        if (n <= s || memcmp(text, schemes[i], s) != 0) continue;
        name = host_part(text + s, n - s);
        if (name && has_host(g, text + s, name)) return ROMA_HTTP_GOOD;
    }
    return ROMA_HTTP_NOT_FOREIGN_ORIGIN;
}

/* ---- the lists ---------------------------------------------------------------------------------- */

/* Owned copy in small letters, in brackets where it is IPv6; NULL without memory. */
static char *host_copy(const char *name) {
    bool bare = strchr(name, ':') && name[0] != '[';
    size_t n = strlen(name);
    char *out = roma_alloc(n + 3), *p = out;
    if (!out) return NULL;
    if (bare) *p++ = '[';
    for (size_t i = 0; i < n; i++) *p++ = lower(name[i]);
    if (bare) *p++ = ']';
    *p = 0;
    return out;
}

static bool stands_for_all(const char *address) {
    struct in_addr a;
    struct in6_addr b;
    if (inet_pton(AF_INET, address, &a) == 1) return a.s_addr == 0;
    return inet_pton(AF_INET6, address, &b) == 1 && memcmp(&b, &in6addr_any, sizeof b) == 0;
}

static int add_host(roma_http_guard *g, const char *name, roma_error *err) {
    if (strcmp(name, "*") == 0) {
        g->any_host = true;
        return ROMA_OK;
    }
    char *copy = g->host[g->hosts] = host_copy(name);
    if (!copy) return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for a list of hosts");
    g->hosts++;
    size_t n = strlen(copy);
    char shown[128];
    if (!n || n > ROMA_HTTP_NAME_MOST || host_part(copy, n) != n || (copy[0] == '[' && !is_number(copy)))
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "'%s' is no host name; give one without scheme and port",
                         roma_error_name(shown, sizeof shown, name, strlen(name)));
    return ROMA_OK;
}

static int add_origin(roma_http_guard *g, const char *origin, roma_error *err) {
    size_t n = strlen(origin);
    char shown[128];
    if (strcmp(origin, "*") == 0) {
        g->any_origin = true;
        return ROMA_OK;
    }
    bool good = n && n <= 2 * ROMA_HTTP_NAME_MOST && strstr(origin, "://") && origin[n - 1] != '/';
    for (const char *p = origin; *p; p++) good = good && *p > ' ' && *p < 0x7f;
    if (!good)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE,
                         "'%s' is no origin; write it as https://chat.example.org, without a path",
                         roma_error_name(shown, sizeof shown, origin, n));
    char *copy = g->origin[g->origins] = roma_alloc(n + 1);
    if (!copy) return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for a list of origins");
    memcpy(copy, origin, n + 1);
    g->origins++;
    return ROMA_OK;
}

int roma_http_guard_init(roma_http_guard *g, const roma_http_config *c, roma_error *err) {
    static const char *const usual[] = {"localhost", "127.0.0.1", "[::1]"};
    *g = (roma_http_guard){0};
    size_t most = 3 + c->n_hosts + c->n_addresses;
    g->host = roma_alloc_array(most, sizeof *g->host);
    g->origin = roma_alloc_array(c->n_origins + 1, sizeof *g->origin);
    if (!g->host || !g->origin)
        return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory for the lists of hosts and origins");
    int rc = ROMA_OK;
    for (size_t i = 0; i < 3 && !rc; i++) rc = add_host(g, usual[i], err);
    for (size_t i = 0; i < c->n_hosts && !rc; i++) rc = add_host(g, c->hosts[i], err);
    for (size_t i = 0; i < c->n_addresses && !rc; i++) {
        if (stands_for_all(c->addresses[i]))
            g->any_number = true;
        else
            rc = add_host(g, c->addresses[i], err);
    }
    for (size_t i = 0; i < c->n_origins && !rc; i++) rc = add_origin(g, c->origins[i], err);
    return rc;
}

void roma_http_guard_destroy(roma_http_guard *g) {
    for (size_t i = 0; i < g->hosts; i++) roma_free(g->host[i]);
    for (size_t i = 0; i < g->origins; i++) roma_free(g->origin[i]);
    roma_free(g->host);
    roma_free(g->origin);
    *g = (roma_http_guard){0};
}
