/* Keys of tokenizer_config.json and generation_config.json that nobody here obeys: those that change nothing, those
 * that must be off, and all others, which a note names. */
#include "hf.h"

typedef enum {
    FINE,    /* changes nothing here, whatever it is */
    FALSE,   /* must be false or null */
    NEUTRAL, /* says nothing at one number, 0 standing for false too */
} rule;

typedef struct {
    const char *key;
    rule rule;
    double value; /* of NEUTRAL */
} known;

/* clang-format off */
static const known of_tokenizer[] = {
    /* what a file is; batches, which are never padded or cut; the decoder's clean-up, which transformers leaves out for BPE */
    {"auto_map", FINE, 0}, {"backend", FINE, 0}, {"clean_up_tokenization_spaces", FINE, 0}, {"device_map", FINE, 0},
    {"do_lower_case", NEUTRAL, 0}, {"errors", FINE, 0}, {"files_loaded", FINE, 0}, {"from_slow", FINE, 0},
    {"is_local", FINE, 0}, {"local_files_only", FINE, 0}, {"max_length", FINE, 0}, {"max_len", FINE, 0}, {"merges_file", FINE, 0},
    {"model_input_names", FINE, 0}, {"model_max_length", FINE, 0}, {"name_or_path", FINE, 0}, {"pad_to_multiple_of", FINE, 0},
    {"pad_token_type_id", FINE, 0}, {"padding", FINE, 0}, {"padding_side", FINE, 0}, {"processor_class", FINE, 0},
    {"return_token_type_ids", FINE, 0}, {"spaces_between_special_tokens", FINE, 0}, {"special_tokens_map_file", FINE, 0},
    {"stride", FINE, 0}, {"tokenizer_class", FINE, 0}, {"tokenizer_file", FINE, 0}, {"trim_offsets", FINE, 0},
    {"truncation", FINE, 0}, {"truncation_side", FINE, 0}, {"truncation_strategy", FINE, 0}, {"trust_remote_code", FINE, 0},
    {"unk_id", FINE, 0}, {"use_default_system_prompt", FINE, 0}, {"use_fast", FINE, 0}, {"verbose", FINE, 0},
    {"vocab_file", FINE, 0},
    /* other tokens, or another text, than here */
    {"clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output", FALSE, 0}, {"split_special_tokens", FALSE, 0},
    {NULL, FINE, 0}};

static const known of_generation[] = {
    {"bos_token_id", FINE, 0}, {"eos_token_id", FINE, 0}, {"pad_token_id", FINE, 0}, {"unk_token_id", FINE, 0},
    {"decoder_start_token_id", FINE, 0}, {"_commit_hash", FINE, 0}, {"_from_model_config", FINE, 0},
    {"transformers_version", FINE, 0}, {"trust_remote_code", FINE, 0},
    /* memory and speed */
    {"cache_config", FINE, 0}, {"cache_implementation", FINE, 0}, {"compile_config", FINE, 0}, {"disable_compile", FINE, 0},
    {"low_memory", FINE, 0}, {"max_cache_len", FINE, 0}, {"prefill_chunk_size", FINE, 0}, {"use_cache", FINE, 0},
    {"continuous_batching_config", FINE, 0},
    /* what is given back beside the text */
    {"output_attentions", FINE, 0}, {"output_hidden_states", FINE, 0}, {"output_logits", FINE, 0}, {"output_scores", FINE, 0},
    {"return_dict_in_generate", FINE, 0}, {"remove_invalid_values", FINE, 0},
    /* proposals, which change no answer */
    {"assistant_confidence_threshold", FINE, 0}, {"assistant_early_exit", FINE, 0}, {"assistant_ensemble_weight", NEUTRAL, 0},
    {"assistant_lookbehind", FINE, 0}, {"is_assistant", FINE, 0}, {"max_matching_ngram_size", FINE, 0},
    {"num_assistant_tokens", FINE, 0}, {"num_assistant_tokens_schedule", FINE, 0}, {"prompt_lookup_num_tokens", FINE, 0},
    {"speculation_type", FINE, 0}, {"target_lookbehind", FINE, 0}, {"use_mtp", FINE, 0},
    /* transformers' own defaults */
    {"diversity_penalty", NEUTRAL, 0}, {"do_sample", NEUTRAL, 0}, {"early_stopping", NEUTRAL, 0},
    {"encoder_no_repeat_ngram_size", NEUTRAL, 0}, {"encoder_repetition_penalty", NEUTRAL, 1}, {"epsilon_cutoff", NEUTRAL, 0},
    {"eta_cutoff", NEUTRAL, 0}, {"length_penalty", NEUTRAL, 1}, {"max_length", FINE, 0}, {"min_length", NEUTRAL, 0},
    {"min_p", NEUTRAL, 0}, {"no_repeat_ngram_size", NEUTRAL, 0}, {"num_beam_groups", NEUTRAL, 1}, {"num_beams", NEUTRAL, 1},
    {"num_return_sequences", NEUTRAL, 1}, {"repetition_penalty", NEUTRAL, 1}, {"temperature", NEUTRAL, 1},
    {"token_healing", NEUTRAL, 0}, {"top_k", NEUTRAL, 50}, {"top_p", NEUTRAL, 1}, {"typical_p", NEUTRAL, 1},
    {NULL, FINE, 0}};
/* clang-format on */

/* Reads over the value. *says: it is not null, false, `value` or empty. */
static int read_over(roma_json_reader *j, double value, bool *says, roma_error *err) {
    const bool open = j->kind == ROMA_JSON_OBJECT || j->kind == ROMA_JSON_ARRAY;
    const uint32_t depth = j->depth;
    double v;
    int rc = ROMA_OK;
    *says = !open && j->kind != ROMA_JSON_NULL && j->kind != ROMA_JSON_FALSE;
    if (j->kind == ROMA_JSON_NUMBER && roma_json_to_real(j->text, j->len, &v)) *says = v < value || v > value;
    while (open && !(rc = roma_json_read_next(j, err)) && j->depth >= depth) *says = true;
    return rc;
}

int roma_import_hf_pass(roma_json_reader *j, bool generation, const char *key, roma_buf *names, roma_error *err) {
    const known *k = generation ? of_generation : of_tokenizer;
    const size_t at = j->at;
    bool says;
    while (k->key && strcmp(key, k->key) != 0) k++;
    const int rc = read_over(j, k->value, &says, err);
    if (rc || !says || (k->key && k->rule == FINE)) return rc;
    if (k->key && k->rule == FALSE)
        return roma_json_read_fail_key(j, at, ROMA_EUNSUPPORTED, err, key,
                                       "it must be false: tokens or texts would be others, which is not supported");
    if (names->len < HF_PASSED_MAX)
        roma_buf_print(names, "%s%s", names->len ? ", " : "", names->len + strlen(key) < HF_PASSED_MAX ? key : "...");
    return ROMA_OK;
}

void roma_import_hf_note_passed(const char *file, const char *names, size_t len, const char *instead, roma_buf *notes) {
    if (len) roma_buf_print(notes, "keys of %s that are passed over: %.*s%s\n", file, (int)len, names, instead);
}
