/* An adapter as text. */
#include "adapter/internal.h"

void roma_adapter_print(const roma_adapter *a, roma_buf *out) {
    char sum[65], base[65];
    roma_hex(sum, a->file_sha256, 32);
    roma_hex(base, a->base_id, 32);
    roma_buf_print(out, "adapter        %llu bytes\nname           %s\nmade from      %s\n",
                   (unsigned long long)a->map.size, a->name[0] ? a->name : "-", a->note[0] ? a->note : "-");
    roma_buf_print(out,
                   "rank           %u\ntype           A int8, B %s%s\ntargets        %zu\nSRAM           %llu bytes\n",
                   a->rank, roma_adapter_type_name(a->type), a->dora ? ", a factor a row (DoRA)" : "", a->n_targets,
                   (unsigned long long)a->data_bytes);
    roma_buf_print(out,
                   "file SHA-256   %s\nbase identity  %s\n\n  layer  matrix     rows x columns  rank       alpha       "
                   "scale       bytes\n",
                   sum, base);
    for (size_t i = 0; i < a->n_targets; i++) {
        const roma_adapter_target *t = &a->targets[i];
        roma_buf_print(out, "  %5u  %-6s  %7llu x %-7llu  %4u  %10.6g  %10.6g  %10llu\n", t->layer,
                       roma_tensor_role_name(t->role), (unsigned long long)t->rows, (unsigned long long)t->cols,
                       t->rank, (double)t->alpha, (double)t->scale, (unsigned long long)t->bytes);
    }
}
