/* Prints an image through the library as tests/image/read_rom.py prints it: dump_rom FILE. */
#include <stdlib.h>

#include "roma/image.h"

static void print_hex(const char *name, const uint8_t *p, size_t n) {
    printf("%s ", name);
    for (size_t i = 0; i < n; i++) printf("%02x", p[i]);
    putchar('\n');
}

/* The library keeps no section table; the file's own, which opening has checked. */
static void print_sections(const uint8_t *data) {
    for (uint32_t i = 0; i < roma_le32(data + 24); i++) {
        const uint8_t *e = data + 128 + 32 * i;
        printf("section %.4s flags %u offset %llu bytes %llu crc %08x\n", (const char *)e, roma_le32(e + 4),
               (unsigned long long)roma_le64(e + 8), (unsigned long long)roma_le64(e + 16), roma_le32(e + 24));
    }
}

static void print_hyper(const roma_hyper *h) {
    printf("hyper arch %u layers %u hidden %u ffn %u heads %u kv_heads %u head_dim %u rope_dim %u vocab %u context %u "
           "eps %u",
           h->arch, h->layers, h->hidden, h->ffn, h->heads, h->kv_heads, h->head_dim, h->rope_dim, h->vocab, h->context,
           roma_f32_bits(h->rms_eps));
    if (h->true_hidden || h->true_ffn || h->true_head)
        printf(" own %u %u %u", h->true_hidden, h->true_ffn, h->true_head);
    printf("\n");
    for (uint32_t i = 0; i < h->rope_dim / 2; i++) printf("rope %u %016llx\n", i, (unsigned long long)h->rope_phase[i]);
    if (h->rope_gain > 0) printf("gain %.9g\n", (double)h->rope_gain);
}

static void print_vocab(const roma_vocab *v) {
    printf("vocab kind %u pre %u tokens %u merges %u ids %d %d %d %d template %u flags %u %u %u %u eog", v->kind,
           v->pre, v->n_tokens, v->n_merges, v->bos, v->eos, v->unk, v->pad, v->template_kind, v->add_bos, v->add_eos,
           v->add_space_prefix, v->ignore_merges);
    for (uint32_t i = 0; i < v->n_eog; i++) printf(" %d", v->eog[i]);
    putchar('\n');
    if (v->template_bytes) print_hex("template", (const uint8_t *)v->template_text, v->template_bytes);
    for (uint32_t i = 0; i < v->n_tokens; i++) {
        char score[16] = "-";
        if (v->score) snprintf(score, sizeof score, "%08x", roma_f32_bits(v->score[i]));
        printf("token %u type %u score %s ", i, v->type[i], score);
        print_hex("text", (const uint8_t *)v->text + v->text_off[i], v->text_off[i + 1] - v->text_off[i]);
    }
    for (uint32_t i = 0; i < v->n_merges; i++) printf("merge %u %u\n", v->merges[2 * i], v->merges[2 * i + 1]);
}

static void hash_floats(roma_sha256 *h, const float *x, uint64_t n) {
    uint8_t b[4];
    for (uint64_t i = 0; i < n; i++) {
        roma_put32(b, roma_f32_bits(x[i]));
        roma_sha256_update(h, b, 4);
    }
}

static void print_order(const roma_order *o, size_t i) {
    roma_sha256 h;
    uint8_t word[4], values[32];
    roma_sha256_init(&h);
    for (uint32_t k = 0; k < o->cols; k++) {
        roma_put32(word, o->from[k]);
        roma_sha256_update(&h, word, sizeof word);
    }
    roma_sha256_final(&h, values);
    printf("order %zu cols %u folded %u ", i + 1, o->cols, o->folded);
    print_hex("values", values, 32);
}

static void print_tensor(const roma_description *d, size_t i) {
    const roma_image_tensor *t = &d->tensors[i];
    const roma_format *f = &t->format;
    roma_sha256 h;
    uint8_t values[32];
    float *row = malloc(t->cols * sizeof *row);
    roma_sha256_init(&h);
    if (t->is_vector) {
        hash_floats(&h, (const float *)(const void *)t->data, t->cols);
    } else {
        for (uint64_t r = 0; row && r < t->rows; r++) {
            roma_tile_dequant_row(f, t->cols, t->data + r / 16 * t->tile_bytes, (unsigned)(r % 16), row);
            hash_floats(&h, row, t->cols);
        }
    }
    roma_sha256_final(&h, values);
    free(row);
    printf("tensor %zu %s layer %u %llu x %llu kind %u bits %u level %u scale %u min %u group %u super %u zero %d "
           "zeros %u order %u tie "
           "%d offset %llu bytes "
           "%llu tile %llu table ",
           i, roma_tensor_role_name(t->role), t->layer, (unsigned long long)t->rows, (unsigned long long)t->cols,
           !t->is_vector, f->bits, f->level, f->scale, f->min, f->group, f->super, f->zero, f->zeros,
           roma_description_order(d, t), t->tie, (unsigned long long)t->offset, (unsigned long long)t->bytes,
           (unsigned long long)t->tile_bytes);
    if (f->level != ROMA_LEVEL_IDENTITY)
        for (int k = 0; k < 16; k++) printf("%d ", f->table[k]);
    else
        printf("- ");
    print_hex("values", values, sizeof values);
}

int main(int argc, char **argv) {
    roma_image img;
    roma_error err;
    char text[1024];
    if (argc != 2) return 2;
    int code = roma_image_verify(argv[1], NULL, NULL, &err);
    if (!code) code = roma_image_open(&img, argv[1], 0, NULL, &err);
    if (code) {
        fprintf(stderr, "dump_rom: %s\n", roma_error_format(&err, text, sizeof text));
        return 1;
    }
    printf("image version %u bytes %llu\n", roma_le32(img.map.data + 8), (unsigned long long)img.map.size);
    print_hex("sha256", img.file_sha256, 32);
    print_hex("base", img.base_id, 32);
    print_sections(img.map.data);
    print_hyper(&img.desc.hyper);
    if (img.has_vocab)
        print_vocab(&img.vocab);
    else
        printf("vocab none\n");
    for (size_t i = 0; i < img.desc.n_orders; i++) print_order(&img.desc.orders[i], i);
    for (size_t i = 0; i < img.desc.n_tensors; i++) print_tensor(&img.desc, i);
    printf("name %s\nlicense %s\nnote %s\nall %llu bytes accounted for\n", img.desc.name, img.desc.license, img.note,
           (unsigned long long)img.map.size);
    roma_image_close(&img);
    return 0;
}
