/* What a file is, for whoever was given another kind than he reads. */
#include "roma/base.h"

#include <string.h>
#include <unistd.h>

enum { LOOKED_AT = 65536 };

static const struct {
    char magic[9];
    const char *text;
} known[] = {
    {"ROMA\x1a\n\r\n", "a ROM image; `roma run`, `roma chat` and `roma inspect` take it"},
    {"LORA\x1a\n\r\n", "an adapter; --lora takes it, `roma adapter inspect` shows it"},
    {"CACH\x1a\n\r\n", "a saved cache; `/load FILE` of `roma chat` takes it"},
    {"FUGG", "a GGUF file in big-endian byte order; convert the original model anew, as little-endian"},
    {"lmgg", "an old GGML file; convert the original model to GGUF with a current llama.cpp"},
    {"fmgg", "an old GGML file (ggmf); convert the original model to GGUF with a current llama.cpp"},
    {"tjgg", "an old GGML file (ggjt); convert the original model to GGUF with a current llama.cpp"},
    {"algg", "an old GGML adapter; convert the original to GGUF with a current llama.cpp"},
    {"PK\3\4", "a zip archive, probably a PyTorch pickle; convert the model to safetensors or GGUF"},
    {"\x1f\x8b", "a gzip archive; unpack it"},
};

static bool holds(const char *data, size_t n, const char *text) { return memmem(data, n, text, strlen(text)) != NULL; }

/* The first line that says anything is a section, or an assignment behind nothing but comments. */
static bool is_chip(const char *text, size_t n) {
    size_t at = 0;
    while (at < n) {
        const char *line = text + at, *end = memchr(line, '\n', n - at);
        const size_t len = end ? (size_t)(end - line) : n - at;
        const size_t blank = strspn(line, " \t\r");
        if (len > blank && line[blank] != ';') return line[blank] == '[' || memchr(line, '=', len) != NULL;
        at += len + 1;
    }
    return false;
}

static const char *kind_of_text(const char *text, size_t n) {
    const size_t blank = strspn(text, " \t\r\n");
    if (blank < n && text[blank] == '{' && holds(text, n, "\"model_type\""))
        return "a model's config.json; `roma build` takes its folder, `roma sim --shape` takes it";
    if (blank < n && (text[blank] == '{' || text[blank] == '[') && holds(text, n, "\":")) return "a JSON file";
    if (is_chip(text, n)) return "a chip file; --chip and `roma chip` take it";
    return "a text; -f takes it";
}

static bool is_text(const char *data, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!data[i] || ((unsigned char)data[i] < 0x20 && !strchr("\t\n\r\f", data[i]))) return false;
    return n > 0;
}

const char *roma_kind_of(const void *data, size_t size) {
    char head[LOOKED_AT + 1];
    const size_t n = size < LOOKED_AT ? size : LOOKED_AT;
    if (n) memcpy(head, data, n);
    head[n] = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n >= strlen(known[i].magic) && memcmp(head, known[i].magic, strlen(known[i].magic)) == 0)
            return known[i].text;
    if (n > 4 && memcmp(head, "GGUF", 4) == 0)
        return holds(head, n, "adapter.type") ? "a GGUF adapter; `roma adapter build` makes an adapter of it"
                                              : "a GGUF model; `roma build` makes an image of it";
    if (n > 9 && !head[7] && head[8] == '{')
        return "a safetensors file; `roma build` and `roma adapter build` take the folder that it lies in";
    return is_text(head, n) ? kind_of_text(head, n) : "a file of no kind that is known here";
}

static bool is_in(const char *folder, const char *name) {
    char path[4096];
    return roma_print(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && access(path, F_OK) == 0;
}

const char *roma_kind_of_folder(const char *path) {
    if (is_in(path, "adapter_config.json"))
        return "a folder with an adapter; `roma adapter build` makes an adapter of it";
    if (is_in(path, "config.json")) return "a folder with a model; `roma build` makes an image of it";
    if (is_in(path, "chip.v")) return "a folder of Verilog; `roma rtl` made it";
    return "a folder";
}
