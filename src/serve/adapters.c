/* Adapters: those that were named at the start, and those that are loaded by name from the one folder. A name is no
 * path: it has no slash and no dot in front, and what it names must be a regular file of the folder itself. Files are
 * opened and engines asked on the worker, so that the network's thread waits for no step. */
#include "serve/internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const endings[] = {".lora.roma", ".roma", "", NULL};

bool roma_serve_is_name(const char *text, size_t len) {
    if (!len || len > ROMA_SERVE_NAME_MAX || text[0] == '.') return false;
    for (size_t i = 0; i < len; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') || text[i] == '.' ||
              text[i] == '_' || text[i] == '-'))
            return false;
    return true;
}

static adapter *named(roma_serve *s, const char *name) {
    for (size_t i = 0; i < ROMA_SERVE_ADAPTERS_MAX; i++)
        if (s->adapters[i].state != ADAPTER_FREE && strcmp(s->adapters[i].name, name) == 0) return &s->adapters[i];
    return NULL;
}

static adapter *free_place(roma_serve *s) {
    for (size_t i = 0; i < ROMA_SERVE_ADAPTERS_MAX; i++)
        if (s->adapters[i].state == ADAPTER_FREE) return &s->adapters[i];
    return NULL;
}

/* What is known of one that is open in the answer. */
static void settle(roma_serve *s, adapter *a) {
    const roma_adapter *open = roma_answer_adapter_find(s->answer, a->name);
    a->state = open ? ADAPTER_READY : ADAPTER_FREE;
    a->rank = open ? open->rank : 0;
    a->bytes = open ? open->data_bytes : 0;
    a->loaded = (int64_t)time(NULL);
}

int roma_serve_adapter_note(roma_serve *s, const char *name, bool from_folder, roma_error *err) {
    adapter *a = free_place(s);
    if (!roma_serve_is_name(name, strlen(name)))
        return roma_fail(
            err, ROMA_EUSAGE, "", ROMA_NOWHERE,
            "the name of an adapter has 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', the first no '.'");
    if (strcmp(name, s->name) == 0 || named(s, name))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "two models have the name %s", name);
    if (!a) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "at most %d adapters", ROMA_SERVE_ADAPTERS_MAX);
    roma_print(a->name, sizeof a->name, "%s", name);
    a->from_folder = from_folder;
    settle(s, a);
    return ROMA_OK;
}

/* ---- list ---- */

static void put_adapter(roma_json *j, const adapter *a) {
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "id", a->name);
    roma_json_string(j, "object", "adapter");
    roma_json_uint(j, "rank", a->rank);
    roma_json_uint(j, "bytes", a->bytes);
    roma_json_int(j, "loaded", a->loaded);
    roma_json_bool(j, "from_folder", a->from_folder);
    roma_json_close(j, '}');
}

void roma_serve_adapters(exchange *x, const roma_http_request *q) {
    const roma_serve *s = x->s;
    roma_buf b = {0};
    roma_json j = {.out = &b};
    (void)q;
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "object", "list");
    roma_json_open(&j, "data", '[');
    for (size_t i = 0; i < ROMA_SERVE_ADAPTERS_MAX; i++)
        if (s->adapters[i].state == ADAPTER_READY) put_adapter(&j, &s->adapters[i]);
    roma_json_close(&j, ']');
    roma_json_close(&j, '}');
    roma_serve_reply(x, 200, &b);
}

/* ---- load ---- */

/* The path of a name's file: a regular file of the folder, no link. It is looked at through the descriptor of an open,
 * so that what is a device, a pipe or a link is never read. */
static int find_file(const roma_serve *s, const char *name, char path[4352], roma_error *err) {
    for (size_t i = 0; endings[i]; i++) {
        struct stat st;
        roma_print(path, 4352, "%s/%s%s", s->folder, name, endings[i]);
        const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0) continue;
        const bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
        close(fd);
        if (regular) return ROMA_OK;
    }
    return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "the adapters' folder has no regular file of the name %s",
                     name);
}

static void load(exchange *x) {
    roma_serve *s = x->s;
    const char *name = s->adapters[x->adapter_at].name;
    char path[4352];
    roma_error err;
    x->rc = find_file(s, name, path, &err);
    if (!x->rc) x->rc = roma_answer_adapter_open(s->answer, name, path, s->c.adapter_flags, &err);
    if (x->rc) roma_serve_error_of(&x->error, x->rc, &err, "id");
}

static void loaded(exchange *x) {
    adapter *a = &x->s->adapters[x->adapter_at];
    roma_buf b = {0};
    roma_json j = {.out = &b};
    if (x->rc) {
        a->state = ADAPTER_FREE;
        roma_serve_fail(x);
        return;
    }
    settle(x->s, a);
    put_adapter(&j, a);
    roma_serve_reply(x, 200, &b);
}

