/* Two adapters side by side, as a table or as JSON. */
#ifndef TOOLS_DIFF_SHOW_H
#define TOOLS_DIFF_SHOW_H

#include "roma/adapter.h"
#include "roma/json.h"

typedef struct {
    roma_buf text;
    roma_json j;
    bool as_json;
} diff_printer;

void diff_begin(diff_printer *p, const roma_adapter a[2], const char *const path[2]);
void diff_matrix(diff_printer *p, const roma_adapter_difference *d);
void diff_end(diff_printer *p, const roma_adapter a[2], const roma_adapter_difference *all);

#endif
