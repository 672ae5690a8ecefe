/* A placement as a table and as JSON. */
#include "place_int.h"

#include <string.h>

static const char *const where_name[] = {"nowhere", "lunits", "vectors"};

/* Rows that the matrix units store as zeros behind those of the matrix. */
static uint64_t padded_rows(const roma_placement *p, size_t i) {
    return p->tensors[i].unit_rows * place_numbers_of(p).U - p->plan->desc->tensors[i].rows;
}

/* Share of the words of all L-Units of the dies that have a bit of the matrix or of its scales. */
static double useful(const roma_placement *p) {
    const place_numbers k = place_numbers_of(p);
    double bits = 0, words = 0;
    for (size_t i = 0; i < p->plan->desc->n_tensors; i++) {
        const roma_image_tensor *t = &p->plan->desc->tensors[i];
        const roma_place_tensor *m = &p->tensors[i];
        if (m->where != ROMA_PLACED_LUNITS) continue;
        bits += (double)t->rows * (double)t->cols * 32 / m->word_inputs;
        words += (double)(m->words - m->scale_words);
    }
    return words > 0 ? bits / (words * (double)(k.word_bits * k.U * k.N)) : 0;
}

/* ---- text ---- */

static void print_tensor(const roma_placement *p, size_t i, roma_buf *out) {
    const roma_image_tensor *t = &p->plan->desc->tensors[i];
    const roma_place_tensor *at = &p->tensors[i];
    char name[32], units[32];
    roma_tensor_name(t->role, t->layer, name, sizeof name);
    switch (at->where) {
    case ROMA_PLACED_NOWHERE:
        roma_buf_print(out, "%-16s %s\n", name, t->tie >= 0 ? "is another tensor's table" : "outside the chip");
        break;
    case ROMA_PLACED_LUNITS:
        roma_print(units, sizeof units, "L 0-%u", at->units - 1);
        roma_buf_print(
            out, "%-16s %3u %-10s %9llu %7llu %7llu %7llu %7llu %7llu %7llu %6llu %6llu\n", name, at->die, units,
            (unsigned long long)at->base, (unsigned long long)at->words, (unsigned long long)at->scale_words,
            (unsigned long long)at->row_words, (unsigned long long)at->unit_rows, (unsigned long long)padded_rows(p, i),
            (unsigned long long)at->own_words, (unsigned long long)at->own_bits, (unsigned long long)at->group_lunits);
        break;
    case ROMA_PLACED_VECTORS:
        roma_print(units, sizeof units, "V 0-%.0f", p->chip.vector_units - 1);
        roma_buf_print(out, "%-16s %3u %-10s %9llu %7llu\n", name, at->die, units, (unsigned long long)at->base,
                       (unsigned long long)at->words);
        break;
    }
}

/* Codes go to every matrix unit; FP32 values lie in vector units, as do logits unless only the largest is wanted. */
static const char *value_place(const roma_placement *p, const roma_value *v) {
    const roma_plan *plan = p->plan;
    const bool is_logits = v == &plan->values[plan->ops[plan->n_ops - 1].out];
    if (v->is_codes) return "matrix units, broadcast";
    return is_logits && p->chip.full_logits == 0 ? "nowhere, running maximum" : "vector units";
}

/* Bytes of a row in vector unit 0, which is the fullest; 0 for what lies elsewhere. */
static uint64_t value_bytes(const roma_placement *p, const roma_value *v) {
    const place_numbers k = place_numbers_of(p);
    if (strcmp(value_place(p, v), "vector units") != 0) return 0;
    const uint64_t all = k.V * k.vector_lanes, rest = v->width % all;
    return 4 * (v->width / all * k.vector_lanes + (rest < k.vector_lanes ? rest : k.vector_lanes));
}

static void print_rest(const roma_placement *p, roma_buf *out) {
    roma_buf_print(out, "\n%-16s %-26s %9s\n", "value", "where", "bytes/row");
    for (size_t i = 0; i < p->plan->n_values; i++) {
        const roma_value *v = &p->plan->values[i];
        roma_buf_print(out, "%-16s %-26s %9llu\n", v->name, value_place(p, v), (unsigned long long)value_bytes(p, v));
    }
    const roma_hyper *h = &p->plan->desc->hyper;
    const bool spread = p->chip.hunit_pages == ROMA_PAGES_SPREAD;
    roma_buf_print(out, "\npages of 32 positions, %s, %llu bytes of a layer and KV head; %u H-Units a KV head, ",
                   roma_kv_formats[p->kv].name, (unsigned long long)roma_place_one_page(p), roma_place_page_units(p));
    if (spread)
        roma_buf_print(out, "over which its positions go round\n");
    else if (p->chip.page_run > 0)
        roma_buf_print(out, "%u neighbouring pages on one; page 0 by layer and head:\n",
                       1u << (unsigned)p->chip.page_run);
    else
        roma_buf_print(out, "each page on one; page 0 by layer and head:\n");
    for (uint32_t l = 0; l < h->layers && !spread; l++) {
        roma_buf_print(out, "%5u:", l);
        for (uint32_t g = 0; g < h->kv_heads; g++) roma_buf_print(out, " %u", roma_place_page_unit(p, l, g, 0));
        roma_buf_print(out, "\n");
    }
}

