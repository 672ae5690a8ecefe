/* text - tokenizers and chat templates.
 *
 * A tokenizer is a *vocabulary* (plain data, owned by whoever made it: an importer or a ROM image) turned into look-up
 * tables by roma_tokenizer_create. Text is UTF-8; invalid bytes are handled as docs/tokenizer.md says and never fail.
 * Special tokens in user text are recognised only when ROMA_TEXT_SPECIAL is given: what a user types stays text.
 *
 * Threads: vocabularies and tokenizers are read-only once they were made, and any number of threads may use them; a
 * roma_detok belongs to one thread. */
#ifndef ROMA_TEXT_H
#define ROMA_TEXT_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { ROMA_TOK_BPE = 1, ROMA_TOK_SPM = 2 } roma_tok_kind; /* byte-level BPE; SentencePiece BPE */

/* Pre-tokenizer of byte-level BPE: hand-written scanners for published patterns (docs/tokenizer.md) only. */
typedef enum {
    ROMA_PRE_NONE = 0,   /* SentencePiece */
    ROMA_PRE_GPT2 = 1,   /* 's|'t|... ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
    ROMA_PRE_SMOLLM = 2, /* single digits (\p{N}) split off first, then GPT-2 */
    ROMA_PRE_LLAMA3 = 3, /* (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|... */
    ROMA_PRE_QWEN2 = 4,  /* as Llama-3 with \p{N} single, on text in Unicode's form C */
    ROMA_PRE_DEEPSEEK_LLM = 5, /* line ends, words, punctuation and CJK by ranges, single digits, each split in turn */
    ROMA_PRE_DEEPSEEK_CODER = 6, /* the same with \s?\p{L}+ and \s?\p{P}+ */
    ROMA_PRE_FALCON = 7,         /* punctuation, then GPT-2, then digits by threes */
    ROMA_PRE_TEKKEN = 8,         /* words cut where lower case meets upper case, single digits */
    ROMA_PRE_GPT4O = 9,          /* the same with contractions, and digits by threes */
    ROMA_PRE_QWEN35 = 10,        /* as Qwen2 where marks belong to words, on text as it stands */
    ROMA_PRE_MPT = 11,           /* GPT-2 on text in form C */
    ROMA_PRE_COMMAND_R = 12,     /* SmolLM on text in form C */
    ROMA_PRE_LAST = ROMA_PRE_COMMAND_R
} roma_pre_kind;

/* What GGUF's name of a pre-tokenizer stands for, beside the pattern: what its models have where a file does not say
 * so. */
typedef struct {
    roma_pre_kind pre;
    bool ignore_merges, add_bos;
} roma_pre_rule;
/* The rule of a name of len bytes; false: the name is not known here. */
bool roma_text_pre_find(const char *name, size_t len, roma_pre_rule *out);
/* The names, for messages: "gpt-2, smollm, ..."; static. */
const char *roma_text_pre_names(void);

/* Token types as GGUF numbers them. */
enum {
    ROMA_TT_NORMAL = 1,
    ROMA_TT_UNKNOWN = 2,
    ROMA_TT_CONTROL = 3,
    ROMA_TT_USER = 4,
    ROMA_TT_UNUSED = 5,
    ROMA_TT_BYTE = 6
};

/* Which texts of SentencePiece get a space in front: none; each stretch between special tokens; each that does not
 * begin with one; the text's beginning alone, where it does not begin with one. */
enum { ROMA_PREFIX_NONE = 0, ROMA_PREFIX_EACH = 1, ROMA_PREFIX_MISSING = 2, ROMA_PREFIX_FIRST = 3 };

/* The byte that the text of a token of SentencePiece stands for, "<0xNN>", or -1. */
int roma_text_byte_of(const char *text, size_t len);

#define ROMA_TOKEN_BYTES_MAX 4096
#define ROMA_TOKENS_MAX (1u << 22)
#define ROMA_EOG_MAX 16
#define ROMA_TEXT_TEMPLATE_MAX (1u << 20) /* bytes of a chat template */

/* Vocabulary: plain arrays of its maker. For BPE the text of a token is stored as GGUF has it (GPT-2's printable byte
 * alphabet); merges are pairs of token ids in rank order. */
