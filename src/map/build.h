/* What lowerings have in common: a plan that grows by values and operations, each of its kind's form. */
#ifndef ROMA_MAP_BUILD_H
#define ROMA_MAP_BUILD_H

#include "roma/map.h"

typedef struct {
    roma_plan *p;
    const roma_description *d;
    size_t cap;     /* operations that p->ops has room for */
    uint32_t more;  /* values of codes behind the others, for products of one half of a layer in different orders */
    uint32_t layer; /* that operations are in now; UINT32_MAX: none */
    bool failed;    /* no memory: what is added from then on is lost */
    roma_op lost;
} builder;

/* Whether the model has the tensor in the builder's layer. */
bool roma_map_has(const builder *b, uint32_t role);
/* Number of the order in which the columns of the role's matrix want what they meet; 0: none. */
uint32_t roma_map_gather(const builder *b, uint32_t role);
/* The plan's values, copied: n > 0, named by their index. */
void roma_map_values(builder *b, const roma_value *values, size_t n);
/* Adds an operation on the unit of its kind; what the kind lacks is ROMA_NO_VALUE. What is returned holds until the
 * next one is added: its tensor and parameters may be set. */
roma_op *roma_map_op(builder *b, roma_op_kind kind, uint32_t in0, uint32_t in1, uint32_t out);
/* Adds one that has the tensor of that role in the builder's layer. */
roma_op *roma_map_tensor_op(builder *b, roma_op_kind kind, uint32_t role, uint32_t in, uint32_t out);
/* Adds a matrix with the next adapter slot, and the bias after it where bias_role is not 0 and the model has one. */
void roma_map_linear(builder *b, uint32_t role, uint32_t bias_role, uint32_t in, uint32_t out);
/* Adds FINAL_NORM or another norm and the head, or the embedding where it is the head, for the rows whose logits are
 * wanted. */
void roma_map_head(builder *b, uint32_t norm_role, uint32_t in, uint32_t codes, uint32_t logits);
/* Adds a norm of the whole row (NORM) or of each head (HEAD_NORM) with the model's epsilon. */
roma_op *roma_map_norm(builder *b, roma_op_kind kind, uint32_t role, uint32_t in, uint32_t out);

/* Adds a norm for each order among the columns of n products, n <= 3, whose codes product i reads as codes[i]: the
 * first writes value `first`, the others those from b->more on. */
void roma_map_norms(builder *b, uint32_t norm_role, const uint32_t *products, uint32_t n, uint32_t in, uint32_t first,
                    uint32_t *codes);

/* llama.c: Llama, Qwen2, Qwen3. */
void roma_map_llama(builder *b);

#endif
