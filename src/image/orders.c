/* Section ORDR: the orders of columns that are not the model's own ("ORDR"). */
#include "image/internal.h"

enum { HEAD = 16, ENTRY = 8 };

uint32_t roma_description_order(const roma_description *d, const roma_image_tensor *t) {
    return t->order ? (uint32_t)(t->order - d->orders) + 1 : 0;
}

uint32_t roma_description_gather(const roma_description *d, const roma_image_tensor *t) {
    return t->order && !t->order->folded ? roma_description_order(d, t) : 0;
}

/* ---- bytes ---- */

void roma_image_put_orders(roma_buf *out, const roma_description *d) {
    roma_buf_le32(out, (uint32_t)d->n_orders);
    for (int i = 0; i < 3; i++) roma_buf_le32(out, 0);
    for (size_t i = 0; i < d->n_orders; i++) {
        roma_buf_le32(out, d->orders[i].cols);
        roma_buf_le32(out, d->orders[i].folded);
    }
    for (size_t i = 0; i < d->n_orders; i++)
        for (uint32_t k = 0; k < d->orders[i].cols; k++) roma_buf_le32(out, d->orders[i].from[k]);
}

/* Columns of all orders; false: the section has another size than its head says. */
static bool count_columns(const uint8_t *p, uint64_t bytes, uint64_t *columns) {
    const uint64_t n = bytes >= HEAD ? roma_le32(p) : 0;
    *columns = 0;
    if (!n || n > 65536 || HEAD + n * ENTRY > bytes) return false;
    for (uint64_t i = 0; i < n; i++) *columns += roma_le32(p + HEAD + i * ENTRY);
    return bytes == HEAD + n * ENTRY + 4 * *columns;
}

/* Room for the orders, and on big-endian hosts for their words. */
static uint32_t *take_room(roma_description *d, size_t n, uint64_t columns) {
    const size_t words = IMAGE_BIG_ENDIAN ? (size_t)columns * 4 : 0;
    d->orders = roma_alloc(n * sizeof *d->orders + words);
    return d->orders ? (uint32_t *)(void *)(d->orders + n) : NULL;
}

int roma_image_read_orders(const roma_frame *in, roma_description *d) {
    const roma_section *s = in->known[IMAGE_ORDR];
    uint64_t columns, at = HEAD;
    if (!s) return ROMA_OK;
    const uint8_t *p = in->data + s->offset;
    if (!count_columns(p, s->bytes, &columns) || !roma_frame_all_zero(p + 4, 12))
        return roma_frame_fail(in, ROMA_EINPUT, s->offset,
                               "section ORDR has another size than its orders, or its reserved bytes are not zero");
    const size_t n = roma_le32(p);
    uint32_t *words = take_room(d, n, columns);
    if (!words) return roma_frame_fail(in, ROMA_ENOMEM, ROMA_NOWHERE, "no memory for %zu orders of columns", n);
    at += n * ENTRY;
    for (d->n_orders = 0; d->n_orders < n; d->n_orders++) {
        const uint8_t *entry = p + HEAD + d->n_orders * ENTRY;
        const uint32_t cols = roma_le32(entry), folded = roma_le32(entry + 4);
        if (folded > 1)
            return roma_frame_fail(in, ROMA_EUNSUPPORTED, s->offset + HEAD + d->n_orders * ENTRY + 4,
                                   "a kind of order (%u) is not known to this version", folded);
        for (uint32_t k = 0; IMAGE_BIG_ENDIAN && k < cols; k++) words[k] = roma_le32(p + at + 4ull * k);
        const void *from = IMAGE_BIG_ENDIAN ? (const void *)words : p + at;
        d->orders[d->n_orders] = (roma_order){cols, folded == 1, from};
        words += IMAGE_BIG_ENDIAN ? cols : 0;
        at += 4ull * cols;
    }
    return ROMA_OK;
}

/* ---- what orders must be ---- */

static int bad(const char *file, roma_error *err, const roma_image_tensor *t, const char *text) {
    char at[64];
    return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "%s: %s", roma_image_tensor_place(at, t), text);
}

static const char *wrong_with(const roma_image_tensor *t) {
    if (t->is_vector || !roma_tensor_role_is_layered(t->role)) return "an order is for columns of a layer's matrix";
    if (t->order->cols != t->cols) return "the order of its columns is of another length";
    if (t->order->folded && t->role != ROMA_W_DOWN) return "a folded order is for columns of down";
    return NULL;
}

int roma_image_check_orders(const roma_description *d, const char *file, roma_error *err) {
    uint32_t named = 0;
    for (size_t i = 0; i < d->n_tensors; i++) {
        const roma_image_tensor *t = &d->tensors[i];
        const uint32_t number = roma_description_order(d, t);
        if (!number) continue;
        const char *what = wrong_with(t);
        if (!what && number > named + 1) what = "orders are numbered as they are named";
        if (what) return bad(file, err, t, what);
        named = number > named ? number : named;
        if (t->order->from && number == named && !roma_order_is_whole(t->order->from, t->order->cols))
            return bad(file, err, t, "the order of its columns does not have each of them once");
    }
    if (named == d->n_orders) return ROMA_OK;
    return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "no matrix has order %u of %zu", named + 1, d->n_orders);
}

bool roma_image_arrange_orders(roma_description *d) {
    size_t most = 0, n = 0;
    for (size_t i = 0; i < d->n_tensors; i++) most += d->tensors[i].order != NULL;
    roma_order *own = most ? roma_alloc_array(most, sizeof *own) : NULL;
    if (most && !own) return false;
    for (size_t i = 0; i < d->n_tensors; i++) {
        const roma_order *o = d->tensors[i].order;
        size_t k = 0;
        if (!o) continue;
        while (k < n && own[k].from != o->from) k++;
        if (k == n) own[n++] = *o;
        d->tensors[i].order = &own[k];
    }
    d->orders = own;
    d->n_orders = n;
    return true;
}