typedef struct {
    uint32_t kind, pre; /* roma_tok_kind, roma_pre_kind */
    uint32_t n_tokens;
    const uint32_t *text_off; /* n_tokens + 1 offsets into text; ascending from 0 */
    const char *text;
    const uint8_t *type;        /* n_tokens, ROMA_TT_* */
    const float *score;         /* SPM: n_tokens; BPE: NULL */
    uint32_t n_merges;          /* BPE */
    const uint32_t *merges;     /* 2 * n_merges ids: left, right */
    int32_t bos, eos, unk, pad; /* -1: none */
    uint32_t n_eog;             /* ids that end a turn (eos among them) */
    int32_t eog[ROMA_EOG_MAX];
    uint8_t add_bos, add_eos; /* the model's own settings */
    uint8_t add_space_prefix; /* ROMA_PREFIX_* */
    uint8_t ignore_merges;    /* Llama-3: a piece that is a token is that token */
    uint32_t template_kind;   /* roma_template_kind of images of old; 0 none */
    uint32_t template_bytes;  /* of the chat template out of the model file; 0: there is none */
    const char *template_text;
} roma_vocab;

/* Checks ranges, that ids are unique where they must be, that merges join to existing tokens, lengths. EINPUT or
 * EUNSUPPORTED names the member and the index; ENOMEM. file: the vocabulary's name in messages. */
int roma_vocab_check(const roma_vocab *v, const char *file, roma_error *err);

typedef struct roma_tokenizer roma_tokenizer;
/* Makes look-up tables of a vocabulary, whose arrays are borrowed and must outlive the tokenizer. *t is the caller's,
 * ended by roma_tokenizer_destroy. Errors of roma_vocab_check; ENOMEM. */
int roma_tokenizer_create(roma_tokenizer **t, const roma_vocab *v, const char *file, roma_error *err);
void roma_tokenizer_destroy(roma_tokenizer *t);
/* The vocabulary that the tokenizer was made of. */
const roma_vocab *roma_tokenizer_vocab(const roma_tokenizer *t);
/* Bytes of heap that the tables take, from create to destroy. */
size_t roma_tokenizer_bytes(const roma_tokenizer *t);

/* User-defined tokens (type USER) are text and recognised always, unless they look like markers: "<...>". */
enum {
    ROMA_TEXT_SPECIAL = 1, /* recognise control tokens written in the text */
    ROMA_TEXT_BOS = 2,     /* add BOS / EOS if the model's settings say so */
    ROMA_TEXT_CONTINUE = 4 /* this text continues other text: no SentencePiece space prefix */
};

/* Token ids of len bytes of text: writes at most cap ids to the caller's array; *n is the number needed, which may be
 * more than cap (then call again). flags: ROMA_TEXT_*. O(n log n) in the length; takes scratch from the heap and frees
 * it. EINPUT for more than 2^31 bytes; ENOMEM. */
int roma_tokenize(const roma_tokenizer *t, const char *text, size_t len, unsigned flags, int32_t *out, size_t cap,
                  size_t *n, roma_error *err);
/* As roma_tokenize, into an array as long as it must be, which the caller frees with roma_free. */
int roma_tokenize_all(const roma_tokenizer *t, const char *text, size_t len, unsigned flags, int32_t **ids, size_t *n,
                      roma_error *err);

/* As roma_tokenize, of a text of which each byte is known to be trusted (1) or not (0): trusted bytes alone become
 * control tokens. */
int roma_tokenize_marked(const roma_tokenizer *t, const char *text, const uint8_t *trusted, size_t len, int32_t *out,
                         size_t cap, size_t *n, roma_error *err);

/* Bytes of one token, without the SentencePiece rule of a leading space; a control token has 0 bytes unless special.
 * Writes at most cap bytes (ROMA_TOKEN_BYTES_MAX suffices), returns the length. */
size_t roma_token_bytes(const roma_tokenizer *t, int32_t id, bool special, char *out, size_t cap);
/* Whether a token ends an answer. */
bool roma_token_is_eog(const roma_tokenizer *t, int32_t id);

/* Streaming detokeniser: takes ids, gives back whole UTF-8 characters alone; invalid bytes become U+FFFD. Bytes that
 * could still become a character are held until the next push or flush. Takes no heap; borrows the tokenizer. */
