/* What roma paper prints. */
#ifndef TOOLS_STUDY_SHOW_H
#define TOOLS_STUDY_SHOW_H

#include "roma/study.h"

void study_print_text(const roma_study *s, roma_buf *out);
void study_print_json(const roma_study *s, roma_buf *out);
void study_print_csv(const roma_study *s, roma_buf *out);
void study_print_markdown(const roma_study *s, roma_buf *out);

#endif
