/* Which of the built-in chips hold a model: its ROM words as they are placed (roma fit says why one does not). */
#include "convert/internal.h"
#include "roma/map.h"

enum { COLUMNS = 78, INDENT = 11 };

typedef struct {
    roma_buf text;
    size_t column;
} list;
typedef struct {
    list holds, not ;
} lists;

/* A name behind the others, on a new line where it is too long for theirs. */
static void add(list *l, const char *first, const char *name) {
    const size_t n = strlen(name) + 2;
    if (!l->column) {
        roma_buf_print(&l->text, "%-*s%s", INDENT, first, name);
        l->column = INDENT + n;
    } else if (l->column + n <= COLUMNS) {
        roma_buf_print(&l->text, ", %s", name);
        l->column += n;
    } else {
        roma_buf_print(&l->text, ",\n%*s%s", INDENT, "", name);
        l->column = INDENT + n;
    }
}

static void put(roma_buf *b, list *l) {
    if (l->column) roma_buf_print(b, "%.*s\n", (int)l->text.len, (const char *)l->text.data);
    b->failed |= l->text.failed;
    roma_buf_destroy(&l->text);
}

/* A chip that streams its model from outside holds any. */
static void try_chip(lists *l, const roma_plan *plan, const char *name) {
    roma_chip chip;
    roma_placement p;
    if (roma_chip_open(&chip, name, NULL) || chip.rom_style == ROMA_ROM_DRAM ||
        roma_map_place(&p, plan, &chip, 1, NULL))
        return;
    char why[96];
    roma_print(why, sizeof why, "%s (%s)", name, p.lacks);
    p.fits_rom ? add(&l->holds, "held by", name) : add(&l->not, "not by", why);
    roma_place_destroy(&p);
}

int roma_convert_check_chip(const roma_model *m, const char *name, const char *file, roma_error *err) {
    roma_description d = {0};
    roma_plan plan;
    roma_placement p;
    roma_chip chip;
    int rc = roma_chip_open(&chip, name, err);
    if (!rc) rc = roma_pack_describe(&d, m, err);
    if (!rc) rc = roma_map_plan(&plan, &d, err);
    if (!rc) {
        rc = roma_map_place(&p, &plan, &chip, 1, err);
        if (!rc && chip.rom_style != ROMA_ROM_DRAM && !p.fits_rom)
            rc = roma_fail(err, ROMA_EUSAGE, file, ROMA_NOWHERE,
                           "the ROM of chip %s does not hold this model on one die: %s is too small; roma fit says by "
                           "how much, fewer bits (--method, --bits) take less, and nothing was written",
                           chip.name, p.lacks);
        roma_place_destroy(&p);
        roma_plan_destroy(&plan);
    }
    roma_free(d.tensors);
    return rc;
}

void roma_convert_print_chips(roma_buf *b, const roma_description *d) {
    lists l = {0};
    roma_plan plan;
    const char *name;
    if (roma_map_plan(&plan, d, NULL)) return; /* running out of memory shows where it matters */
    for (unsigned i = 0; roma_chip_builtin(i, &name); i++) try_chip(&l, &plan, name);
    roma_plan_destroy(&plan);
    put(b, &l.holds);
    put(b, &l.not );
}