void roma_place_print(const roma_placement *p, roma_buf *out) {
    roma_buf_print(out, "%.4g %% of the code words hold codes; %llu ROM words in a vector unit\n", 100 * useful(p),
                   (unsigned long long)p->vector_words);
    if (p->scale_words)
        roma_buf_print(out, "scales: %llu words of %llu bits in a ROM of every matrix unit\n",
                       (unsigned long long)p->scale_words, (unsigned long long)p->scale_bits);
    roma_buf_print(out, "buffer: %llu inputs in every L-Unit\n\n%-16s %3s %-10s %9s %7s %7s %7s %7s %7s %7s %6s %6s\n",
                   (unsigned long long)p->buffer_inputs, "tensor", "die", "units", "base", "words", "scales", "a group",
                   "rows", "padded", "own ROM", "bits", "merged");
    roma_buf_print(out, "%-16s all V 0-%-6.0f %9d %7llu\n", "rope increments", p->chip.vector_units - 1, 0,
                   (unsigned long long)roma_place_rope_words(p));
    for (size_t i = 0; i < p->plan->desc->n_tensors; i++) print_tensor(p, i, out);
    for (uint32_t die = 0; die < p->dies && p->plan->desc->n_orders; die++) {
        const uint64_t words = roma_place_order_words(p, die);
        roma_buf_print(out, "%-16s %3u V 0-%-6.0f %9llu %7llu\n", "orders", die, p->chip.vector_units - 1,
                       (unsigned long long)(p->die_vector_words[die] - words), (unsigned long long)words);
    }
    print_rest(p, out);
}

/* ---- JSON ---- */

static void tensor_json(const roma_placement *p, size_t i, roma_json *j) {
    const roma_image_tensor *t = &p->plan->desc->tensors[i];
    const roma_place_tensor *at = &p->tensors[i];
    char name[32];
    roma_json_open(j, NULL, '{');
    roma_json_string(j, "name", roma_tensor_name(t->role, t->layer, name, sizeof name));
    roma_json_string(j, "where", where_name[at->where]);
    if (at->where != ROMA_PLACED_NOWHERE) {
        roma_json_uint(j, "die", at->die);
        roma_json_uint(j, "base", at->base);
        roma_json_uint(j, "words", at->words);
    }
    if (at->where == ROMA_PLACED_LUNITS) {
        roma_json_uint(j, "first_unit", 0);
        roma_json_uint(j, "last_unit", at->units - 1);
        roma_json_uint(j, "scale_words", at->scale_words);
        roma_json_uint(j, "row_group_words", at->row_words);
        roma_json_uint(j, "unit_rows", at->unit_rows);
        roma_json_uint(j, "padded_rows", padded_rows(p, i));
        roma_json_uint(j, "lane_bits", at->lane_bits);
        roma_json_uint(j, "word_inputs", at->word_inputs);
        roma_json_uint(j, "group_lunits", at->group_lunits);
        roma_json_uint(j, "own_words", at->own_words);
        roma_json_uint(j, "own_bits", at->own_bits);
    }
    roma_json_close(j, '}');
}

void roma_place_json(const roma_placement *p, roma_json *j) {
    roma_json_real(j, "useful", useful(p));
    roma_json_uint(j, "vector_words", p->vector_words);
    roma_json_uint(j, "rope_words", roma_place_rope_words(p));
    roma_json_uint(j, "scale_words", p->scale_words);
    roma_json_uint(j, "scale_bits", p->scale_bits);
    roma_json_uint(j, "buffer_inputs", p->buffer_inputs);
    roma_json_open(j, "tensors", '[');
    for (size_t i = 0; i < p->plan->desc->n_tensors; i++) tensor_json(p, i, j);
    roma_json_close(j, ']');
    roma_json_open(j, "values", '[');
    for (size_t i = 0; i < p->plan->n_values; i++) {
        const roma_value *v = &p->plan->values[i];
        roma_json_open(j, NULL, '{');
        roma_json_string(j, "name", v->name);
        roma_json_string(j, "where", value_place(p, v));
        roma_json_uint(j, "row_bytes", value_bytes(p, v));
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
    const bool spread = p->chip.hunit_pages == ROMA_PAGES_SPREAD;
    roma_json_string(j, "pages", spread ? "spread" : "whole");
    roma_json_uint(j, "page_bytes", roma_place_one_page(p));
    roma_json_uint(j, "page_units", roma_place_page_units(p));
    roma_json_uint(j, "page_run", (uint64_t)p->chip.page_run); /* 2^this neighbouring pages on one */
    roma_json_open(j, "page_first", '['); /* H-Unit of page 0 of KV head 0, by layer, where pages are whole */
    for (uint32_t l = 0; l < p->plan->desc->hyper.layers && !spread; l++)
        roma_json_uint(j, NULL, roma_place_page_unit(p, l, 0, 0));
    roma_json_close(j, ']');
    roma_json_string(j, "kv", roma_kv_formats[p->kv].name);
}
