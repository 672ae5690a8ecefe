/* Files that must be refused, one line each: what is done to a good file, the code, and words of the message. Lines
 * that begin with an id are what broke other readers (CVE, advisory, issue). */
#include "../test.h"
#include "gguf_spoil.h"

enum { BPE, SPM, QWEN2, QWEN3, BARE };

typedef struct {
    const char *id;
    int base;
    const char *commands;
    int code;
    const char *text;
} bad_case;

#define DAMAGED ROMA_EDAMAGED
#define UNSUPPORTED ROMA_EUNSUPPORTED
#define INPUT ROMA_EINPUT
#define Q "blk.0.attn_q.weight"
#define MAX64 "0xffffffffffffffff"

/* clang-format off */
static const bad_case cases[] = {
    /* the first bytes */
    {"empty file", BPE, "cut 0", DAMAGED, "ends after 0 bytes"},
    {"CVE-2024-39720: 4-byte file", BPE, "cut 4", DAMAGED, "inside its header"},
    {"header cut", BPE, "cut 23", DAMAGED, "inside its header"},
    {"not GGUF", BPE, "hex 0 11223344", INPUT, "does not begin with"},
    {"old ggml", BPE, "hex 0 6c6d6767", UNSUPPORTED, "old GGML"},
    {"old ggjt", BPE, "hex 0 746a6767", UNSUPPORTED, "ggjt"},
    {"a zip", BPE, "hex 0 504b0304", UNSUPPORTED, "zip archive"},
    {"byte-swapped magic", BPE, "hex 0 46554747", UNSUPPORTED, "big-endian"},
    {"big-endian", BPE, "version 0x03000000", UNSUPPORTED, "big-endian"},
    {"CVE-2025-66960: version 1", BPE, "version 1", UNSUPPORTED, "GGUF version 1"},
    {"version 0", BPE, "version 0", UNSUPPORTED, "GGUF version 0"},
    {"version 4", BPE, "version 4", UNSUPPORTED, "GGUF version 4"},
    /* counts */
    {"CVE-2024-21802: n_kv", BPE, "u64 16 " MAX64, DAMAGED, "keys announced"},
    {"CVE-2024-21825: n_kv times the record wraps", BPE, "u64 16 0x0555555555555556", DAMAGED, "keys announced"},
    {"ollama 17042: n_kv larger than the file", BPE, "u64 16 60000", DAMAGED, "keys announced"},
    {"n_kv one too many", BPE, "u64 16 31;;cut 1400", DAMAGED, "beyond the end"},
    {"CVE-2024-21836: n_tensors", BPE, "u64 8 " MAX64, DAMAGED, "tensors announced"},
    {"n_tensors times the record wraps", BPE, "u64 8 0x07c1f07c1f07c1f1", DAMAGED, "tensors announced"},
    {"n_tensors larger than the file", BPE, "u64 8 100000", DAMAGED, "tensors announced"},
    {"no tensors", BPE, "u64 8 0", DAMAGED, "token_embd.weight"},
    /* keys */
    {"CVE-2024-23496: key length", BPE, "keylen general.name " MAX64, DAMAGED, "beyond the end"},
    {"key length of 2^63", BPE, "keylen general.name 0x8000000000000000", DAMAGED, "beyond the end"},
    {"key length plus one wraps", BPE, "keylen general.name 0xfffffffffffffffe", DAMAGED, "beyond the end"},
    {"empty key", BPE, "rename general.name ", DAMAGED, "key of 0 bytes"},
    {"key of 65536 bytes", BPE, "tail 70000;;keylen general.architecture 65536", DAMAGED, "key of 65536 bytes"},
    {"NUL in a key", BPE, "keychar general.name 0", DAMAGED, "printable ASCII"},
    {"blank in a key", BPE, "keychar general.name 32", DAMAGED, "printable ASCII"},
    {"high byte in a key", BPE, "keychar general.name 200", DAMAGED, "printable ASCII"},
    {"key twice", BPE, "again llama.block_count", DAMAGED, "'llama.block_count': the key is there twice"},
    {"key twice, another value", BPE, "again general.name;;set general.name str other", DAMAGED, "twice"},
    {"unknown value type", BPE, "kvtype general.license 13", DAMAGED, "value type 13"},
    {"unknown value type, large", BPE, "kvtype general.license 0xffffffff", DAMAGED, "value type 4294967295"},
    {"bool of 2", BPE, "set x.flag hex7 02", DAMAGED, "boolean of value 2"},
    {"bool of 255 in an array", BPE, "set x.flags hex9 07000000030000000000000001ff00", DAMAGED, "boolean of value 255"},
    /* strings */
    {"CVE-2024-23605: string length", BPE, "strlen general.name " MAX64, DAMAGED, "beyond the end"},
    {"CVE-2025-66959: string beyond the end", BPE, "strlen general.name 1000000", DAMAGED, "beyond the end"},
    {"string swallows the next records", BPE, "strlen general.name 40", DAMAGED, ""},
    /* arrays */
    {"Talos 2024-1914: array length", BPE, "count tokenizer.ggml.token_type " MAX64, DAMAGED, "does not fit"},
    {"array length times 4 wraps", BPE, "count tokenizer.ggml.token_type 0x4000000000000010", DAMAGED, "does not fit"},
    {"array beyond the end", BPE, "count tokenizer.ggml.token_type 1000000", DAMAGED, "does not fit"},
    {"string array length", BPE, "count tokenizer.ggml.tokens " MAX64, DAMAGED, "cannot fit"},
    {"string array length times 8 wraps", BPE, "count tokenizer.ggml.tokens 0x2000000000000001", DAMAGED, "cannot fit"},
    {"string of an array beyond the end", BPE, "item tokenizer.ggml.tokens 0x7fffffffffffffff", DAMAGED, "string of an array"},
    {"gguf-py: array of arrays", BPE, "set x.deep hex9 09000000010000000000000009000000", UNSUPPORTED, "array of arrays"},
    {"element type unknown", BPE, "elem tokenizer.ggml.token_type 99", DAMAGED, "element type 99"},
    /* alignment */
    {"CVE-2024-12055: alignment 0", BPE, "set general.alignment u32 0", DAMAGED, "alignment 0"},
    {"alignment 1", BPE, "set general.alignment u32 1", DAMAGED, "alignment 1"},
    {"alignment 48", BPE, "set general.alignment u32 48", DAMAGED, "alignment 48"},
    {"PR 26318: alignment near the maximum", BPE, "set general.alignment u32 0x80000000", DAMAGED, "alignment 2147483648"},
    {"PR 26318: alignment of another type", BPE, "set general.alignment u64 32", DAMAGED, "must be u32"},
    {"alignment as text", BPE, "set general.alignment str 32", DAMAGED, "must be u32"},
    {"alignment that the layout does not have", BPE, "set general.alignment u32 4096", DAMAGED, "no multiple of the alignment"},
    /* tensor names */
    {"tensor name of 0 bytes", BPE, "namelen token_embd.weight 0", DAMAGED, "tensor name of 0"},
    {"tensor name of 65 bytes", BPE, "namelen token_embd.weight 65", DAMAGED, "tensor name of 65"},
    {"tensor name length", BPE, "namelen token_embd.weight " MAX64, DAMAGED, "tensor name of"},
    {"NUL in a tensor name", BPE, "namechar token_embd.weight 0", DAMAGED, "printable ASCII"},
    {"tensor twice", BPE, "t.name blk.0.attn_k.weight blk.0.attn_v.weight", DAMAGED, "twice"},
    /* dimensions */
    {"no dimensions", BPE, "t.ndims " Q " 0", DAMAGED, "0 dimensions"},
    {"5 dimensions", BPE, "t.ndims " Q " 5", DAMAGED, "5 dimensions"},
    {"2^32-1 dimensions", BPE, "ndims " Q " 0xffffffff", DAMAGED, "4294967295 dimensions"},
    {"GHSA-3p75-pq92-q28f: zero dimension", BPE, "t.dims " Q " 64 0", DAMAGED, "dimension 1 is 0"},
    {"#24263: zero first dimension", BPE, "t.dims " Q " 0 64", DAMAGED, "dimension 0 is 0"},
    {"CVE-2025-0315: dims [0,256]", BPE, "t.dims token_embd.weight 0 256", DAMAGED, "dimension 0 is 0"},
    {"CVE-2025-53630: sizes whose sum wraps", BPE, "t.dims " Q " 64 0x4000000000000000", DAMAGED, "overflows"},
    {"CVE-2026-27940: size near 2^63", BPE, "t.dims " Q " 64 0x01c0000000000000", DAMAGED, "beyond the end"},
    {"CVE-2026-33298: byte size wraps to little", BPE, "t.dims " Q " 0x100000000 0x100000000", DAMAGED, "overflows"},
    {"product of four dims wraps", BPE, "t.dims " Q " 64 0x100000 0x100000 0x1000000", DAMAGED, "overflows"},
    {"negative dimension", BPE, "t.dims " Q " 64 " MAX64, DAMAGED, "overflows"},
    {"CVE-2025-0312: inflated dims", BPE, "t.dims " Q " 64 65536", DAMAGED, "beyond the end"},
    {"CVE-2026-7482: data beyond the end", BPE, "t.dims output_norm.weight 4096", DAMAGED, "beyond the end"},
    /* types */
    {"#8816: a type without blocks", BPE, "t.type " Q " 4", UNSUPPORTED, "type 4 is unknown"},
    {"removed type", BPE, "t.type " Q " 31", UNSUPPORTED, "type 31 is unknown"},
    {"unknown type", BPE, "t.type " Q " 0xffffffff", UNSUPPORTED, "type 4294967295"},
    {"dims no multiple of the block", BPE, "t.dims " Q " 65 64", DAMAGED, "no multiple of the 32"},
    {"row of no super-block", BPE, "t.type " Q " 12", DAMAGED, "no multiple of the 256"},
    {"MXFP4", BPE, "t.refill " Q " 39", UNSUPPORTED, "type MXFP4 is not supported"},
    {"integers", BPE, "t.type token_embd.weight 24;;t.refill token_embd.weight 1;;t.type token_embd.weight 25", UNSUPPORTED, "type I16"},
    {"quantised vector", BPE, "t.refill output_norm.weight 8", UNSUPPORTED, "a vector must be"},
    /* places */
    {"offset not aligned", BPE, "t.off " Q " 33", DAMAGED, "no multiple of the alignment"},
    {"offset near 2^64", BPE, "t.off " Q " 0xffffffffffffffe0", DAMAGED, "hole"},
    {"two tensors at one place", BPE, "t.off " Q " 0", DAMAGED, ""},
    {"a hole at the start", BPE, "t.off token_embd.weight 32;;t.drop blk.0.attn_norm.weight", DAMAGED, "hole"},
    {"overlap by one row", BPE, "t.dims token_embd.weight 64 17", DAMAGED, "overlap"},
    {"a hole of one row", BPE, "t.dims token_embd.weight 64 14", DAMAGED, "hole"},
    {"data cut by one byte", BPE, "cut -1", DAMAGED, "beyond the end"},
    {"no data at all", BPE, "cut 3000", DAMAGED, "beyond the end"},
    /* architecture */
    {"CVE-2024-41130: no architecture", BPE, "drop general.architecture", DAMAGED, "'general.architecture' is missing"},
    {"architecture not text", BPE, "set general.architecture u32 1", DAMAGED, "a string is needed"},
    {"another architecture", BPE, "set general.architecture str gemma3", UNSUPPORTED, "'gemma3' is not supported"},
    {"architecture with escapes", BPE, "set general.architecture str ll\x1b[31m", UNSUPPORTED, "ll\\x1b[31m"},
    {"a prefix of an architecture", BPE, "set general.architecture str llam", UNSUPPORTED, "'llam'"},
    {"an adapter", BPE, "set general.type str adapter", UNSUPPORTED, "not a model"},
    {"keys of another architecture", BPE, "set general.architecture str qwen2", DAMAGED, "'qwen2.block_count' is missing"},
    /* numbers */
    {"CVE-2024-8063: block_count 0", BPE, "set llama.block_count u32 0", UNSUPPORTED, "0 is out of range"},
    {"block_count missing", BPE, "drop llama.block_count", DAMAGED, "'llama.block_count' is missing"},
    {"block_count huge", BPE, "set llama.block_count u32 0xffffffff", UNSUPPORTED, "out of range"},
    {"block_count negative", BPE, "set llama.block_count i32 -1", DAMAGED, "-1 is negative"},
    {"block_count as text", BPE, "set llama.block_count str 2", DAMAGED, "an integer is needed"},
    {"block_count as float", BPE, "set llama.block_count f32 2", DAMAGED, "an integer is needed"},
    {"block_count as array", BPE, "set llama.block_count [u32] 2", DAMAGED, "an integer is needed"},
    {"more layers announced than there", BPE, "set llama.block_count u32 3", INPUT, "layer 2"},
    {"fewer layers announced than there", BPE, "set llama.block_count u32 1", DAMAGED, "layer 1 of a model of 1 layers"},
    {"head_count 0", BPE, "set llama.attention.head_count u32 0", UNSUPPORTED, "out of range"},
    {"head_count_kv 0", BPE, "set llama.attention.head_count_kv u32 0", UNSUPPORTED, "out of range"},
    {"heads no multiple of kv heads", BPE, "set llama.attention.head_count_kv u32 3", UNSUPPORTED, "no multiple"},
    {"kv heads more than heads", BPE, "set llama.attention.head_count_kv u32 8", UNSUPPORTED, "no multiple"},
    {"heads differ by layer", BPE, "set llama.attention.head_count [u32] 4 2", UNSUPPORTED, "different shapes"},
    {"heads of too many layers", BPE, "set llama.attention.head_count [u32] 4 4 4", DAMAGED, "3 values for 2 layers"},
    {"heads as an array of floats", BPE, "set llama.attention.head_count [f32] 4 4", DAMAGED, "integers are needed"},
    {"heads negative in an array", BPE, "set llama.attention.head_count [i32] -4 -4", UNSUPPORTED, "out of range"},
    {"embedding_length 0", BPE, "set llama.embedding_length u32 0", UNSUPPORTED, "out of range"},
    {"embedding_length no multiple of 32", BPE, "set llama.embedding_length u32 65", DAMAGED, "the hyper-parameters ask for"},
    {"embedding_length differs from the tensors", BPE, "set llama.embedding_length u32 96", DAMAGED, "the hyper-parameters ask for"},
    {"feed_forward_length missing", BPE, "drop llama.feed_forward_length", DAMAGED, "missing"},
    {"feed_forward_length 1", BPE, "set llama.feed_forward_length u32 1", DAMAGED, "the hyper-parameters ask for"},
    {"key_length 0", BPE, "set llama.attention.key_length u32 0", UNSUPPORTED, "out of range"},
    {"key and value lengths differ", BPE, "set llama.attention.value_length u32 32", UNSUPPORTED, "must be equal"},
    {"hidden no multiple of heads", BPE, "drop llama.attention.key_length;;set llama.attention.head_count u32 6", UNSUPPORTED, "no multiple"},
    {"rope dimensions odd", BPE, "set llama.rope.dimension_count u32 15", UNSUPPORTED, "must be even"},
    {"rope dimensions beyond the head", BPE, "set llama.rope.dimension_count u32 32", UNSUPPORTED, "at most"},
    {"rope dimensions huge", BPE, "set llama.rope.dimension_count u32 4096", UNSUPPORTED, "out of range"},
    {"freq_base 0", BPE, "set llama.rope.freq_base f32 0", UNSUPPORTED, "out of range"},
    {"freq_base NaN", BPE, "set llama.rope.freq_base f32 nan", UNSUPPORTED, "out of range"},
    {"freq_base infinite", BPE, "set llama.rope.freq_base f32 inf", UNSUPPORTED, "out of range"},
    {"freq_base negative", BPE, "set llama.rope.freq_base f32 -10000", UNSUPPORTED, "out of range"},
    {"freq_base as integer", BPE, "set llama.rope.freq_base u32 10000", DAMAGED, "a float is needed"},
    {"epsilon missing", BPE, "drop llama.attention.layer_norm_rms_epsilon", DAMAGED, "missing"},
    {"epsilon 0", BPE, "set llama.attention.layer_norm_rms_epsilon f32 0", UNSUPPORTED, "out of range"},
    {"epsilon NaN", BPE, "set llama.attention.layer_norm_rms_epsilon f32 nan", UNSUPPORTED, "out of range"},
    {"context 0", BPE, "set llama.context_length u32 0", UNSUPPORTED, "out of range"},
    {"context 2^64 - 1", BPE, "set llama.context_length u64 " MAX64, UNSUPPORTED, "out of range"},
    {"attention factor 0", BPE, "set llama.rope.scaling.attn_factor f32 0", UNSUPPORTED, "out of range"},
    {"attention factor NaN", BPE, "set llama.rope.scaling.attn_factor f32 nan", UNSUPPORTED, "out of range"},
    {"yarn of base 1", BPE, "set llama.rope.scaling.type str yarn;;set llama.rope.freq_base f32 1", UNSUPPORTED, "freq_base above 1"},
    {"yarn's betas crossed", BPE, "set llama.rope.scaling.type str yarn;;set llama.rope.scaling.yarn_beta_slow f32 33", UNSUPPORTED, "larger than"},
    {"yarn's extrapolation without yarn", BPE, "set llama.rope.scaling.yarn_ext_factor f32 1", UNSUPPORTED, "type is not yarn"},
    {"yarn's attention factor without yarn", BPE, "set llama.rope.scaling.yarn_attn_factor f32 1.2", UNSUPPORTED, "type is not yarn"},
    {"yarn's extrapolation beyond 1", BPE, "set llama.rope.scaling.type str yarn;;set llama.rope.scaling.yarn_ext_factor f32 2", UNSUPPORTED, "out of range"},
    {"original context negative", BPE, "set llama.rope.scaling.original_context_length i32 -1", DAMAGED, "is negative"},
    {"longrope", BPE, "set llama.rope.scaling.type str longrope", UNSUPPORTED, "'longrope' is not supported"},
    {"scaling factor negative", BPE, "set llama.rope.scaling.factor f32 -2", UNSUPPORTED, "out of range"},
    {"scaling factor tiny", BPE, "set llama.rope.scaling.factor f32 1e-30", UNSUPPORTED, "below 0.001"},
    {"experts", BPE, "set llama.expert_count u32 8", UNSUPPORTED, "has experts"},
    {"not causal", BPE, "set llama.attention.causal bool 0", UNSUPPORTED, "not causal"},
    {"softcapping", BPE, "set llama.final_logit_softcapping f32 30", UNSUPPORTED, "caps logits"},
    {"softcapping as text", BPE, "set llama.final_logit_softcapping str 0", UNSUPPORTED, "caps logits"},
    {"softcapping NaN", BPE, "set llama.final_logit_softcapping f32 nan", UNSUPPORTED, "caps logits"},
    {"softcapping below", BPE, "set llama.attn_logit_softcapping f32 -1", UNSUPPORTED, "caps scores"},
    {"RoPE's alpha", BPE, "set llama.rope.scaling.alpha f32 1000", UNSUPPORTED, "an alpha of its own"},
    {"a scale of scores", BPE, "set llama.attention.scale f32 0.1", UNSUPPORTED, "scales scores"},
    {"residual scale", BPE, "set llama.residual_scale f32 0.22", UNSUPPORTED, "residual"},
    {"embedding scale", BPE, "set llama.embedding_scale i32 -12", UNSUPPORTED, "scales embeddings"},
    {"clamps", BPE, "set llama.attention.clamp_kqv f32 8", UNSUPPORTED, "clamps"},
    {"ALiBi", BPE, "set llama.attention.max_alibi_bias f32 8", UNSUPPORTED, "ALiBi"},
    {"parallel residual", BPE, "set llama.use_parallel_residual bool 1", UNSUPPORTED, "side by side"},
    {"a key nobody knows", BPE, "set llama.attention.temperature_scale f32 0.1", UNSUPPORTED, "'llama.attention.temperature_scale': it is not known"},
    {"a key nobody knows, of another family", QWEN3, "set qwen3.n_deepstack_layers u32 3", UNSUPPORTED, "'qwen3.n_deepstack_layers': it is not known"},
    {"a key of no name", BPE, "set llama. u32 3", UNSUPPORTED, "'llama.': it is not known"},

    {"logit scale", BPE, "set llama.logit_scale f32 0.5", UNSUPPORTED, "scales logits"},
    {"vocab_size of a file without tokenizer", BARE, "set llama.vocab_size u32 17", DAMAGED, "vocab_size is 17"},
    /* tensors of the model */
    {"a tensor missing", BPE, "t.drop " Q, INPUT, "layer 0: q is missing"},
    {"CVE-2024-41130: the embedding missing", BPE, "t.drop token_embd.weight", DAMAGED, "'token_embd.weight' is missing"},
    {"the norm missing", BPE, "t.drop output_norm.weight", INPUT, "final_norm is missing"},
    {"an unknown tensor", BPE, "t.add blk.0.attn_sinks.weight 64", UNSUPPORTED, "'blk.0.attn_sinks.weight': no part"},
    {"a bias that we do not know", BPE, "t.add output.bias 16", UNSUPPORTED, "'output.bias': no part"},
    {"a bias of another width", BPE, "t.add blk.0.ffn_up.bias 64", DAMAGED, "ask for 96 x 1"},
    {"long factors of longrope", BPE, "t.add rope_factors_long.weight 8", UNSUPPORTED, "no part"},
    {"layer with a leading zero", BPE, "t.name " Q " blk.00.attn_q.weight", UNSUPPORTED, "no part"},
    {"layer 99999999", BPE, "t.name " Q " blk.99999999.attn_q.weight", UNSUPPORTED, "no part"},
    {"layer 99999", BPE, "t.name " Q " blk.99999.attn_q.weight", DAMAGED, "layer 99999 of"},
    {"a layer's tensor without layer", BPE, "t.name " Q " attn_q.weight", UNSUPPORTED, "no part"},
    {"a whole tensor in a layer", BPE, "t.name output_norm.weight blk.0.output_norm.weight", UNSUPPORTED, "no part"},
    {"transposed", BPE, "t.reshape blk.0.ffn_up.weight 96 64", DAMAGED, "shape 96 x 64"},
    {"three dimensions", BPE, "t.reshape " Q " 64 32 2", DAMAGED, "shape 64 x 32 x 2"},
    {"vector as matrix", BPE, "t.reshape output_norm.weight 32 2", DAMAGED, "shape 32 x 2"},
    {"q norm in llama", BPE, "t.add blk.0.attn_q_norm.weight 16", UNSUPPORTED, "does not belong to architecture llama"},
    {"q norm in llama", BPE, "t.add blk.0.attn_q_norm.weight 16", UNSUPPORTED, "does not belong to architecture llama"},
    {"q bias missing in qwen2", QWEN2, "t.drop blk.1.attn_q.bias", INPUT, "layer 1: q_bias is missing"},
    {"k norm missing in qwen3", QWEN3, "t.drop blk.1.attn_k_norm.weight", INPUT, "layer 1: k_norm is missing"},
    {"NaN in a norm", BPE, "t.poke output_norm.weight 8 0000c07f", DAMAGED, "element 2 is infinite or not a number"},
    {"infinity in a norm", BPE, "t.poke blk.1.ffn_norm.weight 252 000080ff", DAMAGED, "element 63 is infinite"},
    {"NaN in an FP16 bias", QWEN2, "t.refill blk.0.attn_q.bias 1;;t.poke blk.0.attn_q.bias 2 007e", DAMAGED, "element 1"},
    {"rope_freqs of another length", BPE, "t.add rope_freqs.weight 7", DAMAGED, "must be 8 floats"},
    {"rope_freqs with NaN", BPE, "t.add rope_freqs.weight 8;;t.poke rope_freqs.weight 4 0000c07f", DAMAGED, "element 1"},
    {"rope_freqs with 0", BPE, "t.add rope_freqs.weight 8;;t.poke rope_freqs.weight 0 00000000", DAMAGED, "element 0"},
    /* parts */
    {"a part from memory", BPE, "set split.count u16 2;;set split.no u16 0", UNSUPPORTED, "one of 2 parts"},
    {"split.count 0", BPE, "set split.count u16 0", UNSUPPORTED, "out of range"},
    {"split.count huge", BPE, "set split.count u32 0x7fffffff", UNSUPPORTED, "out of range"},
    {"split.no of a whole file", BPE, "set split.no u16 3", INPUT, "open the first part"},
    {"split.tensors.count differs", BPE, "set split.tensors.count i32 5", DAMAGED, "split.tensors.count is 5"},
    /* tokenizer */
    {"unknown tokenizer", BPE, "set tokenizer.ggml.model str bert", UNSUPPORTED, "tokenizer 'bert'"},
    {"tokenizer not text", BPE, "set tokenizer.ggml.model u32 1", DAMAGED, "a string is needed"},
    {"unknown pre-tokenizer", BPE, "set tokenizer.ggml.pre str dbrx", UNSUPPORTED, "pre-tokenizer 'dbrx'"},
    {"default pre-tokenizer", BPE, "set tokenizer.ggml.pre str default", UNSUPPORTED, "'tokenizer.ggml.pre' is 'default'"},
    {"no pre-tokenizer", BPE, "drop tokenizer.ggml.pre", UNSUPPORTED, "'tokenizer.ggml.pre' is missing"},
    {"no tokens", BPE, "drop tokenizer.ggml.tokens", DAMAGED, "'tokenizer.ggml.tokens' is missing"},
    {"tokens not text", BPE, "set tokenizer.ggml.tokens [u32] 1 2", DAMAGED, "an array of string is needed"},
    {"fewer tokens than rows", BPE, "set tokenizer.ggml.tokens [str] a&b&c", DAMAGED, "3 tokens, but the embedding has 16 rows"},
    {"CVE-2025-49847: token longer than 4096 bytes", BPE, "set tokenizer.ggml.tokens [str] @4097&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p", DAMAGED, "token 0 has 4097 bytes"},
    {"token twice", BPE, "set tokenizer.ggml.tokens [str] <|endoftext|>&<|im_start|>&<|im_end|>&a&b&c&d&ab&cd&abcd&e&f&ef&g&a&gh", DAMAGED, "token 14 is there twice"},
    {"fewer types than tokens", BPE, "set tokenizer.ggml.token_type [i32] 1 1 1", DAMAGED, "3 types for 16 tokens"},
    {"token type 0", BPE, "set tokenizer.ggml.token_type [i32] 3 3 3 0 1 1 1 1 1 1 1 1 1 1 1 1", DAMAGED, "token 3 has the unknown type 0"},
    {"token type 257 (1 in a byte)", BPE, "set tokenizer.ggml.token_type [i32] 3 3 3 257 1 1 1 1 1 1 1 1 1 1 1 1", DAMAGED, "unknown type 257"},
    {"token type negative", BPE, "set tokenizer.ggml.token_type [i32] 3 3 3 -1 1 1 1 1 1 1 1 1 1 1 1 1", DAMAGED, "unknown type -1"},
    {"token types as text", BPE, "set tokenizer.ggml.token_type [str] a", DAMAGED, "an array of i32"},
    {"no merges", BPE, "drop tokenizer.ggml.merges", DAMAGED, "'tokenizer.ggml.merges' is missing"},
    {"merge without a blank", BPE, "set tokenizer.ggml.merges [str] a b&cd", DAMAGED, "merge 1 is not two tokens"},
    {"merge of nothing", BPE, "set tokenizer.ggml.merges [str] a b&&c d", DAMAGED, "merge 1 is not two tokens"},
    {"merge with an empty half", BPE, "set tokenizer.ggml.merges [str] ab ", DAMAGED, "not two tokens"},
    {"merge of an unknown token", BPE, "set tokenizer.ggml.merges [str] a z", DAMAGED, "right half is no token"},
    {"merge of a control token", BPE, "set tokenizer.ggml.merges [str] <|im_end|> a", DAMAGED, "left half is no token"},
    {"merge to no token", BPE, "set tokenizer.ggml.merges [str] a c", DAMAGED, "makes no token"},
    {"merge twice", BPE, "set tokenizer.ggml.merges [str] a b&a b", DAMAGED, "twice"},
    {"bos beyond the vocabulary", BPE, "set tokenizer.ggml.bos_token_id u32 16", DAMAGED, "token 16 of a vocabulary of 16"},
    {"eos negative", BPE, "set tokenizer.ggml.eos_token_id i32 -7", DAMAGED, "negative"},
    {"eot beyond the vocabulary", BPE, "set tokenizer.ggml.eot_token_id u32 0x7fffffff", DAMAGED, "of a vocabulary of 16"},
    {"add_bos as integer", BPE, "set tokenizer.ggml.add_bos_token u32 1", DAMAGED, "a boolean is needed"},
    {"template not text", BPE, "set tokenizer.chat_template u32 1", DAMAGED, "a string is needed"},
    {"SPM without scores", SPM, "drop tokenizer.ggml.scores", DAMAGED, "'tokenizer.ggml.scores' is missing"},
    {"SPM without types", SPM, "drop tokenizer.ggml.token_type", DAMAGED, "'tokenizer.ggml.token_type' is missing"},
    {"fewer scores than tokens", SPM, "set tokenizer.ggml.scores [f32] 1 2", DAMAGED, "2 scores for 16 tokens"},
    {"score NaN", SPM, "set tokenizer.ggml.scores [f32] 0 0 0 0 0 0 nan -2 -3 -4 -5 -6 -7 -8 -9 -10", DAMAGED, "score is not finite"},
    {"PR 25969: byte token <0x-1>", SPM, "set tokenizer.ggml.tokens [str] <unk>&<s>&</s>&<0x-1>&<0x0A>&<0xFF>&_&a&b&ab&c&d&e&f&g&h", DAMAGED, "<0xNN>"},
    {"byte token twice", SPM, "set tokenizer.ggml.tokens [str] <unk>&<s>&</s>&<0x0A>&<0x0A>&<0xFF>&_&a&b&ab&c&d&e&f&g&h", DAMAGED, "<0xNN>"},
    {"control token twice", SPM, "set tokenizer.ggml.tokens [str] <unk>&<s>&<s>&<0x00>&<0x0A>&<0xFF>&_&a&b&ab&c&d&e&f&g&h", DAMAGED, "twice"},
};
/* clang-format on */

