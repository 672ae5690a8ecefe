/* Statements: tags to tree. */
#include <string.h>
#include "template/internal.h"

enum { DEPTH = 100 };

static tm_node *body_until(tm_parser *p, const char *const *ends);

static void end_tag(tm_parser *p) {
    char shown[64];
    if (p->rc) return;
    if (p->tok->kind != TM_T_BLOCK_END)
        roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "'%s' stands where the tag should end",
                             roma_error_name(shown, sizeof shown, p->t->source + p->tok->at, p->tok->len));
    else
        p->tok++;
}

/* Body up to {% name %}, which is passed. */
static tm_node *body(tm_parser *p, const char *end) {
    const char *const ends[] = {end, NULL};
    tm_node *n = body_until(p, ends);
    roma_template_skip_name(p, end);
    end_tag(p);
    return n;
}

/* A body of a scope of its own: jinja2 looks names of filters up anew in such. */
static tm_node *scoped(tm_parser *p, const char *end) {
    const uint32_t soft = p->soft;
    p->soft = 0;
    tm_node *n = body(p, end);
    p->soft = soft;
    return n;
}

/* ---- tags ---- */

static tm_node *tag_if(tm_parser *p, const tm_token *at) {
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    tm_node *n = roma_template_node(p, TM_N_IF, at), **end = &n->a;
    bool more = true, otherwise = false;
    while (more && !p->rc) {
        tm_node *b = roma_template_node(p, TM_N_BRANCH, p->tok);
        p->soft++;
        if (!otherwise) b->a = roma_template_tuple(p, false, false);
        end_tag(p);
        b->b = body_until(p, ends);
        p->soft--;
        *end = b;
        end = &b->next;
        if (otherwise || roma_template_is_name(p, "endif")) {
            if (!roma_template_skip_name(p, "endif"))
                roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "this tag has no place behind else");
            more = false;
        } else if (roma_template_skip_name(p, "else")) {
            otherwise = true;
        } else {
            roma_template_skip_name(p, "elif");
        }
    }
    end_tag(p);
    return n;
}

static tm_node *tag_for(tm_parser *p, const tm_token *at) {
    static const char *const ends[] = {"else", "endfor", NULL};
    tm_node *n = roma_template_node(p, TM_N_FOR, at);
    const uint32_t soft = p->soft;
    n->a = roma_template_target(p, false);
    if (!roma_template_skip_name(p, "in")) roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "a loop needs 'in' here");
    n->b = roma_template_tuple(p, false, false);
    p->soft = 0;
    if (roma_template_skip_name(p, "if")) n->c = roma_template_expression(p, true);
    if (roma_template_is_name(p, "recursive"))
        roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "recursive loops are not supported");
    end_tag(p);
    p->loops++;
    n->d = body_until(p, ends);
    p->loops--;
    if (roma_template_skip_name(p, "else")) {
        end_tag(p);
        n->e = body(p, "endfor");
    } else {
        roma_template_skip_name(p, "endfor");
        end_tag(p);
    }
    p->soft = soft;
    return n;
}

static tm_node *tag_set(tm_parser *p, const tm_token *at) {
    tm_node *n = roma_template_node(p, TM_N_SET, at);
    n->a = roma_template_target(p, true);
    if (roma_template_skip_op(p, '=')) {
        n->b = roma_template_tuple(p, true, false);
        end_tag(p);
        return n;
    }
    n->kind = TM_N_SET_BLOCK;
    n->c = roma_template_filters(p, NULL, false);
    end_tag(p);
    n->b = scoped(p, "endset");
    return n;
}