typedef struct {
    const roma_tokenizer *tok;
    bool special, first;
    uint8_t held[4];
    unsigned n_held;
} roma_detok;
/* Begins a text; special: control tokens count as text. */
void roma_detok_init(roma_detok *d, const roma_tokenizer *t, bool special);
/* Text that the next id completes; the caller's `out` holds 3 * (ROMA_TOKEN_BYTES_MAX + 4) bytes. Returns the bytes
 * written. */
size_t roma_detok_push(roma_detok *d, int32_t id, char *out);
/* The bytes that were held, at the end of the text; as roma_detok_push. */
size_t roma_detok_flush(roma_detok *d, char *out);

/* ---- chat templates that are built in ------------------------------------------------------------ */

/* Every template: name, number in files, text, sentence. */
#define ROMA_TEMPLATES(X)                                                                                              \
    X(NONE, 0, "none", "no template: text completion only")                                                            \
    X(CHATML, 1, "chatml", "<|im_start|>role ... <|im_end|>")                                                          \
    X(SMOLLM2, 2, "smollm2", "ChatML with SmolLM2's default system message")                                           \
    X(LLAMA2, 3, "llama2", "[INST] <<SYS>> ... [/INST]")                                                               \
    X(LLAMA3, 4, "llama3", "<|start_header_id|>role<|end_header_id|> ... <|eot_id|>")                                  \
    X(MISTRAL, 5, "mistral", "[INST] ... [/INST] as Mistral 7B Instruct v0.2 was published with")                      \
    X(ZEPHYR, 6, "zephyr", "<|user|> ... </s>")                                                                        \
    X(QWEN, 7, "qwen", "ChatML with Qwen2.5's default system message")                                                 \
    X(QWEN3, 8, "qwen3", "ChatML without a default system message, Qwen3")                                             \
    X(PLAIN, 9, "plain", "User: ... Assistant: ...")                                                                   \
    X(LLAMA31, 10, "llama31", "llama3 with Llama 3.1's dates in the system message")                                   \
    X(QWEN2, 11, "qwen2", "ChatML with Qwen2's default system message")                                                \
    X(QWEN15, 12, "qwen1.5", "ChatML with Qwen1.5's default system message")                                           \
    X(CHATML_BOS, 13, "chatml-bos", "ChatML after the beginning-of-text token")                                        \
    X(MISTRAL_V01, 14, "mistral-v0.1", "as mistral, with a space after each reply")                                    \
    X(MISTRAL_SYSTEM, 15, "mistral-system", "as Mistral's later templates, which take a system message")

typedef enum {
#define X(name, value, text, help) ROMA_TEMPLATE_##name = (value),
    ROMA_TEMPLATES(X)
#undef X
} roma_template_kind;

/* Text of a template, static. */
const char *roma_text_template_name(roma_template_kind k);
/* Kind of the template of that name, or -1. */
int roma_text_template_find(const char *name);

typedef enum { ROMA_ROLE_SYSTEM, ROMA_ROLE_USER, ROMA_ROLE_ASSISTANT } roma_role;
/* One message of a conversation: len bytes of text, its maker's. */
typedef struct {
    roma_role role;
    const char *text;
    size_t len;
} roma_message;

/* Token ids of a conversation as the model expects them, with add_reply the assistant's turn opened at the end. Texts
 * of messages are tokenised with special tokens off; only the template's own markers become special ids. BOS as the
 * model's settings and the template say. cap and *n as in roma_tokenize. EINPUT names the message when the template
 * cannot express the order of roles (Mistral: two user turns in a row); ENOMEM. */
int roma_text_template_apply(const roma_tokenizer *t, roma_template_kind kind, const roma_message *msgs, size_t n_msgs,
                             bool add_reply, int32_t *out, size_t cap, size_t *n, roma_error *err);
/* As roma_text_template_apply, into an array as long as it must be, which the caller frees with roma_free. */
int roma_text_template_apply_all(const roma_tokenizer *t, roma_template_kind kind, const roma_message *msgs,
                                 size_t n_msgs, bool add_reply, int32_t **ids, size_t *n, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
