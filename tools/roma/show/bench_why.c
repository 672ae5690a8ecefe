/* What roma bench --why says: the kernels that the engine chose, the reason, and what every table measured. */
#include "bench.h"
#include "roma/report.h"

#include <math.h>
#include <string.h>

static const roma_exec_choice *choice_of(const bench *b) { return roma_exec_choice_of(roma_answer_engine(b->s.a)); }

static const char *table_name(const roma_kern *k, char buf[32]) {
    roma_print(buf, 32, "%s%s%s", k->name, k->variant ? "-" : "", k->variant ? k->variant : "");
    return buf;
}

static const char *why_name(roma_exec_why why) {
    switch (why) {
    case ROMA_CHOICE_ONLY: return "only";
    case ROMA_CHOICE_ASKED: return "asked";
    case ROMA_CHOICE_KNOWN: return "known";
    case ROMA_CHOICE_SMALL: return "small";
    case ROMA_CHOICE_MEASURED: return "measured";
    }
    return "";
}

static void say_why(const bench *b, const roma_exec_choice *c, roma_buf *out) {
    const char *isa = b->config.answer.isa;
    const bool named = isa && strcmp(isa, "auto") != 0;
    roma_buf_print(out, "%s; ",
                   named ? "--isa names the instruction set" : "the best instruction set that this CPU has");
    switch (c->why) {
    case ROMA_CHOICE_ONLY: roma_buf_print(out, "it has no variants"); break;
    case ROMA_CHOICE_ASKED: roma_buf_print(out, "--isa names the variant"); break;
    case ROMA_CHOICE_KNOWN:
        roma_buf_print(out, "%s is faster on a %s: measured before", c->kern->variant, c->cpu);
        break;
    case ROMA_CHOICE_SMALL:
        roma_buf_print(out, "%s comes first%s%s, and a cache holds these weights, whose variants are not timed then",
                       c->kern->variant, c->cpu ? " on a " : "", c->cpu ? c->cpu : "");
        break;
    case ROMA_CHOICE_MEASURED: {
        roma_buf_print(out, "timed on these weights at the start, in %.0f ms:", 1e3 * c->seconds);
        const roma_kern *v;
        for (unsigned i = 0; i < ROMA_KERN_TRIED && (v = roma_kern_variant(c->kern, i)) != NULL; i++)
            roma_buf_print(out, "%s %s %.1f GB/s", i ? "," : "", v->variant, c->gb_s[i]);
        break;
    }
    }
}

static double read_share(const bench *b, size_t i) {
    return b->read_gb_s > 0 ? b->table_gb_s[i] / b->read_gb_s : (double)NAN;
}

void bench_why_text(const bench *b, roma_buf *out) {
    const roma_exec_choice *c = choice_of(b);
    char name[32];
    roma_table t = {0};
    roma_buf_print(out, "kernels  %s", table_name(c->kern, name));
    if (c->kern->variant)
        roma_buf_print(out, ": one row's weights are prefetched into the %s cache",
                       strcmp(c->kern->variant, "l1") == 0 ? "first-level" : "second-level");
    roma_buf_print(out, "\nwhy      ");
    say_why(b, c, out);
    roma_buf_print(out, "\ncpu      %s\nroofs    %.1f GB/s read by %d threads, %.1f GMAC/s of 8-bit products\n\n",
                   b->cpu, b->read_gb_s, b->roof_threads, b->int8_gmac_s);
    roma_table_column(&t, "kernels", "", 4);
    roma_table_column(&t, "gb_s", "", 3);
    roma_table_column(&t, "of_read", "%", 2);
    roma_table_column(&t, "", "", 4);
    for (size_t i = 0; i < b->n_tables; i++) {
        roma_table_row(&t);
        roma_table_text(&t, 0, table_name(b->table[i], name));
        roma_table_real(&t, 1, b->table_gb_s[i]);
        if (b->read_gb_s > 0) roma_table_real(&t, 2, 100 * read_share(b, i));
        roma_table_text(&t, 3, b->table[i] == c->kern ? "chosen" : "");
    }
    roma_report_table_text(&t, out);
    roma_buf_print(out,
                   "\n  gb_s     weights and scales a second, one row of activations, %d threads; the best of 5 turns\n"
                   "The bits are the same with all of them; --isa NAME takes another.\n",
                   roma_exec_threads(roma_answer_engine(b->s.a)));
    roma_table_destroy(&t);
}

void bench_why_json(const bench *b, roma_json *j) {
    const roma_exec_choice *c = choice_of(b);
    char name[32];
    roma_json_int(j, "threads", roma_exec_threads(roma_answer_engine(b->s.a)));
    roma_json_string(j, "kernels", table_name(c->kern, name));
    roma_json_string(j, "variant", c->kern->variant);
    roma_json_string(j, "why", why_name(c->why));
    if (c->cpu) roma_json_string(j, "known_cpu", c->cpu);
    if (c->why == ROMA_CHOICE_MEASURED) roma_json_real(j, "trial_seconds", c->seconds);
    roma_json_open(j, "measured", '[');
    for (size_t i = 0; i < b->n_tables; i++) {
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "kernels", table_name(b->table[i], name));
        roma_json_string(j, "isa", b->table[i]->name);
        roma_json_string(j, "variant", b->table[i]->variant);
        roma_json_real(j, "gb_s", b->table_gb_s[i]);
        roma_json_real(j, "read_share", read_share(b, i));
        roma_json_bool(j, "chosen", b->table[i] == c->kern);
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
}
