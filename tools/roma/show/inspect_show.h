/* What is in an image, as a page and as JSON; in an adapter, as JSON (roma_adapter_print is its page). */
#ifndef TOOLS_INSPECT_SHOW_H
#define TOOLS_INSPECT_SHOW_H

#include "roma/adapter.h"

void image_text(const roma_image *img, roma_buf *b);
/* One object; path: the file's name in it. */
void image_json(const roma_image *img, const char *path, roma_buf *b);
void adapter_json(const roma_adapter *a, const char *path, roma_buf *b);

#endif
