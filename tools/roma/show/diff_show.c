/* What roma adapter diff prints; contract in diff_show.h. */
#include "show/diff_show.h"

#include <math.h>

static double norm(double square) { return sqrt(fmax(0, square)); }

static void print_sums(diff_printer *p, const roma_adapter_difference *d) {
    roma_json_real(&p->j, "norm_a", norm(d->square_a));
    roma_json_real(&p->j, "norm_b", norm(d->square_b));
    roma_json_real(&p->j, "difference", d->relative);
    roma_json_real(&p->j, "cosine", d->cosine);
}

static void number(roma_buf *b, const char *format, double v) {
    if (isfinite(v))
        roma_buf_print(b, format, v);
    else
        roma_buf_print(b, "%12s", "-");
}

static void row(diff_printer *p, const char *layer, const char *matrix, uint32_t rank_a, uint32_t rank_b,
                const roma_adapter_difference *d) {
    roma_buf_print(&p->text, "  %5s  %-6s  %6u  %6u  %12.6g  %12.6g", layer, matrix, rank_a, rank_b, norm(d->square_a),
                   norm(d->square_b));
    number(&p->text, "%12.6f", d->relative);
    number(&p->text, "%12.6f", d->cosine);
    roma_buf_append(&p->text, "\n", 1);
}

void diff_matrix(diff_printer *p, const roma_adapter_difference *d) {
    const roma_adapter_target *t = d->a ? d->a : d->b;
    const uint32_t rank[2] = {d->a ? d->a->rank : 0, d->b ? d->b->rank : 0};
    char layer[12];
    roma_print(layer, sizeof layer, "%u", t->layer);
    if (!p->as_json) {
        row(p, layer, roma_tensor_role_name(t->role), rank[0], rank[1], d);
        return;
    }
    roma_json_open(&p->j, NULL, '{');
    roma_json_int(&p->j, "layer", t->layer);
    roma_json_string(&p->j, "role", roma_tensor_role_name(t->role));
    roma_json_int(&p->j, "rank_a", rank[0]);
    roma_json_int(&p->j, "rank_b", rank[1]);
    print_sums(p, d);
    roma_json_close(&p->j, '}');
}

void diff_begin(diff_printer *p, const roma_adapter a[2], const char *const path[2]) {
    const bool same = memcmp(a[0].base_id, a[1].base_id, 32) == 0;
    if (p->as_json) {
        roma_json_open(&p->j, NULL, '{');
        roma_json_string(&p->j, "a", path[0]);
        roma_json_string(&p->j, "b", path[1]);
        roma_json_bool(&p->j, "same_base", same);
        roma_json_open(&p->j, "targets", '[');
        return;
    }
    roma_buf_print(&p->text, "a  %s: %s, rank %u, %s\nb  %s: %s, rank %u, %s\n%s\n", path[0], a[0].name, a[0].rank,
                   roma_adapter_type_name(a[0].type), path[1], a[1].name, a[1].rank, roma_adapter_type_name(a[1].type),
                   same ? "" : "they were made for different bases\n");
    roma_buf_print(&p->text, "  %5s  %-6s  %6s  %6s  %12s  %12s%12s%12s\n", "layer", "matrix", "rank a", "rank b",
                   "norm a", "norm b", "|a-b|/|a|", "cosine");
}

void diff_end(diff_printer *p, const roma_adapter a[2], const roma_adapter_difference *all) {
    if (!p->as_json) {
        row(p, "all", "", a[0].rank, a[1].rank, all);
        return;
    }
    roma_json_close(&p->j, ']');
    print_sums(p, all);
    roma_json_close(&p->j, '}');
    roma_buf_append(&p->text, "\n", 1);
}