static void make(b_file *f, int base) {
    static const char *const archs[] = {"llama", "llama", "qwen2", "qwen3", "llama"};
    b_shape s = b_small(archs[base]);
    s.spm = base == SPM;
    s.tokenizer = base != BARE;
    b_model(f, &s);
}

static void run(const bad_case *c) {
    b_file f;
    roma_buf out = {0};
    roma_import imp;
    roma_error err = {0};
    char line[1024];
    make(&f, c->base);
    spoil(&f, c->commands, &out);
    /* exactly the file's bytes, so that a sanitizer sees a read beyond them */
    uint8_t *copy = malloc(out.len ? out.len : 1);
    memcpy(copy, out.data, out.len);
    const int rc = roma_import_open_memory(&imp, copy, out.len, &err);
    if (!rc) roma_import_close(&imp);
    if (rc != c->code || !strstr(err.text, c->text))
        fprintf(stderr, "%s: code %d (expected %d): %s\n", c->id, rc, c->code,
                rc ? roma_error_format(&err, line, sizeof line) : "accepted");
    CHECK(rc == c->code && err.code == rc && strstr(err.text, c->text) != NULL);
    CHECK(imp.owned == NULL && imp.model.tensors == NULL);
    for (const char *p = err.text; *p; p++) CHECK(*p >= ' ' && *p <= '~');
    free(copy);
    roma_buf_destroy(&out);
    b_free(&f);
}

/* What was spoiled above is good before it is spoiled. */
static void test_bases(void) {
    for (int base = BPE; base <= BARE; base++) {
        b_file f;
        roma_buf out = {0};
        roma_import imp;
        roma_error err = {0};
        make(&f, base);
        b_write(&f, &out);
        const int rc = roma_import_open_memory(&imp, out.data, out.len, &err);
        if (rc) fprintf(stderr, "base %d: %s\n", base, err.text);
        CHECK_EQ(rc, ROMA_OK);
        if (!rc) CHECK_EQ(roma_import_check_values(&imp, NULL, &err), ROMA_OK);
        roma_import_close(&imp);
        roma_buf_destroy(&out);
        b_free(&f);
    }
}

int main(void) {
    const size_t n = sizeof cases / sizeof cases[0];
    CHECK(n >= 120);
    test_bases();
    for (size_t i = 0; i < n; i++) run(&cases[i]);
    return TEST_DONE();
}
