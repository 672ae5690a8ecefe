/* Insides of constrain. A form becomes, in this order: rules of code (gbnf.c over code.c; a schema is written as GBNF
 * first, schema*.c), rules that are checked and put into one another (rules.c), an automaton for each rule that is left
 * (automaton.c), whose states know what they need (reach.c). Over a vocabulary (words.c) a state (state.c) makes masks
 * (mask.c). docs/constrain.md tells how. */
#ifndef ROMA_CONSTRAIN_INTERNAL_H
#define ROMA_CONSTRAIN_INTERNAL_H

#include "roma/constrain.h"

#include <assert.h>

/* ---- rules as code: what may follow what ----------------------------------------------------------- */

enum {
    CONSTRAIN_CODE_MAX = 1 << 18, /* instructions of all rules */
    CONSTRAIN_RULES_MAX = 1 << 14,
    CONSTRAIN_INLINE_MAX = 32,     /* instructions of a rule that is copied to where it is used several times */
    CONSTRAIN_STATES_MAX = 65535,  /* of all automata */
    CONSTRAIN_TABLE_MAX = 8 << 20, /* entries: states times classes of bytes */
    CONSTRAIN_WORK_MAX = 1 << 27   /* steps of making the automata */
};

typedef enum {
    CODE_BYTE,  /* a byte of lo..hi, then the next instruction */
    CODE_SPLIT, /* goes on at x and at y, both relative */
    CODE_JUMP,  /* goes on at x, relative */
    CODE_CALL,  /* a text of rule x, then the next instruction */
    CODE_END    /* the rule's last */
} code_op;

typedef struct {
    uint8_t op, lo, hi;
    int32_t x, y;
} code_instr;

typedef struct {
    code_instr *at;
    uint32_t n, cap;
} code_list;

typedef struct {
    char *name; /* NULL: a rule of our own, of what is repeated often */
    size_t at;  /* byte of the text where it is defined, else where it is used first */
    code_list code;
    uint32_t uses;            /* in rules that are left */
    bool is_defined, is_loop; /* loop: calls of it stay calls, for it calls itself on some way */
    bool is_kept;             /* has an automaton of its own */
    bool is_nullable;
    uint32_t start; /* its automaton's first state */
} code_rule;

/* A form in the making. The first error is kept; what comes after it does nothing. */
typedef struct {
    code_rule *rules;
    uint32_t n_rules;
    size_t cap_rules;
    uint32_t *names, names_mask; /* hash: rule + 1 */
    code_list code;              /* of the rule that is being read */
    uint32_t total;              /* instructions of rules that are done */
    uint32_t root;
    const char *file;
    const char *text;
    size_t at; /* byte of the text where the reader is, for errors */
    roma_error *err;
    int rc;
    const char *culprit; /* the rule whose fault a failure is; NULL: not one rule's */
} code_build;

/* code.c */
int roma_constrain_fail(code_build *b, int code, const char *what); /* keeps the first error; returns b->rc */
bool roma_constrain_room(code_build *b, code_list *l, uint32_t n);  /* for n more instructions */
void roma_constrain_emit(code_build *b, code_op op, uint8_t lo, uint8_t hi, int32_t x, int32_t y);
void roma_constrain_emit_char(code_build *b, uint32_t c);
/* Characters of n ranges, 2n ends that are sorted and apart. */
void roma_constrain_emit_ranges(code_build *b, const uint32_t *ends, size_t n);
/* What stands from instruction `from` on, least to most times; UINT32_MAX: any number. */
void roma_constrain_repeat(code_build *b, uint32_t from, uint32_t least, uint32_t most);
/* The rule of a name, made if there is none; the code so far becomes a rule's. */
uint32_t roma_constrain_rule(code_build *b, const char *name, size_t len);
void roma_constrain_rule_end(code_build *b, uint32_t rule);
void roma_constrain_build_free(code_build *b);

/* gbnf.c: reads all rules into b. */
int roma_constrain_read_gbnf(code_build *b, const char *text, size_t len);
/* rules.c: all rules are there, none begins with itself; what is copied into others is so. */
int roma_constrain_link(code_build *b);

/* ---- automata ---------------------------------------------------------------------------------------- */

enum {
    STATE_FINAL = 1,  /* the rule can end here */
    STATE_CALLS = 2,  /* has calls */
    STATE_BYTES = 4,  /* has a byte that goes on */
    STATE_SIMPLE = 8, /* neither final nor calls */
    /* Of clean characters (words.c): */
    STATE_BOUNDED = 16 /* `run` of them can come here in this rule, and not one more */
};
#define CONSTRAIN_NEVER 255 /* need: no text leads to the rule's end */
#define RUN_ANY 255         /* run: any number */

typedef struct {
    uint16_t callee, back; /* first state of the rule that is called; where this rule goes on */
} state_call;