/* Parameters in brackets, the last of which may have defaults. */
static tm_node *parameters(tm_parser *p) {
    tm_node *first = NULL, **end = &first;
    unsigned n = 0;
    bool defaults = false;
    roma_template_expect_op(p, '(');
    while (!p->rc && !roma_template_is_op(p, ')')) {
        if (first) roma_template_expect_op(p, ',');
        tm_node *one = roma_template_node(p, TM_N_PARAM, p->tok);
        one->name = roma_template_intern(p, p->tok);
        roma_template_expect_name(p);
        if (roma_template_skip_op(p, '=')) {
            one->a = roma_template_expression(p, true);
            defaults = true;
        } else if (defaults) {
            roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED,
                                 "a parameter without a default follows one with a default");
        }
        if (++n > TM_ARGS_MAX)
            roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "more than %d parameters are not supported",
                                 TM_ARGS_MAX);
        *end = one;
        end = &one->next;
    }
    roma_template_expect_op(p, ')');
    return first;
}

/* The body of a macro, and what beside its parameters it reads. */
static void macro_body(tm_parser *p, tm_node *n, const char *end) {
    const uint8_t uses = p->uses;
    const uint32_t loops = p->loops;
    p->uses = 0;
    p->loops = 0;
    end_tag(p);
    n->b = scoped(p, end);
    n->op = p->uses;
    p->uses |= uses; /* a macro around hands its caller on */
    p->loops = loops;
}

static tm_node *tag_macro(tm_parser *p, const tm_token *at) {
    tm_node *n = roma_template_node(p, TM_N_MACRO, at);
    n->name = roma_template_intern(p, p->tok);
    roma_template_expect_name(p);
    n->a = parameters(p);
    macro_body(p, n, "endmacro");
    return n;
}

static tm_node *tag_call(tm_parser *p, const tm_token *at) {
    tm_node *n = roma_template_node(p, TM_N_CALL_BLOCK, at);
    tm_node *caller = roma_template_node(p, TM_N_MACRO, at);
    if (roma_template_is_op(p, '(')) caller->a = parameters(p);
    n->a = roma_template_expression(p, true);
    if (!p->rc && n->a->kind != TM_N_CALL) roma_template_refuse(p, at, ROMA_EUNSUPPORTED, "a call block needs a call");
    macro_body(p, caller, "endcall");
    n->b = caller;
    return n;
}

static tm_node *tag_filter(tm_parser *p, const tm_token *at) {
    tm_node *n = roma_template_node(p, TM_N_FILTER_BLOCK, at);
    n->a = roma_template_filters(p, NULL, true);
    end_tag(p);
    n->b = scoped(p, "endfilter");
    return n;
}

static tm_node *tag_with(tm_parser *p, const tm_token *at) {
    tm_node *n = roma_template_node(p, TM_N_WITH, at), **end = &n->a;
    while (!p->rc && p->tok->kind != TM_T_BLOCK_END) {
        if (n->a) roma_template_expect_op(p, ',');
        tm_node *pair = roma_template_node(p, TM_N_PAIR, p->tok);
        pair->a = roma_template_target(p, false);
        roma_template_expect_op(p, '=');
        pair->b = roma_template_expression(p, true);
        *end = pair;
        end = &pair->next;
    }
    end_tag(p);
    n->b = scoped(p, "endwith");
    return n;
}

static tm_node *leave(tm_parser *p, const tm_token *at, tm_node_kind kind) {
    if (!p->loops) roma_template_refuse(p, at, ROMA_EUNSUPPORTED, "there is no loop here to leave");
    end_tag(p);
    return roma_template_node(p, kind, at);
}

static tm_node *tag_break(tm_parser *p, const tm_token *at) { return leave(p, at, TM_N_BREAK); }
static tm_node *tag_continue(tm_parser *p, const tm_token *at) { return leave(p, at, TM_N_CONTINUE); }

static tm_node *tag_generation(tm_parser *p, const tm_token *at) {
    tm_node *n = roma_template_node(p, TM_N_SCOPE, at);
    const uint32_t loops = p->loops;
    p->loops = 0;
    end_tag(p);
    n->b = scoped(p, "endgeneration");
    p->loops = loops;
    return n;
}

