/* Architectures of llama.cpp that we do not run, and why: what a refusal says, and the table of docs/import.md. */
#include <string.h>
#include "gguf.h"

/* clang-format off */
#define REASONS(X) \
    X(PLANNED, "a dense decoder whose norms, factors, caps or windows are not lowered yet") \
    X(EXPERTS, "layers choose among experts: matrices that a token may not need would all lie in ROM") \
    X(RECURRENT, "state space, linear attention or convolution: a state that pages of a cache do not hold") \
    X(ENCODER, "an encoder or a model of embeddings, which generates no text") \
    X(DIFFUSION, "fills in masked text in both directions; positions are not computed in order") \
    X(IMAGES, "images beside text: rotation in sections, or parts that read pictures") \
    X(SOUND, "speech, no text") \
    X(DRAFT, "a helper that proposes tokens of another model, and none of its own") \
    X(LATENT, "keys and values compressed together (latent attention)") \
    X(ALIBI, "scores biased by distance instead of rotation") \
    X(OLDER, "another kind of block: LayerNorm, fused matrices, attention and feed-forward side by side, or learnt positions") \
    X(OTHER, "blocks of its own that no other family has")

enum {
#define X(id, text) WHY_##id,
    REASONS(X)
#undef X
};
static const char *const reasons[] = {
#define X(id, text) text,
    REASONS(X)
#undef X
};

/* Names by reason, a blank before and behind each. */
static const struct {
    int why;
    const char *names;
} archs[] = {
    {WHY_PLANNED,
     " deci baichuan stablelm phi3 orion internlm2 minicpm gemma gemma2 gemma3 starcoder2 xverse "
     "command-r cohere2 olmo olmo2 glm4 bitnet nemotron exaone exaone4 granite arcee ernie4_5 "
     "hunyuan-dense smollm3 seed_oss apertus pangu-embedded mistral3 maincoder nanbeige "},
    {WHY_EXPERTS,
     " llama4 grok qwen2moe qwen3moe qwen3vlmoe phimoe gemma4 maple cohere2moe dbrx olmoe arctic "
     "deepseek deepseek2 deepseek2-ocr deepseek32 deepseek4 glm4moe glm-dsa exaone-moe granitemoe "
     "granite_swa bailingmoe bailingmoe2 dots1 dots3note afmoe laguna ernie4_5-moe hunyuan-moe hy_v3 "
     "hy_v4 gpt-oss smallthinker grovemoe minimax-m2 minimax-m3 mistral4 mimo2 step35 glm5-next "
     "mellum "},
    {WHY_RECURRENT,
     " qwen3next qwen35 qwen35moe qwen4exp plamo2 mamba mamba2 jamba falcon-h1 nemotron_h "
     "nemotron_h_moe rwkv6 rwkv6qwen2 rwkv7 arwkv7 granitehybrid bailingmoe3 lfm2 lfm2moe minimax-01 "
     "kimi-linear kimi-k3 "},
    {WHY_ENCODER,
     " bert modern-bert nomic-bert nomic-bert-moe neo-bert jina-bert-v2 jina-bert-v3 eurobert "
     "gemma-embedding t5 t5encoder llama-embed "},
    {WHY_DIFFUSION,
     " dream llada llada-moe rnd1 "},
    {WHY_IMAGES,
     " clip qwen2vl qwen3vl chameleon hunyuan_vl cogvlm paddleocr "},
    {WHY_SOUND,
     " wavtokenizer-dec qwen3tts pockettts "},
    {WHY_DRAFT,
     " gemma4-assistant eagle3 dflash "},
    {WHY_LATENT,
     " minicpm3 plm "},
    {WHY_ALIBI,
     " mpt refact bloom jais "},
    {WHY_OLDER,
     " falcon gpt2 gptj gptneox starcoder qwen phi2 plamo plamo3 codeshell openelm chatglm jais2 "},
    {WHY_OTHER,
     " gemma3n muse-glimmer graniteswitch hrm_text spark2_5 talkie "},
};
/* clang-format on */

const char *roma_import_arch_reason(const char *name, size_t len) {
    char word[66];
    if (!len || len > 63 || memchr(name, ' ', len) || memchr(name, 0, len)) return NULL;
    roma_print(word, sizeof word, " %.*s ", (int)len, name);
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++)
        if (strstr(archs[i].names, word)) return reasons[archs[i].why];
    return NULL;
}
