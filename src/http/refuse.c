/* Statuses: what the front refuses, what they are called, and the date of an answer. */
#include "http/internal.h"

int roma_http_refusal(roma_http_verdict v, const char **code, const char **sentence) {
    static const struct {
        int status;
        const char *code, *sentence;
    } all[] = {
#define X(id, status, code, sentence) [ROMA_HTTP_NOT_##id] = {status, code, sentence},
        ROMA_HTTP_REFUSALS(X)
#undef X
    };
    *code = all[v].code;
    *sentence = all[v].sentence;
    return all[v].status;
}

const char *roma_http_reason(int status) {
    static const struct {
        int status;
        const char *text;
    } all[] = {{200, "OK"},
               {201, "Created"},
               {202, "Accepted"},
               {204, "No Content"},
               {301, "Moved Permanently"},
               {302, "Found"},
               {304, "Not Modified"},
               {307, "Temporary Redirect"},
               {308, "Permanent Redirect"},
               {400, "Bad Request"},
               {401, "Unauthorized"},
               {403, "Forbidden"},
               {404, "Not Found"},
               {405, "Method Not Allowed"},
               {406, "Not Acceptable"},
               {408, "Request Timeout"},
               {409, "Conflict"},
               {411, "Length Required"},
               {413, "Content Too Large"},
               {414, "URI Too Long"},
               {415, "Unsupported Media Type"},
               {417, "Expectation Failed"},
               {422, "Unprocessable Content"},
               {429, "Too Many Requests"},
               {431, "Request Header Fields Too Large"},
               {500, "Internal Server Error"},
               {501, "Not Implemented"},
               {503, "Service Unavailable"},
               {504, "Gateway Timeout"},
               {505, "HTTP Version Not Supported"},
               {507, "Insufficient Storage"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].status == status) return all[i].text;
    return "Unnamed";
}

/* Year, month and day of a number of days since 1 January 1970, in the Gregorian calendar: years begin in March, so
 * that the day that comes every fourth year is the last of its year. */
static void civil(uint64_t days, unsigned *year, unsigned *month, unsigned *day) {
    uint64_t z = days + 719468, era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), m = (5 * doy + 2) / 153;
    *day = (unsigned)(doy - (153 * m + 2) / 5 + 1);
    *month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *year = (unsigned)(yoe + era * 400 + (*month <= 2));
}

void roma_http_date(char out[40], uint64_t seconds) {
    static const char days[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    unsigned year, month, day, s = (unsigned)(seconds % 86400);
    civil(seconds / 86400, &year, &month, &day);
    roma_print(out, 40, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[seconds / 86400 % 7], day, months[month - 1], year,
               s / 3600, s / 60 % 60, s % 60);
}
