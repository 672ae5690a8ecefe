/* Writes the seeds of fuzz_gguf into a folder: small models of every architecture, tokenizer and tensor type. */
#include <stdio.h>
#include "../tests/import/gguf_build.h"

static void put(const char *dir, const char *name, b_file *f) {
    char path[512];
    roma_buf out = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    b_write(f, &out);
    FILE *to = fopen(path, "wb");
    if (!to || fwrite(out.data, 1, out.len, to) != out.len || fclose(to)) abort();
    roma_buf_destroy(&out);
    b_free(f);
}

static b_shape tiny(const char *arch) {
    b_shape s = b_small(arch);
    s.hidden = s.ffn = 32;
    s.heads = 2;
    s.kv = s.layers = 1;
    return s;
}

static void mixed(b_file *f) {
    static const struct {
        const char *name;
        uint32_t type;
    } types[] = {{"token_embd.weight", 14},   {"blk.0.attn_q.weight", 10},     {"blk.0.attn_k.weight", 11},
                 {"blk.0.attn_v.weight", 13}, {"blk.0.attn_output.weight", 3}, {"blk.0.ffn_gate.weight", 12},
                 {"blk.0.ffn_up.weight", 34}, {"blk.0.ffn_down.weight", 20},   {"blk.0.attn_norm.weight", 1},
                 {"output_norm.weight", 30}};
    b_shape s = tiny("llama");
    s.hidden = 256;
    s.tokenizer = false;
    b_model(f, &s);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        b_tensor *t = b_tensor_find(f, types[i].name);
        t->type = types[i].type;
        b_fill(t);
    }
    b_tensor_add(f, "rope_freqs.weight", 0, 8, 0);
    b_add(f, "general.alignment", "u32 64");
    f->align = 64;
}

int main(int argc, char **argv) {
    static b_file f;
    if (argc != 2) return 2;
    b_shape s = tiny("llama");
    b_model(&f, &s);
    put(argv[1], "bpe", &f);
    s.spm = true;
    b_model(&f, &s);
    put(argv[1], "spm", &f);
    s = tiny("qwen2");
    s.type = 2;
    b_model(&f, &s);
    b_set(&f, "tokenizer.ggml.pre", "str qwen2");
    put(argv[1], "qwen2", &f);
    s = tiny("qwen3");
    s.type = 7;
    b_model(&f, &s);
    put(argv[1], "qwen3", &f);
    mixed(&f);
    put(argv[1], "mixed", &f);
    return 0;
}
