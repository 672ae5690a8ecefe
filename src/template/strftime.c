/* strftime_now: the date that the caller gave, in English, as Python's strftime writes it in the C locale. */
#include <string.h>
#include "template/internal.h"

static bool leap(int y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0); }
static int days_of(int y, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(y));
}

bool roma_template_date_read(roma_template_date *d, const char *text) {
    int v[3] = {0};
    for (int i = 0; i < 10; i++) {
        if (i == 4 || i == 7) {
            if (text[i] != '-') return false;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') return false;
        v[i > 4 ? i > 7 ? 2 : 1 : 0] = 10 * v[i > 4 ? i > 7 ? 2 : 1 : 0] + (text[i] - '0');
    }
    if (text[10] || v[0] < 1 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > days_of(v[0], v[1])) return false;
    *d = (roma_template_date){.year = v[0], .month = v[1], .day = v[2]};
    return true;
}

static int day_of_year(const roma_template_date *d) {
    int n = d->day;
    for (int i = 1; i < d->month; i++) n += days_of(d->year, i);
    return n;
}

/* 0 is Sunday. */
static int weekday(const roma_template_date *d) {
    const int y = d->year - 1;
    return (y * 365 + y / 4 - y / 100 + y / 400 + day_of_year(d)) % 7;
}

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

/* One directive; false: it is not supported. plain: without the zero before a number, %-d. */
static bool directive(const roma_template_date *d, char c, bool plain, char *out, size_t cap) {
    const int hour = d->hour % 12 ? d->hour % 12 : 12, w = weekday(d);
    const char *two = plain ? "%d" : "%02d";
    *out = 0;
    switch (c) {
    case 'Y': roma_print(out, cap, "%d", d->year); return true;
    case 'y': roma_print(out, cap, two, d->year % 100); return true;
    case 'C': roma_print(out, cap, two, d->year / 100); return true;
    case 'm': roma_print(out, cap, two, d->month); return true;
    case 'd': roma_print(out, cap, two, d->day); return true;
    case 'e': roma_print(out, cap, plain ? "%d" : "%2d", d->day); return true;
    case 'H': roma_print(out, cap, two, d->hour); return true;
    case 'I': roma_print(out, cap, two, hour); return true;
    case 'M': roma_print(out, cap, two, d->minute); return true;
    case 'S': roma_print(out, cap, two, d->second); return true;
    case 'f': roma_print(out, cap, "000000"); return true;
    case 'p': roma_print(out, cap, d->hour < 12 ? "AM" : "PM"); return true;
    case 'j': roma_print(out, cap, plain ? "%d" : "%03d", day_of_year(d)); return true;
    case 'w': roma_print(out, cap, "%d", w); return true;
    case 'u': roma_print(out, cap, "%d", w ? w : 7); return true;
    case 'a': roma_print(out, cap, "%.3s", days[w]); return true;
    case 'A': roma_print(out, cap, "%s", days[w]); return true;
    case 'b':
    case 'h': roma_print(out, cap, "%.3s", months[d->month - 1]); return true;
    case 'B': roma_print(out, cap, "%s", months[d->month - 1]); return true;
    case 'D':
    case 'x': roma_print(out, cap, "%02d/%02d/%02d", d->month, d->day, d->year % 100); return true;
    case 'F': roma_print(out, cap, "%d-%02d-%02d", d->year, d->month, d->day); return true;
    case 'T':
    case 'X': roma_print(out, cap, "%02d:%02d:%02d", d->hour, d->minute, d->second); return true;
    case 'R': roma_print(out, cap, "%02d:%02d", d->hour, d->minute); return true;
    case 'c':
        roma_print(out, cap, "%.3s %.3s %2d %02d:%02d:%02d %d", days[w], months[d->month - 1], d->day, d->hour,
                   d->minute, d->second, d->year);
        return true;
    case 'n': roma_print(out, cap, "\n"); return true;
    case 't': roma_print(out, cap, "\t"); return true;
    case '%': roma_print(out, cap, "%%"); return true;
    case 'z':
    case 'Z': return true; /* of a time without a zone: nothing */
    default: return false;
    }
}

tm_value roma_template_strftime(tm_machine *m, const tm_text *format) {
    tm_sink s = {0};
    const roma_template_date *d = &m->in->date;
    char text[64];
    if (d->month < 1 || d->month > 12) roma_template_stop(m, ROMA_EUNSUPPORTED, "the date is not known here");
    for (size_t i = 0; i < format->len && !m->rc; i++) {
        if (format->p[i] != '%') {
            roma_template_write_part(m, &s, format, i, 1);
            continue;
        }
        const bool plain = i + 1 < format->len && format->p[i + 1] == '-';
        i += 1u + plain;
        if (i < format->len && directive(d, format->p[i], plain, text, sizeof text))
            roma_template_write(m, &s, text, strlen(text), TM_OF_TEMPLATE);
        else
            roma_template_stop(m, ROMA_EUNSUPPORTED, "strftime_now does not support this format");
    }
    return roma_template_done(m, &s);
}
