/* The two hashes. The base identity is a stream that does not know where things lie ("Base identity"). */
#include "image/internal.h"

static void update32(roma_sha256 *h, uint32_t v) {
    uint8_t b[4];
    roma_put32(b, v);
    roma_sha256_update(h, b, sizeof b);
}

void roma_image_id_begin(roma_sha256 *h, const roma_description *d) {
    static const char name[] = "ROMA base identity 1\n";
    uint8_t hyper[IMAGE_HYPR_BYTES], phase[8];
    roma_image_put_hyper(hyper, &d->hyper);
    roma_sha256_init(h);
    roma_sha256_update(h, name, sizeof name - 1);
    roma_sha256_update(h, hyper, 36);
    roma_sha256_update(h, hyper + 40, 4); /* 36: the context limit, which changes no result */
    if (d->hyper.true_hidden || d->hyper.true_ffn || d->hyper.true_head) roma_sha256_update(h, hyper + 44, 12);
    for (uint32_t i = 0; i < d->hyper.rope_dim / 2; i++) {
        roma_put64(phase, d->hyper.rope_phase[i]);
        roma_sha256_update(h, phase, sizeof phase);
    }
    if (d->hyper.rope_gain > 0) {
        update32(h, roma_f32_bits(d->hyper.rope_gain));
        update32(h, 0);
    }
    for (size_t i = 0; i < d->n_orders; i++) {
        update32(h, d->orders[i].cols);
        update32(h, d->orders[i].folded);
        for (uint32_t k = 0; k < d->orders[i].cols; k++) update32(h, d->orders[i].from[k]);
    }
    update32(h, (uint32_t)d->n_tensors);
}

void roma_image_id_tensor(roma_sha256 *h, const roma_description *d, size_t i) {
    const roma_image_tensor *t = &d->tensors[i];
    uint8_t b[IMAGE_DESCRIPTOR];
    roma_image_put_descriptor(b, d, t);
    roma_sha256_update(h, b, 48);
    roma_sha256_update(h, b + 80, 32);
    update32(h, t->tie >= 0);
    if (t->tie < 0) return;
    update32(h, d->tensors[t->tie].role);
    update32(h, d->tensors[t->tie].layer);
}
