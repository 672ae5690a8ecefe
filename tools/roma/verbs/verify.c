/* roma verify: every check that a file allows. Damage is exit code 1 here, and 2 for the verbs that would use the file.
 */
#include "adapter.h"
#include "roma/adapter.h"
#include "roma/import.h"

#include <stdlib.h>
#include <string.h>

static int check_gguf(const char *path, char **notes, roma_error *err) {
    roma_import imp;
    int rc = roma_import_open(&imp, path, err);
    if (rc) return rc;
    rc = roma_import_check_values(&imp, &progress, err);
    if (!rc) {
        warn("verify", path, imp.notes);
        *notes = strdup(imp.notes);
    }
    roma_import_close(&imp);
    return rc == ROMA_EINPUT ? err->code = ROMA_EDAMAGED : rc;
}

static int check_image(const char *path, uint32_t threads, roma_error *err) {
    roma_team *team;
    int rc = roma_team_create(&team, threads ? (int)threads : roma_cpu_count(), err);
    if (rc) return rc;
    rc = roma_image_verify(path, team, &progress, err);
    roma_team_destroy(team);
    return rc;
}

int verb_verify(int argc, char **argv) {
    const char *operand[OPERANDS_MAX];
    bool as_json = false;
    uint32_t threads = 0;
    size_t n;
    const option own[] = {{"threads", 't', OPT_COUNT, &threads, "N", 1, 64, "threads (default: all CPUs)"},
                          {"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
                          {0}};
    const usage u = {
        "verify",
        "IMAGE|ADAPTER|MODEL.gguf [options]",
        "Checks everything: structure, the checksum of every section, the file's SHA-256, the base identity, that "
        "scales\n"
        "are finite and padding is zero. Of a GGUF file, which has no checksum, only that it is well formed; build\n"
        "--sha256 compares its hash. Exit code 1 when damage is found, 2 when the file is none of ours.",
        "roma verify model.roma && echo intact",
        own,
        NULL,
        1,
        1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    char *notes = NULL;
    roma_error err = {.offset = ROMA_NOWHERE};
    const bool is_gguf = roma_gguf_is(operand[0]);
    rc = is_gguf                  ? check_gguf(operand[0], &notes, &err)
         : is_adapter(operand[0]) ? roma_adapter_verify(operand[0], &progress, &err)
                                  : check_image(operand[0], threads, &err);
    progress_end();
    const int exit_code = rc == ROMA_EDAMAGED ? 1 : roma_error_exit(rc);
    if (rc) fail("verify", &err);
    if (!as_json) {
        free(notes);
        if (!rc) printf("%s: %s\n", operand[0], is_gguf ? "well formed; GGUF holds no checksum to compare" : "intact");
        return finish("verify", exit_code);
    }
    roma_buf b = {0};
    roma_json j = {.out = &b};
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "file", operand[0]);
    roma_json_bool(&j, "ok", !rc);
    if (rc) {
        roma_json_string(&j, "error", err.text);
        if (err.offset != ROMA_NOWHERE) roma_json_int(&j, "offset", (int64_t)err.offset);
    }
    warn_json(&j, notes);
    free(notes);
    roma_json_close(&j, '}');
    roma_buf_append(&b, "\n", 1);
    return print_page("verify", &b, exit_code);
}
