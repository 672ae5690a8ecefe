/* What roma explore prints and writes. */
#ifndef TOOLS_EXPLORE_SHOW_H
#define TOOLS_EXPLORE_SHOW_H

#include "options.h"
#include "roma/explore.h"
#include "roma/report.h"

typedef struct {
    const char *targets, *csv, *svg, *best, *max_mm2, *max_w, *min_tok_s, *max_die, *max_junction;
    text_list set;
    uint32_t points, threads;
    bool json;
    roma_explore_config config;
} explore_options;

typedef struct {
    const explore_options *o;
    const roma_explore *x;
    const roma_explored *e;
    const roma_front *f; /* where e has rows */
} explore_result;

/* Every row, or those of the front, with all values and outputs. */
void show_rows(const explore_result *r, bool front_only, roma_table *t);
int show_text(const explore_result *r, roma_buf *out, roma_error *err);
int show_json(const explore_result *r, roma_buf *out, roma_error *err);
void show_refused(const roma_explored *e, roma_buf *out);  /* "12 rom (...), 3 area (...)" */
int write_files(const explore_result *r, roma_error *err); /* --csv, --svg, --best */
enum { BEST_PATH = 4096 };
int best_path(const explore_options *o, roma_front_end k, char out[BEST_PATH], roma_error *err); /* of its chip file */

#endif
