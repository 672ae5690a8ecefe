/* What roma price prints. */
#ifndef TOOLS_PRICE_SHOW_H
#define TOOLS_PRICE_SHOW_H

#include "roma/price.h"
#include "roma/report.h"

/* The answer, list being roma_price_result's. */
void price_print_text(const roma_price *p, const roma_result *list, roma_buf *out);
void price_print_json(const roma_price *p, const roma_result *list, roma_buf *out);
/* The prices with their ranges, qualities and sources, as a file that `roma price --prices` reads. */
void price_print_list(const roma_prices *p, roma_buf *out);

#endif