static tm_node *tag(tm_parser *p) {
    static const struct {
        const char *name;
        tm_node *(*parse)(tm_parser *, const tm_token *);
    } tags[] = {{"if", tag_if},
                {"for", tag_for},
                {"set", tag_set},
                {"macro", tag_macro},
                {"call", tag_call},
                {"filter", tag_filter},
                {"with", tag_with},
                {"break", tag_break},
                {"continue", tag_continue},
                {"generation", tag_generation}};
    char shown[64];
    const tm_token *at = p->tok;
    roma_template_expect_name(p);
    for (size_t i = 0; i < sizeof tags / sizeof *tags && !p->rc; i++)
        if (strlen(tags[i].name) == at->len && memcmp(p->t->source + at->at, tags[i].name, at->len) == 0)
            return tags[i].parse(p, at);
    roma_template_refuse(p, at, ROMA_EUNSUPPORTED, "the tag '%s' has no place here, or is not supported",
                         roma_error_name(shown, sizeof shown, p->t->source + at->at, at->len));
    return roma_template_node(p, TM_N_DATA, at);
}

/* ---- bodies ---- */

static tm_node *data(tm_parser *p) {
    tm_node *n = roma_template_node(p, TM_N_DATA, p->tok);
    tm_text *s = p->rc ? NULL : roma_template_take(&p->t->pool, sizeof *s);
    if (!s) {
        roma_template_refuse(p, p->tok, ROMA_ENOMEM, "no memory for the template");
        return n;
    }
    *s = (tm_text){.p = p->t->source + p->tok->at, .len = p->tok->len};
    n->value = roma_template_text(s);
    p->tok++;
    return n;
}

static tm_node *print(tm_parser *p) {
    tm_node *n = roma_template_node(p, TM_N_PRINT, p->tok++);
    n->a = roma_template_tuple(p, true, false);
    if (!p->rc && p->tok->kind != TM_T_PRINT_END) {
        char shown[64];
        roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "'%s' stands where the tag should end",
                             roma_error_name(shown, sizeof shown, p->t->source + p->tok->at, p->tok->len));
    }
    if (!p->rc) p->tok++;
    return n;
}

static bool at_end(const tm_parser *p, const char *const *ends) {
    for (; *ends; ends++)
        if (roma_template_is_name(p, *ends)) return true;
    return false;
}

/* Up to {% and one of the names, which is then the next token; without names, to the end of the text. */
static tm_node *body_until(tm_parser *p, const char *const *ends) {
    tm_node *first = NULL, **end = &first;
    const tm_token *begin = p->tok;
    if (++p->depth > DEPTH) roma_template_refuse(p, begin, ROMA_EUNSUPPORTED, "tags nest more than %d deep", DEPTH);
    while (!p->rc && p->tok->kind != TM_T_END) {
        tm_node *n;
        if (p->tok->kind == TM_T_DATA) {
            n = data(p);
        } else if (p->tok->kind == TM_T_PRINT_BEGIN) {
            n = print(p);
        } else {
            p->tok++;
            if (at_end(p, ends)) break;
            n = tag(p);
        }
        *end = n;
        end = &n->next;
    }
    if (!p->rc && p->tok->kind == TM_T_END && *ends)
        roma_template_refuse(p, begin, ROMA_EUNSUPPORTED, "a tag before this has no end: {%% %s %%} is missing",
                             ends[0]);
    p->depth--;
    return first;
}

int roma_template_parse(roma_template *t, roma_error *err) {
    static const char *const none[] = {NULL};
    tm_tokens tokens = {0};
    int rc = roma_template_lex(t, &tokens, err);
    if (!rc) {
        tm_parser p = {.t = t, .tok = tokens.v, .last = tokens.v + tokens.n - 1, .err = err};
        t->body = body_until(&p, none);
        rc = p.rc;
    }
    roma_free(tokens.v);
    return rc;
}
