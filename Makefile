# ROMA: `make` builds build/roma; see `make help`.
.DEFAULT_GOAL := all
CC ?= gcc
BUILD ?= build
PREFIX ?= /usr/local
VERSION := 0.1.0
COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

WARN := -Wall -Wextra -Wconversion -Wshadow -Werror
OPT ?= -O3 -g
SAN ?=
BASE := -std=c11 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno -fPIC -fno-semantic-interposition -Iinclude -Isrc
CFLAGS_ALL = $(BASE) $(WARN) $(OPT) $(SAN) -MMD -MP $(CFLAGS)
LDLIBS_ALL = $(SAN) -lpthread $(LDFLAGS)

# Kernels carry their instruction set in the file name; everything else runs on any x86-64.
isa_flags = $(if $(findstring _avx512,$(1)),-mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx2 -mfma -mf16c -mprefer-vector-width=512,$(if $(findstring _avx2,$(1)),-mavx2 -mf16c,$(if $(findstring _sse42,$(1)),-msse4.2,$(if $(findstring _shani,$(1)),-msha -msse4.1))))

LIB_SRC := $(sort $(wildcard src/*/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/gen/chip_default.o
LIB := $(BUILD)/libroma.a
TOOL_SRC := $(sort $(wildcard tools/*.c))
TOOL_OBJ := $(TOOL_SRC:%.c=$(BUILD)/%.o)
TEST_SRC := $(sort $(wildcard tests/*/test_*.c))
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%)

all: $(BUILD)/roma

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(call isa_flags,$(notdir $<)) -c $< -o $@

# The built-in chip is chips/roma.chip as a C string.
$(BUILD)/gen/chip_default.c: chips/roma.chip Makefile
	@mkdir -p $(@D)
	@{ echo '#include "roma/chip.h"'; echo 'const char *roma_chip_default(void) {'; echo '    return'; \
	sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/        "&\\n"/' $<; echo '        "";'; echo '}'; } >$@
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	$(CC) $(CFLAGS_ALL) -c $< -o $@

$(LIB): $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIB)
	$(CC) $(CFLAGS_ALL) $< $(LIB) $(LDLIBS_ALL) -o $@

$(BUILD)/tools/%.o: CFLAGS += -DROMA_VERSION='"$(VERSION)"' -DROMA_COMMIT='"$(COMMIT)"'
$(BUILD)/tools/roma.o: $(wildcard .git/logs/HEAD)
$(BUILD)/roma: $(TOOL_OBJ) $(LIB)
	$(CC) $(CFLAGS_ALL) $(TOOL_OBJ) $(LIB) $(LDLIBS_ALL) -ledit -lm -o $@

-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(TEST_BIN:=.d)
.SECONDARY:
.PHONY: all clean
clean:
	rm -rf $(BUILD)
