/* Keys of Hugging Face's config.json that give no width: those that must say nothing, or 1, and those that never change
 * what a model computes. */
#include "model/config.h"

/* clang-format off */
/* Each must be off: null, false, 0, an empty list or object. */
static const char *const off[] = {
    "add_cross_attention", "alibi", "attention_chunk_size", "attention_multiplier", "attention_out_bias",
    "attn_logit_softcapping", "bias", "clip_qkv", "cross_attention_layers", "dual_chunk_attention_config",
    "final_logit_softcapping", "is_encoder_decoder", "kv_lora_rank", "mlp_only_layers", "n_routed_experts",
    "new_decoder_architecture", "no_rope_layers", "num_experts", "num_local_experts", "parallel_attn", "per_layer_config",
    "pruned_heads", "q_lora_rank", "qk_layernorm", "query_pre_attn_scalar", "rope_interleave", "rope_interleaved",
    "scale_depth", "swiglu_limit", "text_config", "use_bias", "use_bidirectional_attention", "use_mrope",
    "use_parallel_residual", "use_qk_norm", "vision_config"};
/* Factors: each must be 1, or null. */
static const char *const one[] = {
    "embedding_multiplier", "logit_scale", "logits_scaling", "partial_rotary_factor", "residual_multiplier", "rotary_pct",
    "scale_emb"};
/* What a file is, how it was trained and is run; ids, which the tokenizer's reader reads. */
static const char *const fine[] = {
    "_attn_implementation", "_attn_implementation_autoset", "_commit_hash", "_name_or_path", "attention_dropout",
    "attn_implementation", "bos_token_id", "chunk_size_feed_forward", "classifier_dropout", "compression_config",
    "cross_attention_hidden_size", "decoder_start_token_id", "dtype", "embd_pdrop", "eos_token_id", "finetuning_task",
    "hidden_dropout", "id2label", "initializer_range", "is_decoder", "label2id", "model_max_length", "name_or_path",
    "num_labels", "output_attentions", "output_hidden_states", "output_router_logits", "pad_token_id", "prefix",
    "pretraining_tp", "problem_type", "quantization_config", "resid_pdrop", "return_dict", "router_aux_loss_coef",
    "sep_token_id", "task_specific_params", "tf_legacy_loss", "tie_encoder_decoder", "tokenizer_class", "torch_dtype",
    "torchscript", "transformers_version", "unk_token_id", "unsloth_fixed", "unsloth_version", "use_bfloat16", "use_cache"};
/* clang-format on */

static bool is_in(const char *const *list, size_t n, const char *key) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(key, list[i]) == 0) return true;
    return false;
}

config_key roma_model_config_key(const char *key) {
    return is_in(off, sizeof off / sizeof *off, key)      ? CONFIG_OFF
           : is_in(one, sizeof one / sizeof *one, key)    ? CONFIG_ONE
           : is_in(fine, sizeof fine / sizeof *fine, key) ? CONFIG_FINE
                                                          : CONFIG_UNKNOWN;
}
