/* Names of tensors to roles: one table for GGUF's names, those of Hugging Face's folders, and the modules of PEFT. */
#include <string.h>
#include "gguf.h"

/* Role; GGUF's name, behind "blk.N." where each layer has one; Hugging Face's, behind "model.layers.N." there. */
static const struct {
    uint32_t role;
    const char *name[2];
} names[] = {
    {ROMA_W_EMBED, {"token_embd.weight", "model.embed_tokens.weight"}},
    {ROMA_W_HEAD, {"output.weight", "lm_head.weight"}},
    {ROMA_W_FINAL_NORM, {"output_norm.weight", "model.norm.weight"}},
    {ROMA_W_ATTN_NORM, {"attn_norm.weight", "input_layernorm.weight"}},
    {ROMA_W_Q, {"attn_q.weight", "self_attn.q_proj.weight"}},
    {ROMA_W_K, {"attn_k.weight", "self_attn.k_proj.weight"}},
    {ROMA_W_V, {"attn_v.weight", "self_attn.v_proj.weight"}},
    {ROMA_W_O, {"attn_output.weight", "self_attn.o_proj.weight"}},
    {ROMA_W_Q_BIAS, {"attn_q.bias", "self_attn.q_proj.bias"}},
    {ROMA_W_K_BIAS, {"attn_k.bias", "self_attn.k_proj.bias"}},
    {ROMA_W_V_BIAS, {"attn_v.bias", "self_attn.v_proj.bias"}},
    {ROMA_W_O_BIAS, {"attn_output.bias", "self_attn.o_proj.bias"}},
    {ROMA_W_Q_NORM, {"attn_q_norm.weight", "self_attn.q_norm.weight"}},
    {ROMA_W_K_NORM, {"attn_k_norm.weight", "self_attn.k_norm.weight"}},
    {ROMA_W_FFN_NORM, {"ffn_norm.weight", "post_attention_layernorm.weight"}},
    {ROMA_W_GATE, {"ffn_gate.weight", "mlp.gate_proj.weight"}},
    {ROMA_W_UP, {"ffn_up.weight", "mlp.up_proj.weight"}},
    {ROMA_W_DOWN, {"ffn_down.weight", "mlp.down_proj.weight"}},
    {ROMA_W_GATE_BIAS, {"ffn_gate.bias", "mlp.gate_proj.bias"}},
    {ROMA_W_UP_BIAS, {"ffn_up.bias", "mlp.up_proj.bias"}},
    {ROMA_W_DOWN_BIAS, {"ffn_down.bias", "mlp.down_proj.bias"}},
};

static uint32_t role_of(import_naming naming, const char *name, size_t len, bool layered) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *known = names[i].name[naming];
        if (roma_tensor_role_is_layered(names[i].role) == layered && strlen(known) == len &&
            memcmp(known, name, len) == 0)
            return names[i].role;
    }
    return 0;
}

size_t roma_import_layer(const char *name, size_t len, uint32_t *layer) {
    uint32_t n = 0;
    size_t i = 0;
    for (; i < len && i < 5 && name[i] >= '0' && name[i] <= '9'; i++) n = n * 10 + (uint32_t)(name[i] - '0');
    if (i == 0 || i == len || name[i] != '.' || (name[0] == '0' && i > 1)) return 0;
    *layer = n;
    return i + 1;
}

bool roma_import_role(import_naming naming, const char *name, size_t len, uint32_t *role, uint32_t *layer) {
    static const char *const prefix[] = {"blk.", "model.layers."};
    const size_t skip = strlen(prefix[naming]);
    *layer = 0;
    size_t n = 0;
    if (len > skip && memcmp(name, prefix[naming], skip) == 0) n = roma_import_layer(name + skip, len - skip, layer);
    if (n) n += skip;
    *role = role_of(naming, name + n, len - n, n > 0);
    return *role != 0;
}

bool roma_gguf_tensor(const char *name, size_t len, uint32_t *role, uint32_t *layer) {
    return roma_import_role(IMPORT_GGUF, name, len, role, layer);
}
