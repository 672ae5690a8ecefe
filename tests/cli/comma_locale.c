/* Preloaded, this makes a program one that has set its locale before it does anything, as a program that embeds the
 * library may. It ends with 99 unless ROMA_COMMA's locale is there and has a decimal comma. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((constructor)) static void set_locale(void) {
    char text[32];
    const char *name = getenv("ROMA_COMMA");
    if (!name) return;
    if (!setlocale(LC_ALL, name)) _exit(99);
    snprintf(text, sizeof text, "%.1f", 1.5);
    if (strcmp(text, "1,5") != 0 || strtod("2,5", NULL) != 2.5) _exit(99);
}
