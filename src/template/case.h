/* Tables of upper and lower case, and of what repr() escapes. */
#ifndef ROMA_SRC_TEMPLATE_CASE_H
#define ROMA_SRC_TEMPLATE_CASE_H

#include <stddef.h>
#include <stdint.h>

/* Every step-th character from first to last becomes itself + delta. */
typedef struct {
    uint32_t first, last, step;
    int32_t delta;
} tm_case_run;
/* A character that becomes two or three. */
typedef struct {
    uint32_t c, to[3];
} tm_case_more;
typedef struct {
    uint32_t first, last;
} tm_hidden;

extern const tm_case_run roma_template_lower[], roma_template_upper[], roma_template_title[];
extern const size_t roma_template_n_lower, roma_template_n_upper, roma_template_n_title;
extern const tm_case_more roma_template_lower_more[], roma_template_upper_more[], roma_template_title_more[];
extern const size_t roma_template_n_lower_more, roma_template_n_upper_more, roma_template_n_title_more;
extern const tm_hidden roma_template_hidden[];
extern const size_t roma_template_n_hidden;

#endif
