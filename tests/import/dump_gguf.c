/* Writes every tensor of a model as FP32, for tests/reference/gguf_types.py: per tensor u32 role, layer, u64 rows,
 * cols, then the rows, native byte order. Quantised rows are read both ways, as floats and as codes with scales, and
 * must agree. `dump_gguf FILE info` prints what was understood instead. */
#include <stdlib.h>
#include "roma/import.h"

static int fail(const roma_error *err) {
    char line[1024];
    fprintf(stderr, "%s\n", roma_error_format(err, line, sizeof line));
    return 2;
}

static int by_codes(const roma_tensor *t, uint64_t r, const float *want) {
    const size_t n = (size_t)t->cols;
    uint8_t *code = malloc(n);
    uint16_t *s = malloc(n * 8);
    float *got = malloc(n * 4);
    if (!code || !s || !got) abort();
    const roma_row row = {code, s, s + n, s + 2 * n, s + 3 * n, NULL, NULL};
    t->read_row(t, r, &row);
    roma_row_dequant(&t->format, t->cols, &row, got);
    const int differ = memcmp(got, want, n * 4) != 0;
    free(code);
    free(s);
    free(got);
    return differ;
}

static int dump(const roma_tensor *t) {
    float *row = malloc((size_t)t->cols * 4);
    if (!row) abort();
    int differ = 0;
    fwrite(&t->role, 4, 1, stdout);
    fwrite(&t->layer, 4, 1, stdout);
    fwrite(&t->rows, 8, 1, stdout);
    fwrite(&t->cols, 8, 1, stdout);
    for (uint64_t r = 0; r < t->rows; r++) {
        t->read_floats(t, r, row);
        fwrite(row, 4, (size_t)t->cols, stdout);
        if (!t->is_float) differ |= by_codes(t, r, row);
    }
    free(row);
    if (differ) fprintf(stderr, "%s of layer %u: codes and floats differ\n", roma_tensor_role_name(t->role), t->layer);
    return differ;
}

static void info(const roma_import *imp, double seconds) {
    const roma_hyper *h = &imp->model.hyper;
    const roma_vocab *v = &imp->vocab;
    printf("%s | %s | %s\n", imp->model.name, imp->model.license, roma_arch_name(h->arch));
    printf(
        "layers %u hidden %u ffn %u heads %u kv %u dim %u rope %u vocab %u context %u eps %g phase0 %llx phase1 %llx\n",
        h->layers, h->hidden, h->ffn, h->heads, h->kv_heads, h->head_dim, h->rope_dim, h->vocab, h->context,
        (double)h->rms_eps, (unsigned long long)h->rope_phase[0], (unsigned long long)h->rope_phase[1]);
    printf("tensors %zu, vocab %d: kind %u pre %u tokens %u merges %u bos %d eos %d unk %d pad %d eog",
           imp->model.n_tensors, imp->has_vocab, v->kind, v->pre, v->n_tokens, v->n_merges, v->bos, v->eos, v->unk,
           v->pad);
    for (uint32_t i = 0; i < v->n_eog; i++) printf(" %d", v->eog[i]);
    printf(" add %u %u %u template of %u bytes, opened in %.1f ms\n", v->add_bos, v->add_eos, v->add_space_prefix,
           v->template_bytes, seconds * 1e3);
}

int main(int argc, char **argv) {
    roma_import imp;
    roma_error err;
    if (argc < 2) return 2;
    const double start = roma_now();
    if (roma_import_open(&imp, argv[1], &err)) return fail(&err);
    int rc = 0;
    if (argc > 2)
        info(&imp, roma_now() - start);
    else
        for (size_t i = 0; i < imp.model.n_tensors; i++) rc |= dump(&imp.model.tensors[i]);
    roma_import_close(&imp);
    return rc;
}
