/* Names of the chat templates, and their recognition in a model file. A template there is a program in Jinja;
 * it is never run. What it writes - its string literals - says which of the built-in ones it is, and what is
 * not understood whole is not recognised: a conversation in a wrong form is worse than none. */
#include <string.h>
#include "text.h"

const char *roma_text_template_name(roma_template_kind k) {
    switch (k) {
#define X(name, value, text, help)                                                                                     \
    case ROMA_TEMPLATE_##name: return text;
        ROMA_TEMPLATES(X)
#undef X
    }
    return NULL;
}

int roma_text_template_find(const char *name) {
#define X(id, value, text, help)                                                                                       \
    if (strcmp(name, text) == 0) return ROMA_TEMPLATE_##id;
    ROMA_TEMPLATES(X)
#undef X
    return -1;
}

typedef struct {
    const char *p, *end;
} jinja;

static const char *find_from(jinja j, const char *from, const char *what) {
    const size_t left = (size_t)(j.end - from), n = strlen(what);
    return left < n ? NULL : memmem(from, left, what, n);
}

static bool has(jinja j, const char *what) { return find_from(j, j.p, what) != NULL; }

static bool starts(jinja j, const char *at, const char *what) {
    const size_t n = strlen(what);
    return (size_t)(j.end - at) >= n && memcmp(at, what, n) == 0;
}

/* Past a line end as a string literal holds it: the two characters \n, or the line end itself. */
static const char *past_newline(jinja j, const char *at) {
    if (starts(j, at, "\\n")) return at + 2;
    return at < j.end && *at == '\n' ? at + 1 : at;
}

/* A default system message set as a variable, in a branch that can be reached. */
static bool sets_default(jinja j) {
    static const char set[] = "set system_message = ";
    if (has(j, "false == true")) return false;
    for (const char *p = j.p; (p = find_from(j, p, set)) != NULL;) {
        p += sizeof set - 1;
        if (j.end - p >= 2 && (*p == '\'' || *p == '"') && p[1] != *p) return true;
    }
    return false;
}

/* The ChatML kind whose default system message is written at p; CHATML when there is none. */
static roma_template_kind chatml_default(jinja j, const char *p) {
    static const struct {
        const char *text;
        roma_template_kind kind;
    } known[] = {
        {"You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>", ROMA_TEMPLATE_SMOLLM2},
        {"You are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>", ROMA_TEMPLATE_QWEN},
        {"You are a helpful assistant.<|im_end|>", ROMA_TEMPLATE_QWEN2},
        {"You are a helpful assistant<|im_end|>", ROMA_TEMPLATE_QWEN15},
    };
    if (p == j.end || *p == '\'' || *p == '"' || *p == '{') return ROMA_TEMPLATE_CHATML;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (starts(j, p, known[i].text)) return known[i].kind;
    return ROMA_TEMPLATE_NONE;
}

static roma_template_kind chatml(jinja j) {
    static const char system[] = "<|im_start|>system";
    roma_template_kind kind = ROMA_TEMPLATE_CHATML;
    if (sets_default(j) || has(j, "<|im_start|>assistant\\n<think>") || has(j, "<|im_start|>assistant\n<think>"))
        return ROMA_TEMPLATE_NONE;
    for (const char *p = j.p; (p = find_from(j, p, system)) != NULL;) {
        p = past_newline(j, p + sizeof system - 1);
        const roma_template_kind k = chatml_default(j, p);
        if (k == ROMA_TEMPLATE_NONE) return k;
        if (k != ROMA_TEMPLATE_CHATML) kind = k;
    }
    if (has(j, "</think>") || has(j, "enable_thinking"))
        return kind == ROMA_TEMPLATE_CHATML && has(j, "last_query_index") ? ROMA_TEMPLATE_QWEN3 : ROMA_TEMPLATE_NONE;
    if (!has(j, "bos_token")) return kind;
    return kind == ROMA_TEMPLATE_CHATML ? ROMA_TEMPLATE_CHATML_BOS : ROMA_TEMPLATE_NONE;
}

static roma_template_kind llama3(jinja j) {
    if (sets_default(j) || !has(j, "<|eot_id|>") || !has(j, "bos_token")) return ROMA_TEMPLATE_NONE;
    if (!has(j, "Cutting Knowledge Date")) return ROMA_TEMPLATE_LLAMA3;
    const bool same = has(j, "Cutting Knowledge Date: December 2023") && has(j, "\"26 Jul 2024\"");
    return same ? ROMA_TEMPLATE_LLAMA31 : ROMA_TEMPLATE_NONE;
}

static roma_template_kind inst(jinja j) {
    if (sets_default(j) || has(j, "[SYSTEM_PROMPT]") || has(j, "[AVAILABLE_TOOLS]")) return ROMA_TEMPLATE_NONE;
    if (!has(j, "bos_token") || !has(j, "eos_token")) return ROMA_TEMPLATE_NONE;
    if (!has(j, "' [/INST]'") && !has(j, "\" [/INST]\"")) return ROMA_TEMPLATE_NONE;
    if (has(j, "<<SYS>>")) {
        const bool same = has(j, "bos_token + '[INST] '") && has(j, "content.strip()") && has(j, "+ ' ' + eos_token");
        return same ? ROMA_TEMPLATE_LLAMA2 : ROMA_TEMPLATE_NONE;
    }
    if (has(j, "' [INST] '") || has(j, "\" [INST] \"")) return ROMA_TEMPLATE_MISTRAL_SYSTEM;
    return has(j, "eos_token + ' '") || has(j, "eos_token + \" \"") ? ROMA_TEMPLATE_MISTRAL_V01 : ROMA_TEMPLATE_MISTRAL;
}

roma_template_kind roma_text_template_recognise(const char *text, size_t len) {
    if (!len) return ROMA_TEMPLATE_NONE;
    const jinja j = {text, text + len};
    if (has(j, "<|im_start|>")) return chatml(j);
    if (has(j, "<|start_header_id|>")) return llama3(j);
    if (has(j, "[INST]")) return inst(j);
    if (has(j, "<|user|>\\n") || has(j, "<|user|>\n")) {
        const bool other = has(j, "<|end|>") || has(j, "[gMASK]") || has(j, "bos_token") || sets_default(j);
        return !other && has(j, "<|assistant|>") && has(j, "eos_token") ? ROMA_TEMPLATE_ZEPHYR : ROMA_TEMPLATE_NONE;
    }
    return ROMA_TEMPLATE_NONE;
}
