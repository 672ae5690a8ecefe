/* text, inside: what the files of this room share. The rules are in docs/tokenizer.md. */
#ifndef ROMA_SRC_TEXT_H
#define ROMA_SRC_TEXT_H

#include "roma/text.h"

/* ---- UTF-8 ---------------------------------------------------------------------------------------- */

#define TEXT_BAD UINT32_MAX /* an invalid byte; it is one character of its own */

/* Character at p (p < end) and its length. Overlong forms, surrogates and values past U+10FFFF are bad. */
uint32_t roma_text_utf8(const uint8_t *p, const uint8_t *end, unsigned *len);
/* Writes 1..4 bytes. */
unsigned roma_text_utf8_put(uint32_t c, uint8_t *out);

/* ---- Unicode -------------------------------------------------------------------------------------- */

/* What the pre-tokenizers ask of a character (docs/tokenizer.md). A letter has UPPER, LOWER or, without case, both. */
enum {
    TEXT_UPPER = 1, /* Lu, Lt, Lm, Lo */
    TEXT_LOWER = 2, /* Ll, Lm, Lo */
    TEXT_LETTER = TEXT_UPPER | TEXT_LOWER,
    TEXT_MARK = 4,
    TEXT_NUMBER = 8,     /* to a regular expression */
    TEXT_DIGIT = 16,     /* to the digit splitter: numbers of Unicode 17 too */
    TEXT_PUNCT = 32,     /* to a regular expression */
    TEXT_DELIMITER = 64, /* to Falcon's splitter: punctuation of Unicode 8, and all of ASCII's */
    TEXT_SPACE = 128,    /* White_Space */
    TEXT_NEWLINE = 256   /* CR and LF, which are SPACE too */
};

extern const uint8_t roma_text_class_index[0x1100];
extern const uint8_t roma_text_class_blocks[][128]; /* 256 classes of four bits */

/* The flags of a character, TEXT_BAD too. */
unsigned roma_text_class(uint32_t c);
bool roma_text_is_space(uint32_t c); /* White_Space */

typedef struct {
    uint32_t first, last;
    uint8_t order; /* canonical combining class */
} roma_text_order_range;
typedef struct {
    uint32_t c, a, b; /* c is a followed by b; b is 0 when a stands alone */
} roma_text_pair;
extern const roma_text_order_range roma_text_orders[];
extern const size_t roma_text_n_orders;
extern const roma_text_pair roma_text_decomp[]; /* ascending by c */
extern const size_t roma_text_n_decomp;
extern const uint16_t roma_text_comp[]; /* indices of roma_text_decomp, ascending by (a, b) */
extern const size_t roma_text_n_comp;

/* Whether normalising could change the text (false is certain). */
bool roma_text_nfc_needed(const char *text, size_t len);
/* NFC of text in *out, which the caller frees with roma_free; invalid bytes stay as they are. */
int roma_text_nfc(const char *text, size_t len, char **out, size_t *out_len, roma_error *err);

/* ---- vocabulary ----------------------------------------------------------------------------------- */

/* What two tokens become. Of two merges the one of the lower rank comes first. */
typedef struct {
    uint32_t rank, id;
} roma_text_merge;

/* Slots of both hash tables have 1 + the number of what they hold, and above that some bits of its hash (tables.c). */
struct roma_tokenizer {
    roma_vocab v;
    uint32_t *index; /* hash of text -> token, those of type NORMAL only */
    uint32_t index_mask;
    uint32_t *merges; /* BPE: hash of (left, right) -> merge; SPM: NULL */
    uint32_t merge_mask;
    uint32_t *made; /* BPE: the token that each merge makes */
    int32_t byte_id[256];
    uint32_t *special; /* ids of control, unknown and user tokens, ascending by text */
    uint32_t n_special;
    uint8_t special_first[256]; /* 1: a user token starts with this byte, 2: a control token does */
    uint32_t longest;           /* bytes of the longest normal token */
    bool cut_words;             /* SPM: no token has a space after another character */
};