/* {"id": NAME}, and nothing else: no path is taken. */
static int read_id(const roma_http_request *q, char id[ROMA_SERVE_NAME_MAX + 1], roma_error *err) {
    roma_json_reader r;
    int rc = roma_json_read_begin(&r, q->length ? (const char *)q->body : "", q->length, NULL, err);
    if (!rc) rc = roma_json_read_next(&r, err);
    if (!rc && r.kind != ROMA_JSON_OBJECT)
        rc = roma_json_read_fail(&r, ROMA_EINPUT, err, "a request is {\"id\": NAME}");
    id[0] = 0;
    while (!rc && !(rc = roma_json_read_next(&r, err)) && r.kind == ROMA_JSON_KEY) {
        const bool is_id = roma_json_is(&r, "id");
        if (!is_id)
            rc = roma_json_read_fail(&r, ROMA_EINPUT, err, "a request is {\"id\": NAME}, without further members");
        if (!rc) rc = roma_json_read_next(&r, err);
        if (!rc && (r.kind != ROMA_JSON_TEXT || !roma_serve_is_name(r.text, r.len)))
            rc = roma_json_read_fail(
                &r, ROMA_EINPUT, err,
                "id must be of 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', the first no '.'");
        if (!rc) roma_print(id, ROMA_SERVE_NAME_MAX + 1, "%.*s", (int)r.len, r.text);
    }
    if (!rc) rc = roma_json_read_next(&r, err);
    roma_json_read_end(&r);
    return rc || id[0] ? rc : roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "an id is missing");
}

void roma_serve_adapter_load(exchange *x, const roma_http_request *q) {
    roma_serve *s = x->s;
    char id[ROMA_SERVE_NAME_MAX + 1];
    roma_error err;
    int rc = s->folder[0]
                 ? read_id(q, id, &err)
                 : roma_fail(&err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "adapters are loaded from the folder of roma serve --lora-dir, and there is none");
    adapter *a = rc ? NULL : free_place(s);
    if (!rc && !a) rc = roma_fail(&err, ROMA_EBUSY, "", ROMA_NOWHERE, "at most %d adapters", ROMA_SERVE_ADAPTERS_MAX);
    if (rc) {
        roma_serve_error_of(&x->error, rc, &err, "id");
        roma_serve_fail(x);
        return;
    }
    if (strcmp(id, s->name) == 0 || named(s, id)) {
        roma_serve_error(&x->error, 409, "already_loaded", "id", "a model of the name %s is there", id);
        roma_serve_fail(x);
        return;
    }
    *a = (adapter){.state = ADAPTER_LOADING, .from_folder = true};
    roma_print(a->name, sizeof a->name, "%s", id);
    x->adapter_at = (size_t)(a - s->adapters);
    roma_serve_work(x, load, loaded);
}

/* ---- unload ---- */

static void unload(exchange *x) {
    roma_error err;
    x->rc = roma_answer_adapter_close(x->s->answer, x->s->adapters[x->adapter_at].name, &err);
    if (x->rc) roma_serve_error_of(&x->error, x->rc, &err, "id");
}

static void unloaded(exchange *x) {
    adapter *a = &x->s->adapters[x->adapter_at];
    roma_buf b = {0};
    roma_json j = {.out = &b};
    if (x->rc) {
        a->state = ADAPTER_READY;
        if (x->rc == ROMA_EBUSY)
            x->error.status = 409, x->error.code = "adapter_in_use", x->error.type = "invalid_request_error";
        roma_serve_fail(x);
        return;
    }
    a->state = ADAPTER_FREE;
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "id", a->name);
    roma_json_string(&j, "object", "adapter");
    roma_json_bool(&j, "deleted", true);
    roma_json_close(&j, '}');
    roma_serve_reply(x, 200, &b);
}

void roma_serve_adapter_unload(exchange *x, const roma_http_request *q) {
    static const char before[] = "/v1/adapters/";
    roma_serve *s = x->s;
    char name[256];
    const roma_http_text rest = {q->path.text + sizeof before - 1, q->path.len - (sizeof before - 1)};
    const size_t n = roma_http_unescape(name, sizeof name, rest);
    adapter *a = n < sizeof name && roma_serve_is_name(name, n) ? named(s, name) : NULL;
    if (!a || a->state != ADAPTER_READY) {
        roma_serve_error(&x->error, 404, "adapter_not_found", "id",
                         "no adapter of this name is loaded; /v1/adapters lists those that are");
        roma_serve_fail(x);
        return;
    }
    a->state = ADAPTER_LEAVING; /* no new request finds it */
    x->adapter_at = (size_t)(a - s->adapters);
    roma_serve_work(x, unload, unloaded);
}