struct roma_constrain {
    uint32_t n_states, n_classes; /* state 0 is dead */
    uint32_t n_calls;
    uint8_t class_of[256]; /* of a byte; ascending */
    uint16_t *next;        /* [state][class] */
    uint32_t *calls_from;  /* n_states + 1 places in calls */
    state_call *calls;
    uint8_t *flags;
    uint8_t *need;     /* further rules inside one another, at least, until the rule's end; CONSTRAIN_NEVER */
    uint8_t *run;      /* clean characters that surely can come; RUN_ANY */
    uint8_t need_most; /* of all that are not CONSTRAIN_NEVER */
    uint16_t root;
    size_t bytes;
};

/* automaton.c: the automata of all rules that are kept. */
int roma_constrain_determine(code_build *b, roma_constrain *c);
/* reach.c: need, run, flags; dead ends are taken out. */
int roma_constrain_reach(code_build *b, roma_constrain *c);

/* ---- vocabulary --------------------------------------------------------------------------------------- */

/* Tokens by their bytes: nodes in the order of a walk from the root, which is no node. */
typedef struct {
    uint32_t n;
    uint8_t *byte;
    uint16_t *depth; /* bytes up to here, from 1 */
    uint32_t *skip;  /* the node behind all that are below */
    uint32_t *token; /* id + 1 of one with these bytes; 0: none */
} word_trie;

enum { WORDS_CLEAN_MASKS = 32 };

struct roma_constrain_words {
    const roma_tokenizer *tok;
    uint32_t vocab, n_tokens, n_words; /* n_words: 64-bit words of a mask */
    word_trie clean, rest; /* of clean characters alone: whole ones, no control, quote, backslash or DEL; all others */
    uint32_t *same;        /* id + 1 of the next token with the same bytes; 0: none */
    uint64_t *clean_mask;  /* [WORDS_CLEAN_MASKS + 1] masks: clean tokens of at most so many characters */
    uint64_t *clean_all;
    uint32_t *clean_long, n_clean_long; /* those of more, ascending by their number */
    uint8_t *clean_count;               /* characters of a clean token, at most 254; 0: it is not clean */
    uint8_t clean_most;                 /* in one token */
    uint64_t *shown;                    /* control tokens whose text counts */
    uint64_t *dropped; /* tokens that begin with a blank which the tokenizer drops; NULL: it drops none */
    uint32_t longest;  /* bytes of a token */
    uint32_t eog[ROMA_EOG_MAX + 1], n_eog;
    size_t bytes;
};

/* Bytes of a token as a text has them: as roma_token_bytes. */
size_t roma_constrain_token(const roma_constrain_words *w, int32_t id, char *out, size_t cap);

/* ---- a state ------------------------------------------------------------------------------------------- */

enum {
    STATE_CONFIGS_MAX = 256, /* ways to read a text */
    STATE_NODES_MAX = 8192,
    STATE_ARENA_MAX = 16384, /* configs of the texts between the root of the vocabulary's tree and a token */
    STATE_CACHED = 8,        /* masks that are kept */
    STATE_KEY_MAX = 16,      /* configs of a text whose mask is kept */
    STATE_WORK_MAX = 1 << 24 /* steps of a mask */
};

/* Where a rule is and what called it. */
typedef struct {
    uint16_t state;
    uint16_t depth; /* of node */
    uint32_t node;  /* 0: nothing did */
} state_config;

/* A call that waits: equal ones are one node, so that configs are equal when their members are. */
typedef struct {
    uint32_t parent, chain; /* chain: the next of the same hash */
    uint16_t back, depth;
} state_node;

typedef struct {
    uint32_t from, n; /* in the arena */
    uint32_t nodes;   /* nodes in use */
    bool ends;        /* the text is whole */
} state_set;

struct roma_constrain_state {
    const roma_constrain *c;
    const roma_constrain_words *w;
    bool is_first; /* a blank at the beginning is dropped */
    bool is_failed;
    state_set now; /* at the arena's beginning */
    state_config *arena;
    state_node *nodes;
    uint32_t n_nodes;
    uint32_t *heads;  /* hash of nodes */
    uint32_t *moved;  /* of compact */
    state_set *level; /* [longest + 1] */
    uint16_t *simple; /* [longest + 1] states, of walk_simple */
    uint64_t work;
    /* masks that are kept */
    struct {
        uint32_t n; /* configs; 0: empty */
        bool ends;
        state_config key[STATE_KEY_MAX];
    } cached[STATE_CACHED];
    uint32_t next_cached;
    uint64_t *masks; /* [STATE_CACHED] */
};

/* state.c: the configs behind `from` and a byte, put behind them in the arena; false: too many. An empty set: the byte
 * cannot come. */
bool roma_constrain_step(roma_constrain_state *s, const state_set *from, uint8_t byte, state_set *to);
void roma_constrain_forget(roma_constrain_state *s, uint32_t n_nodes); /* nodes from there on */

#endif
