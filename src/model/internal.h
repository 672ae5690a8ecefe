/* What the files of model share: the ways in which a shape is given. */
#ifndef ROMA_MODEL_INTERNAL_H
#define ROMA_MODEL_INTERNAL_H

#include "roma/model.h"

/* RoPE as a shape gives it: angles of pair i advance by base^(-2i/dim) a position, divided by a factor, which with
 * LLAMA3 goes from 1 for short waves to the factor for long ones, and with YARN is roma_yarn_divisor's. */
typedef enum { ROMA_ROPE_EVEN, ROMA_ROPE_LLAMA3, ROMA_ROPE_YARN } roma_rope_kind;
typedef struct {
    roma_rope_kind kind;
    double base, factor;
    double low, high, original; /* of LLAMA3: waves of original / high positions stay, of original / low are divided */
    roma_yarn yarn;
    float gain; /* of cos and sin; 1: none */
} roma_model_rope;
/* Sets increments and gain of h, whose rope_dim is set. */
void roma_model_set_rope(roma_hyper *h, const roma_model_rope *r);

/* Gives a shape whose hyper and tied are set its name and low-bit form: those of the known shape that has the same
 * numbers, else `name` and the usual form of its widths. */
void roma_model_call(roma_shape *s, const char *name);

/* The three ways (roma_shape_read): the last two check the whole shape. */
bool roma_model_known(roma_shape *s, const char *name);
int roma_model_spelt(roma_shape *s, const char *text, roma_error *err);
int roma_model_config(roma_shape *s, const char *path, roma_error *err);

#endif
