/* Texts: characters, writing with the origin of each byte, and what Python's str does to them. */
#include <string.h>
#include "template/internal.h"

/* ---- characters ---- */

uint32_t roma_template_char(const char *p, size_t left, unsigned *n) {
    const uint8_t *s = (const uint8_t *)p;
    *n = 1;
    if (s[0] < 0x80) return s[0];
    const size_t len = roma_utf8(p, left);
    if (len < 2) return 0x110000u + s[0];
    *n = (unsigned)len;
    uint32_t c = s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) c = c << 6 | (s[i] & 0x3f);
    return c;
}

unsigned roma_template_char_put(uint32_t c, char out[4]) {
    if (c >= 0x110000) {
        out[0] = (char)(c - 0x110000);
        return 1;
    }
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const unsigned n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (unsigned i = n - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> n & 0xff) | c);
    return n;
}

bool roma_template_space(uint32_t c) {
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

size_t roma_template_chars(const tm_text *s) {
    size_t count = 0;
    for (size_t at = 0; at < s->len; count++) {
        unsigned n;
        roma_template_char(s->p + at, s->len - at, &n);
        at += n;
    }
    return count;
}

size_t roma_template_char_at(const tm_text *s, size_t i) {
    size_t at = 0;
    for (; i && at < s->len; i--) {
        unsigned n;
        roma_template_char(s->p + at, s->len - at, &n);
        at += n;
    }
    return at;
}

bool roma_template_is(const tm_text *s, const char *what) {
    return strlen(what) == s->len && (!s->len || memcmp(s->p, what, s->len) == 0);
}

size_t roma_template_find(const tm_text *s, size_t from, const tm_text *what) {
    if (what->len > s->len - from) return SIZE_MAX;
    if (!what->len) return from;
    const char *p = memmem(s->p + from, s->len - from, what->p, what->len);
    return p ? (size_t)(p - s->p) : SIZE_MAX;
}

/* ---- writing ---- */

static bool reserve(tm_machine *m, tm_sink *s, size_t n) {
    if (!roma_template_steps(m, n / 64)) return false;
    if (n > m->limits.output || s->len > m->limits.output - n) {
        roma_template_stop(m, ROMA_EUNSUPPORTED, "the template writes more than %llu bytes",
                           (unsigned long long)m->limits.output);
        return false;
    }
    if (s->cap - s->len >= n) return true;
    size_t cap = s->cap ? 2 * s->cap : 64;
    while (cap - s->len < n) cap *= 2;
    char *p = roma_template_get(m, cap);
    if (!p) return false;
    if (s->len) memcpy(p, s->p, s->len);
    s->p = p;
    if (s->data) {
        uint8_t *data = roma_template_get(m, cap);
        if (!data) return false;
        if (s->len) memcpy(data, s->data, s->len);
        s->data = data;
    }
    s->cap = cap;
    return true;
}

/* The sink takes bytes of one origin, or of several from here on. */
static bool blend(tm_machine *m, tm_sink *s, tm_origin origin) {
    if (!s->len) s->origin = (uint8_t)origin;
    if (s->origin == origin && origin != TM_OF_BOTH) return true;
    if (s->data && s->origin == TM_OF_BOTH) return true;
    if (!s->data && (s->data = roma_template_get(m, s->cap)) == NULL) return false;
    memset(s->data, s->origin == TM_OF_DATA, s->len);
    s->origin = TM_OF_BOTH;
    return true;
}

void roma_template_write(tm_machine *m, tm_sink *s, const char *p, size_t n, tm_origin origin) {
    if (!n || !reserve(m, s, n) || !blend(m, s, origin)) return;
    memcpy(s->p + s->len, p, n);
    if (s->origin == TM_OF_BOTH) memset(s->data + s->len, origin == TM_OF_DATA, n);
    s->len += n;
}

void roma_template_write_part(tm_machine *m, tm_sink *s, const tm_text *t, size_t at, size_t n) {
    if (t->origin != TM_OF_BOTH) {
        roma_template_write(m, s, t->p + at, n, (tm_origin)t->origin);
        return;
    }
    if (!n || !reserve(m, s, n) || !blend(m, s, TM_OF_BOTH)) return;
    memcpy(s->p + s->len, t->p + at, n);
    memcpy(s->data + s->len, t->data + at, n);
    s->len += n;
}

void roma_template_write_text(tm_machine *m, tm_sink *s, const tm_text *t) {
    roma_template_write_part(m, s, t, 0, t->len);
}

tm_value roma_template_done(tm_machine *m, const tm_sink *s) {
    tm_text *t = roma_template_get(m, sizeof *t);
    if (!t) return roma_template_undefined(NULL);
    *t = (tm_text){
        .p = s->len ? s->p : "", .data = s->origin == TM_OF_BOTH ? s->data : NULL, .len = s->len, .origin = s->origin};
    return roma_template_text(t);
}

/* ---- what Python does ---- */

static bool in_set(const tm_text *set, uint32_t c) {
    if (!set) return roma_template_space(c);
    for (size_t at = 0; at < set->len;) {
        unsigned n;
        if (roma_template_char(set->p + at, set->len - at, &n) == c) return true;
        at += n;
    }
    return false;
}

tm_value roma_template_strip(tm_machine *m, const tm_text *s, const tm_text *set, unsigned sides) {
    size_t from = 0, to = 0;
    bool begun = !(sides & TM_LEFT);
    roma_template_steps(m, s->len / 64 + 1);
    for (size_t at = 0; at < s->len;) {
        unsigned n;
        const uint32_t c = roma_template_char(s->p + at, s->len - at, &n);
        const bool goes = in_set(set, c);
        if (!begun && !goes) {
            begun = true;
            from = at;
        }
        at += n;
        if (!goes) to = at;
    }
    if (!(sides & TM_RIGHT)) to = s->len;
    if (!begun) from = to = s->len;
    return roma_template_part(m, s, from, to > from ? to - from : 0);
}

tm_value roma_template_concat(tm_machine *m, const tm_text *a, const tm_text *b) {
    tm_sink s = {0};
    const bool markup = a->markup || b->markup;
    if (markup) {
        const tm_value x = roma_template_text(a), y = roma_template_text(b);
        a = roma_template_escape(m, &x);
        b = roma_template_escape(m, &y);
    }
    if (m->rc) return roma_template_undefined(NULL);
    roma_template_write_text(m, &s, a);
    roma_template_write_text(m, &s, b);
    tm_value v = roma_template_done(m, &s);
    return markup && !m->rc ? roma_template_markup(m, v.u.text) : v;
}

tm_value roma_template_markup(tm_machine *m, const tm_text *s) {
    tm_value v = roma_template_part(m, s, 0, s->len);
    if (!m->rc) ((tm_text *)(uintptr_t)v.u.text)->markup = true;
    return v;
}

const tm_text *roma_template_escape(tm_machine *m, const tm_value *v) {
    static const char marks[] = "&<>\"'";
    static const char *const as[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    const tm_text *t = roma_template_str(m, v);
    tm_sink s = {0};
    if (!t || t->markup) return t;
    for (size_t i = 0, from = 0; i <= t->len; i++) {
        const char *at = i < t->len && t->p[i] ? strchr(marks, t->p[i]) : NULL;
        if (!at && i < t->len) continue;
        roma_template_write_part(m, &s, t, from, i - from);
        from = i + 1;
        const bool data = t->origin == TM_OF_DATA || (t->origin == TM_OF_BOTH && i < t->len && t->data[i]);
        if (at) roma_template_write(m, &s, as[at - marks], strlen(as[at - marks]), data ? TM_OF_DATA : TM_OF_TEMPLATE);
    }
    tm_value done = roma_template_done(m, &s);
    if (!m->rc) done = roma_template_markup(m, done.u.text);
    return m->rc ? NULL : done.u.text;
}

tm_value roma_template_case(tm_machine *m, const tm_text *s, tm_case how) {
    tm_sink out = {0};
    bool first = true, cased = false; /* the last letter before this one, past what is ignored, for the final sigma */
    for (size_t at = 0; at < s->len && !m->rc; first = false) {
        unsigned n;
        const uint32_t c = roma_template_char(s->p + at, s->len - at, &n);
        uint32_t to[3];
        const bool begins = how == TM_CAPITALIZE ? first : !cased;
        const tm_case now = how == TM_CAPITALIZE || how == TM_WORDS ? (begins ? TM_TITLE : TM_LOWER) : how;
        unsigned k = roma_template_map_case(c, now, to);
        if (c == 0x3a3 && now == TM_LOWER) {
            /* Sigma at the end of a word: a letter before it, and none behind. */
            unsigned after = 0;
            const uint32_t next = at + n < s->len ? roma_template_char(s->p + at + n, s->len - at - n, &after) : ' ';
            to[0] = cased && !roma_template_is_cased(next) ? 0x3c2 : 0x3c3;
            k = 1;
        }
        cased = roma_template_is_cased(c);
        const bool data = s->origin == TM_OF_DATA || (s->origin == TM_OF_BOTH && s->data[at]);
        if (!k) {
            roma_template_write_part(m, &out, s, at, n);
        } else {
            char bytes[4];
            for (unsigned i = 0; i < k; i++)
                roma_template_write(m, &out, bytes, roma_template_char_put(to[i], bytes),
                                    data ? TM_OF_DATA : TM_OF_TEMPLATE);
        }
        at += n;
    }
    const tm_value v = roma_template_done(m, &out);
    return s->markup && !m->rc ? roma_template_markup(m, v.u.text) : v;
}

tm_value roma_template_replace(tm_machine *m, const tm_text *s, const tm_text *old, const tm_text *new, int64_t count) {
    tm_sink out = {0};
    size_t at = 0;
    for (int64_t k = 0; (count < 0 || k < count) && roma_template_steps(m, 1); k++) {
        const size_t next = old->len ? roma_template_find(s, at, old) : at;
        if (next == SIZE_MAX) break;
        roma_template_write_part(m, &out, s, at, next - at);
        roma_template_write_text(m, &out, new);
        at = next + old->len;
        if (old->len) continue;
        if (at >= s->len) break;
        unsigned n;
        roma_template_char(s->p + at, s->len - at, &n);
        roma_template_write_part(m, &out, s, at, n);
        at += n;
    }
    if (at < s->len) roma_template_write_part(m, &out, s, at, s->len - at);
    return roma_template_done(m, &out);
}

tm_value roma_template_join(tm_machine *m, const tm_text *between, const tm_list *l) {
    tm_sink out = {0};
    for (size_t i = 0; i < l->n && !m->rc; i++) {
        if (i) roma_template_write_text(m, &out, between);
        roma_template_write_value(m, &out, &l->v[i]);
    }
    return roma_template_done(m, &out);
}