static inline const char *roma_text_of(const roma_vocab *v, uint32_t id, uint32_t *len) {
    *len = v->text_off[id + 1] - v->text_off[id];
    return v->text + v->text_off[id];
}
/* Normal token of that text, or -1. */
int32_t roma_text_find(const roma_tokenizer *t, const char *text, size_t len);
/* Control, unknown or user token of exactly that text, or -1. */
int32_t roma_text_find_special(const roma_tokenizer *t, const char *text, size_t len);
/* Longest special token at p, or -1; `control` admits markers beside the other user tokens. */
int32_t roma_text_match_special(const roma_tokenizer *t, const char *p, const char *end, bool control);
/* User tokens between bars, <|user|>, count as control tokens: they are no text of an answer. */
bool roma_text_is_control(const roma_vocab *v, uint32_t id);
/* Whether a token is recognised only where control tokens are: those that count as such, and user tokens in angle
 * brackets, <tool_response>. Other user tokens are text and always recognised. */
bool roma_text_is_marker(const roma_vocab *v, uint32_t id);
/* One character of GPT-2's printable byte alphabet: its byte, or -1. */
int roma_text_alphabet_byte(uint32_t c);
uint32_t roma_text_alphabet_char(uint8_t byte);

/* Fields of v by themselves; the text index is built by the caller afterwards. */
int roma_text_check_fields(const roma_vocab *v, const char *file, roma_error *err);
/* A refusal that says which member of the vocabulary. */
int roma_text_fail(roma_error *err, int code, const char *file, const char *what, uint64_t i);
/* The list of special tokens, once the text index is built. */
int roma_text_special(roma_tokenizer *t, const char *file, roma_error *err);
/* Check plus tables; on failure everything is released. */
int roma_text_tables(roma_tokenizer *t, const char *file, roma_error *err);
void roma_text_tables_free(roma_tokenizer *t);
/* Whether two tokens become one, and which. */
bool roma_text_merge_find(const roma_tokenizer *t, uint32_t left, uint32_t right, roma_text_merge *out);

/* ---- pre-tokenizer -------------------------------------------------------------------------------- */

enum { TEXT_STAGES_MAX = 6 };
/* End of the first piece of a text that is not empty. */
typedef const uint8_t *(*roma_text_scan)(const uint8_t *p, const uint8_t *end);
/* A pre-tokenizer at work: each stage cuts the pieces of the one before it; at[i] is what stage i has yet to cut. */
typedef struct {
    const roma_text_scan *stage;
    unsigned n;
    struct {
        const uint8_t *p, *end;
    } at[TEXT_STAGES_MAX];
} roma_text_pre;
void roma_text_pre_init(roma_text_pre *s, uint32_t pre, const char *text, size_t len);
/* Next piece; false at the end. */
bool roma_text_pre_next(roma_text_pre *s, const uint8_t **piece, size_t *len);
/* Whether a pre-tokenizer takes text in form C. */
bool roma_text_pre_composes(uint32_t pre);

/* Stages that are one regular expression (pretok_words.c). */
const uint8_t *roma_text_scan_gpt2(const uint8_t *p, const uint8_t *end);
const uint8_t *roma_text_scan_llama3(const uint8_t *p, const uint8_t *end);
const uint8_t *roma_text_scan_qwen2(const uint8_t *p, const uint8_t *end);
const uint8_t *roma_text_scan_qwen35(const uint8_t *p, const uint8_t *end);
const uint8_t *roma_text_scan_tekken(const uint8_t *p, const uint8_t *end);
const uint8_t *roma_text_scan_gpt4o(const uint8_t *p, const uint8_t *end);
/* The flags of the character at p (p < end), and its length. */
unsigned roma_text_class_at(const uint8_t *p, const uint8_t *end, unsigned *len);

/* ---- merging -------------------------------------------------------------------------------------- */

#define TEXT_NONE UINT32_MAX

typedef struct {
    uint32_t id, prev, next;
    uint32_t rank, joined; /* of the pair with next; rank TEXT_NONE: no merge */
} roma_text_symbol;

/* Scratch of one roma_tokenize call. */
typedef struct {
    roma_text_symbol *symbol;
    uint64_t *heap; /* rank << 32 | position */
    size_t n, cap, n_heap;
} roma_text_word;
/* Room for n symbols; word->n becomes 0. */
int roma_text_word_reserve(roma_text_word *w, size_t n, roma_error *err);
static inline void roma_text_word_add(roma_text_word *w, uint32_t id) { w->symbol[w->n++].id = id; }
/* Merges until no pair has a merge; the result is the chain of .next from symbol 0. */
void roma_text_word_merge(const roma_tokenizer *t, roma_text_word *w);
void roma_text_word_free(roma_text_word *w);

#endif
