/* Errors as clients see them: a status by which the official clients raise the right class, and a sentence of ours. */
#include "serve/internal.h"

#include <stdarg.h>

static const char retry[] = "Retry-After: 1\r\n";

static const char *type_of(int status) {
    switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 429: return "rate_limit_error";
    default: return status < 500 ? "invalid_request_error" : "server_error";
    }
}

void roma_serve_error(told_error *e, int status, const char *code, const char *param, const char *fmt, ...) {
    *e = (told_error){.status = status, .type = type_of(status), .code = code, .param = param};
    ROMA_PRINT_ARGS(e->message, fmt);
}

static int status_of(int rc) {
    switch (rc) {
    case ROMA_EBUSY: return 429;
    case ROMA_ENOMEM: return 503;
    case ROMA_EIO:
    case ROMA_EINTERNAL: return 500;
    default: return 400;
    }
}

static const char *code_of(int rc) {
    switch (rc) {
    case ROMA_EBUSY: return "rate_limit_exceeded";
    case ROMA_ENOMEM: return "out_of_memory";
    case ROMA_ECONTEXT: return "context_length_exceeded";
    case ROMA_EUNSUPPORTED: return "unsupported";
    default: return NULL;
    }
}

void roma_serve_error_of(told_error *e, int rc, const roma_error *err, const char *param) {
    roma_error shown = *err;
    char line[sizeof e->message];
    shown.file[0] = 0; /* no path leaves the house */
    roma_serve_error(e, status_of(rc), code_of(rc), param, "%s", roma_error_format(&shown, line, sizeof line));
}

void roma_serve_refuse(roma_http_exchange *http, int status, const char *code, const char *text, bool ollama) {
    told_error e;
    roma_buf b = {0};
    roma_serve_error(&e, status, code, NULL, "%s", text);
    (ollama ? roma_serve_told_error_ollama : roma_serve_told_error_json)(&e, &b);
    const char *extra = status == 429 || status == 503 ? retry : status == 401 ? "WWW-Authenticate: Bearer\r\n" : NULL;
    if (b.failed || b.len > ROMA_HTTP_COPIED_MOST)
        roma_http_reply(http, 503, NULL, retry, NULL, 0);
    else
        roma_http_reply(http, status, "application/json", extra, b.data, b.len);
    roma_buf_destroy(&b);
}

void roma_serve_fail(exchange *x) {
    const told_error *e = &x->error;
    if (!x->http || x->is_answered) return;
    roma_buf b = {0};
    x->writes->error(e, &b);
    const char *extra = e->status == 429 || e->status == 503 ? retry : NULL;
    x->is_answered = true;
    if (b.failed || b.len > ROMA_HTTP_COPIED_MOST)
        roma_http_reply(x->http, 503, NULL, retry, NULL, 0);
    else
        roma_http_reply(x->http, e->status, "application/json", extra, b.data, b.len);
    roma_buf_destroy(&b);
}
