/* Where a simulation's files are, and the adapters that ride; contract in cosim_setup.h. */
#include "cosim_setup.h"
#include "roma/convert.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- files ---- */

/* A file of the source tree: where make install puts such files beside the program, or in the tree that the program was
 * built in. */
static bool find_beside(const char *file, char *out, size_t cap) {
    static const char *const beside[] = {"/../share/roma/", "/../"};
    char self[4096];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    char *slash = strrchr(self, '/');
    if (slash) *slash = 0;
    for (size_t i = 0; slash && i < sizeof beside / sizeof *beside; i++) {
        char probe[8300];
        roma_print(probe, sizeof probe, "%s%s%s", self, beside[i], file);
        char *real = is_file(probe) ? realpath(probe, NULL) : NULL;
        if (!real) continue;
        roma_print(out, cap, "%s", real);
        free(real);
        return true;
    }
    return false;
}

int cosim_find_rtl(const char *given, char *out, size_t cap, roma_error *err) {
    static const char known[] = "rtl/cosim/main.cpp";
    if (given) { /* Verilator runs in a folder of its own */
        char main[4096];
        char *real = roma_print(main, sizeof main, "%s/cosim/main.cpp", given) < (int)sizeof main && is_file(main)
                         ? realpath(given, NULL)
                         : NULL;
        if (!real)
            return roma_fail(err, ROMA_EINPUT, given, ROMA_NOWHERE,
                             "no folder of Verilog blocks: cosim/main.cpp is not in it");
        roma_print(out, cap, "%s", real);
        free(real);
        return ROMA_OK;
    }
    if (!find_beside(known, out, cap))
        return roma_fail(
            err, ROMA_EIO, "", ROMA_NOWHERE,
            "the chip's Verilog blocks are neither under share/roma nor beside the program; --rtl DIR names them");
    out[strlen(out) - strlen(strchr(known, '/'))] = 0;
    return ROMA_OK;
}

int cosim_find_cache(char *out, size_t cap, roma_error *err) {
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (xdg && *xdg)
        roma_print(out, cap, "%s/roma/cosim", xdg);
    else if (home && *home)
        roma_print(out, cap, "%s/.cache/roma/cosim", home);
    else
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no folder for simulators: set HOME or XDG_CACHE_HOME");
    return ROMA_OK;
}

int cosim_tiny_image(char *out, size_t cap, roma_error *err) {
    char model[4096];
    const char *folder = getenv("TMPDIR");
    if (!find_beside("models/tiny/tiny-q4.gguf", model, sizeof model))
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE,
                         "the tiny model is neither under share/roma nor beside the program; --image IMAGE names "
                         "another one");
    roma_print(out, cap, "%s/roma-tiny-%ld.roma", folder && *folder ? folder : "/tmp", (long)getpid());
    const roma_convert_config c = {.model = model, .image = out};
    roma_convert_report made;
    const int rc = roma_convert(&c, NULL, &made, err);
    if (!rc) roma_convert_report_destroy(&made);
    return rc;
}

/* ---- adapters ---- */

/* POSITION:FILE[:SCALE]; *file is what stands behind the first colon. */
static int read_position(const char *text, uint32_t *position, const char **file, roma_error *err) {
    const size_t digits = strspn(text, "0123456789");
    uint64_t v = 0;
    char shown[64];
    if (!digits || text[digits] != ':' || !roma_json_to_u64(text, digits, &v) || !v || v > INT32_MAX) {
        roma_error_name(shown, sizeof shown, text, strlen(text));
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "--lora-at %s: POSITION:FILE[:SCALE], from position 1 on; --lora has those before", shown);
    }
    *position = (uint32_t)v;
    *file = text + digits + 1;
    return ROMA_OK;
}

/* The next set in the order of positions: the least one behind the last set's. */
static int next_set(cosim_sets *c, session *s, bool any_base, const text_list *at, roma_error *err) {
    const uint32_t last = c->set[c->n - 1].position;
    const char *files[ROMA_EXEC_STACK_MAX];
    uint32_t next = UINT32_MAX, position = 0;
    size_t n = 0;
    for (size_t i = 0; i < at->n; i++) {
        const char *file = "";
        const int rc = read_position(at->item[i], &position, &file, err);
        if (rc) return rc;
        if (position <= last || position > next) continue;
        if (position < next) n = 0;
        next = position;
        if (n == ROMA_EXEC_STACK_MAX)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "more than %d adapters at once", ROMA_EXEC_STACK_MAX);
        if (*file) files[n++] = file;
    }
    if (next == UINT32_MAX) return ROMA_OK;
    if (c->n == COSIM_SETS_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--lora-at: more than %d positions", COSIM_SETS_MAX - 1);
    c->set[c->n].position = next;
    const int rc = loras_open(&c->list[c->n], s->a, any_base, files, n, err);
    c->n++;
    return rc;
}

int cosim_sets_open(cosim_sets *c, session *s, bool any_base, const text_list *at, roma_error *err) {
    memset(c, 0, sizeof *c);
    loras_copy(&c->list[0], &s->loras);
    c->n = 1;
    for (size_t before = 0; before != c->n;) {
        before = c->n;
        const int rc = next_set(c, s, any_base, at, err);
        if (rc) return rc;
    }
    return ROMA_OK;
}

static uint32_t index_of(cosim_sets *c, const char *name) {
    uint32_t i = 0;
    while (i < c->n_adapters && strcmp(c->name[i], name) != 0) i++;
    if (i == c->n_adapters && i < COSIM_ADAPTERS_MAX) c->name[c->n_adapters++] = name;
    return i;
}

int cosim_sets_load(cosim_sets *c, session *s, roma_error *err) {
    for (size_t i = 0; i < c->n; i++) {
        roma_cosim_set *set = &c->set[i];
        const lora_list *l = &c->list[i];
        const int rc = roma_answer_adapters_load(s->a, l->item, l->n, &set->set, err);
        if (rc) return rc;
        set->adapters = c->index[i], set->factors = c->factor[i];
        for (size_t k = 0; k < l->n; k++) {
            if (!(l->item[k].factor < 0 || l->item[k].factor > 0)) continue; /* switched off */
            const uint32_t at = index_of(c, l->item[k].name);
            if (at == COSIM_ADAPTERS_MAX)
                return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "more than %d adapters", COSIM_ADAPTERS_MAX);
            c->adapter[at] = roma_answer_adapter_find(s->a, l->item[k].name);
            c->index[i][set->n] = at, c->factor[i][set->n++] = l->item[k].factor;
        }
    }
    return ROMA_OK;
}
