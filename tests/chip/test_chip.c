/* Chip description: the shipped chips. */
#include "roma/chip.h"
#include "../test.h"

int main(void) {
    const char *name;
    for (unsigned i = 0; roma_chip_builtin(i, &name); i++) {
        roma_chip c;
        CHECK_EQ(roma_chip_open(&c, name, NULL), 0);
        CHECK_STR(c.name, name);
    }
    return TEST_DONE();
}
