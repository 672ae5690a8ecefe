# ROMA: `make` builds build/roma; see `make help`.
.DEFAULT_GOAL := all
CC ?= gcc
BUILD ?= build
PREFIX ?= /usr/local
VERSION := $(shell sed -n 's/^\#define ROMA_VERSION_M[A-Z]* \([0-9]*\)$$/\1./p;s/^\#define ROMA_VERSION_PATCH \([0-9]*\)$$/\1/p' include/roma/roma.h | tr -d '\n')
COMMIT := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)

WARN := -Wall -Wextra -Wconversion -Wshadow -Werror
# -g1: names and lines for a backtrace, at a fifth less time of compiling than -g
OPT ?= -O3 -g1
SAN ?=
BASE := -std=c11 -D_GNU_SOURCE -ffp-contract=off -fno-math-errno -fPIC -fno-semantic-interposition -Iinclude -Isrc
CFLAGS_ALL = $(BASE) $(WARN) $(OPT) $(SAN) $(HARDEN) -MMD -MP $(CFLAGS)
# EDIT=no: roma chat without libedit. ZLIB=no: no traces. For cross builds, whose Debian has neither of them.
EDIT ?= yes
ZLIB ?= yes
BASE += $(if $(filter no,$(ZLIB)),-DROMA_NO_ZLIB)
LDLIBS_ALL = $(SAN) $(HARDEN_LINK) -lpthread $(if $(filter no,$(ZLIB)),,-lz) -lm $(LDFLAGS)
LDLIBS_EDIT = $(if $(filter no,$(EDIT)),,-ledit)

# What $(CC) compiles for: x86_64, aarch64
ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

# What makes a fault of ours harder to use, in all that is shipped (SECURITY.md; tests/hardened.sh looks at the files). Sanitizers and builds
# without optimisation go without _FORTIFY_SOURCE, whose level 3 older C libraries refuse.
FORTIFY := $(if $(shell $(CC) -O2 -Werror -D_FORTIFY_SOURCE=3 -fsyntax-only -include stdio.h -xc /dev/null 2>/dev/null || echo no),2,3)
OPTIMISES = $(filter-out -O0,$(lastword $(filter -O%,$(OPT) $(CFLAGS))))
HARDEN = -fstack-protector-strong $(HARDEN_$(ARCH)) $(if $(SAN),,$(if $(OPTIMISES),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(FORTIFY)))
HARDEN_x86_64 := -fcf-protection=full
HARDEN_aarch64 := -mbranch-protection=standard
HARDEN_LINK := -Wl,-z,relro,-z,now,-z,noexecstack
PIE := -pie

# Kernels carry their instruction set in the file name; everything else runs on any x86-64 or aarch64. They are checked by ASan alone:
# UBSan sees nothing in intrinsics, and compiling it there takes minutes; emulated, they convert NaN to integers, which C leaves open.
isa_of = $(patsubst _%,%,$(firstword $(foreach i,_avx512 _avxvnni _avx2 _sse42 _shani _neon,$(findstring $(i),$(1)))))
flags_avx512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx2 -mfma -mf16c -mprefer-vector-width=512
flags_avxvnni := -mavx2 -mavxvnni -mf16c
flags_avx2 := -mavx2 -mf16c
flags_sse42 := -msse4.2
flags_shani := -msha -msse4.1
flags_neon := -march=armv8.2-a+dotprod
isa_flags = $(flags_$(call isa_of,$(1))) $(if $(SAN),$(if $(filter avx%,$(call isa_of,$(1)))$(findstring emulated,$(1)),-fno-sanitize=undefined))
# Of a list of sources, those for this machine. Tests of emulated kernels, by simde on x86, take minutes to compile: clang, and so the sanitizers,
# have them only where the machine has not the true kernels, whose tests they then run instead.
emulated := test_emulated test_emulated_256 test_emulated_lora test_emulated_attend
emulates = $(and $(filter x86_64,$(ARCH)),$(if $(findstring clang,$(CC)),$(shell grep -qsw avx512_vnni /proc/cpuinfo || echo y),y))
for_arch = $(filter-out $(if $(filter x86_64,$(ARCH)),,%_avx512.c %_avxvnni.c %_avx2.c %_sse42.c %_shani.c) $(if $(emulates),,$(emulated:%=tests/kern/%.c)) \
    $(if $(filter aarch64,$(ARCH)),,%_neon.c),$(1))

LIB_SRC := $(call for_arch,$(sort $(wildcard src/*/*.c)))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/gen/chip_builtin.o $(BUILD)/gen/page_files.o
LIB := $(BUILD)/libroma.a
untyped := tools/roma/$(if $(filter no,$(EDIT)),typed_edit.c,typed_plain.c)
TOOL_SRC := $(call for_arch,$(filter-out $(untyped),$(sort $(wildcard tools/roma/*.c tools/roma/*/*.c))))
TOOL_OBJ := $(TOOL_SRC:%.c=$(BUILD)/%.o)
TEST_SRC := $(call for_arch,$(sort $(wildcard tests/*/test_*.c)))
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%)
HELPER_BIN := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/*/dump_*.c tests/*/make_*.c tests/*/*_lines.c))
FUZZ := $(patsubst fuzz/%.c,%,$(wildcard fuzz/fuzz_*.c))
# -w: instrumented code draws false warnings; the plain builds see the true ones.
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=all -w

all: $(BUILD)/roma

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(call isa_flags,$(notdir $<)) -c $< -o $@

# The built-in chips are chips/*.chip as C strings, in the order of their names.
CHIPS := $(addsuffix .chip,$(sort $(basename $(wildcard chips/*.chip))))
$(BUILD)/gen/chip_builtin.c: $(CHIPS) Makefile
	@mkdir -p $(@D)
	@{ echo '#include "chip/internal.h"'; echo 'const roma_chip_text roma_chip_texts[] = {'; \
	for f in $(CHIPS); do echo "    {\"$$(basename $$f .chip)\","; sed 's/[\\"?]/\\&/g; s/.*/        "&\\n"/' $$f; echo '        ""},'; done; \
	echo '    {0},'; echo '};'; } >$@
# The server's page is the files of src/serve/page as C strings.
PAGE := $(sort $(wildcard src/serve/page/*))
$(BUILD)/gen/page_files.c: tools/page.sh $(PAGE)
	@mkdir -p $(@D)
	@sh tools/page.sh $(PAGE) >$@.new && mv $@.new $@
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	$(CC) $(CFLAGS_ALL) -c $< -o $@

$(LIB): $(LIB_OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIB)
	$(CC) $(CFLAGS_ALL) $< $(LIB) $(LDLIBS_ALL) -lm -o $@

# Tests spend their time in the library: they are compiled for speed of compiling. Emulated kernels take a minute at -O3.
$(BUILD)/tests/%.o: OPT := $(if $(SAN),-O0 -g1,-O1 -g1)
$(emulated:%=$(BUILD)/tests/kern/%.o): OPT := -O1 -g1 -Wno-psabi
$(BUILD)/tools/%.o: CFLAGS += -Itools/roma -DROMA_VERSION='"$(VERSION)"' -DROMA_COMMIT='"$(COMMIT)"'
$(BUILD)/tools/roma/roma.o: $(wildcard .git/logs/HEAD)
$(BUILD)/roma: $(TOOL_OBJ) $(LIB)
	$(CC) $(CFLAGS_ALL) $(PIE) $(TOOL_OBJ) $(LIB) $(LDLIBS_ALL) $(LDLIBS_EDIT) -o $@

# roma-mpi: build/roma-mpi, whose `explore` and `eval` run over MPI ranks (Debian's libopenmpi-dev); not needed for anything else
MPICC ?= mpicc
roma-mpi: $(BUILD)/roma-mpi
$(BUILD)/roma-mpi: tools/roma/mpi.c $(filter-out %/mpi.o,$(TOOL_OBJ)) $(LIB)
	OMPI_CC=$(CC) $(MPICC) $(filter-out -MMD -MP,$(CFLAGS_ALL)) -Itools/roma $(PIE) -DROMA_MPI $^ $(LDLIBS_ALL) $(LDLIBS_EDIT) -o $@

# roma-plain: build/roma-plain, whose `chat` reads lines as the terminal gives them, as a build with EDIT=no does; for tests
roma-plain: $(BUILD)/roma-plain
$(BUILD)/roma-plain: tools/roma/typed_plain.c $(filter-out %/typed_edit.o,$(TOOL_OBJ)) $(LIB)
	$(CC) -Itools/roma $(filter-out -MMD -MP,$(CFLAGS_ALL)) $(PIE) $^ $(LDLIBS_ALL) -o $@

tests: $(TEST_BIN)
helpers: $(HELPER_BIN)

# test: unit tests (./test runs everything)
test: all tests helpers
	@bad=; for t in $(TEST_BIN); do $$t || bad="$$bad $$t"; done; [ -z "$$bad" ] || { echo "failed:$$bad"; exit 1; }

# check: the tree against layers.txt, and a planted fault that must be caught
check: $(LIB) $(TOOL_OBJ)
	LIB=$(LIB) CC=$(CC) sh tests/check.sh
	LIB=$(LIB) CC=$(CC) sh tests/check.sh --fault

# san: unit tests and the program under ASan and UBSan, in build/san (clang: it compiles the kernels ten times as fast there)
san:
	ROMA_VECTORS=5000 ROMA_EFFORT=30 $(MAKE) BUILD=$(BUILD)/san CC=clang SAN="$(SANITIZERS)" OPT="-O1 -g1" test

# tsan: the tests whose threads meet, under ThreadSanitizer, in build/tsan: the team itself, attention and its split pages,
# shares, adapters, the tap, batches, explorations, draws, requests from many threads, the bounded heap, the HTTP front; and roma serve under
# streams, adapters that come and go, clients that leave, and SIGTERM, for half a minute (minutes)
tsan:
	$(MAKE) BUILD=$(BUILD)/tsan CC=clang SAN="-fsanitize=thread -w" OPT="-O1 -g" tsan-run
tsan-run: $(addprefix $(BUILD)/tests/,base/test_team exec/test_attend exec/test_shares exec/test_swaps exec/test_lora exec/test_tap exec/test_batch explore/test_explore cost/test_draws answer/test_threads answer/test_hold roma/test_roma base/test_heap http/test_front http/test_limits http/test_leave) $(BUILD)/roma
	@for t in $(filter-out %/roma,$^); do $$t || exit 1; done
	python3 tests/cli/test_mixed.py $(BUILD)/roma 30

# mutants: small faults drawn over six rooms, or those of ROOMS=constrain,calls, each of which the tests must find (docs/testing.md); SEED and COUNT may be given
SEED ?= 1
COUNT ?= 120
mutants:
	$(MAKE) -s BUILD=$(BUILD)/mutants/plain CC=gcc OPT="-O2 -g0" mutants-objects
	$(MAKE) -s BUILD=$(BUILD)/mutants/san CC=clang SAN="$(SANITIZERS)" OPT="-O1 -g" MUTANTS=1 mutants-objects
	nice -n 19 python3 tests/mutants/run.py --seed $(SEED) --count $(COUNT) $(if $(ROOMS),--rooms $(ROOMS))
# Kernels stay as they are and are built without the sanitizers, under which they compile for minutes.
ifdef MUTANTS
$(BUILD)/src/kern/%.o $(BUILD)/tests/kern/%.o: override SAN :=
endif
mutants-objects: $(LIB) $(filter-out $(emulated:%=$(BUILD)/tests/kern/%.o),$(TEST_BIN:=.o)) $(BUILD)/tests/constrain/constrain_lines.o $(BUILD)/tests/calls/call_lines.o

# clang: everything with clang, in build/clang
clang:
	$(MAKE) BUILD=$(BUILD)/clang CC=clang all test

# prove: ROMs of 64 Kbit, array = case = B-ROM (ten seconds; needs Yosys), and the arithmetic blocks (ten minutes; needs make hw-deps); tests/rtl/proved_rom.txt
# and proved_fp.txt say what was proved
prove: all
	$(HW)/venv/bin/python tests/rtl/prove_fp.py --prove
	python3 tests/rtl/check_rom.py $(BUILD)/roma --prove

# fuzz: every target of fuzz/ for SECONDS (60) with clang's libFuzzer
SECONDS ?= 60
fuzz:
	$(MAKE) BUILD=$(BUILD)/fuzz CC=clang SAN="$(SANITIZERS) -fsanitize=fuzzer-no-link" OPT="-O1 -g" fuzz-run
fuzz-run: $(FUZZ:%=$(BUILD)/%)
	@for t in $(FUZZ); do mkdir -p $(BUILD)/corpus/$$t; \
	    $(BUILD)/$$t -max_total_time=$(SECONDS) -rss_limit_mb=4096 -artifact_prefix=$(BUILD)/$$t. $(BUILD)/corpus/$$t \
	        $$(ls -d fuzz/corpus/$${t#fuzz_} 2>/dev/null) || exit 1; done
$(BUILD)/fuzz_%: $(BUILD)/fuzz/fuzz_%.o $(LIB)
	$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer $(filter %.o,$^) $(LIB) $(LDLIBS_ALL) -o $@
# golden: writes tests/cost/golden.csv anew, when a change of the cost model or of a chip file is meant to move its numbers
golden: $(BUILD)/tests/cost/test_golden
	$< --write >tests/cost/golden.csv.new && mv tests/cost/golden.csv.new tests/cost/golden.csv

# fuzz-replay: the targets over fuzz/corpus under the sanitizers, without libFuzzer
fuzz-replay:
	$(MAKE) BUILD=$(BUILD)/san CC=clang SAN="$(SANITIZERS)" OPT="-O1 -g1" replay-run
replay-run: $(FUZZ:%=$(BUILD)/replay_%)
	@for t in $(FUZZ); do $(BUILD)/replay_$$t fuzz/corpus/$${t#fuzz_} || exit 1; done
$(BUILD)/replay_%: $(BUILD)/fuzz/%.o $(BUILD)/fuzz/replay.o $(LIB)
	$(CC) $(CFLAGS_ALL) $(filter %.o,$^) $(LIB) $(LDLIBS_ALL) -o $@

# trained: for every pre-tokenizer a BPE trained on the spot, against Hugging Face tokenizers (two minutes); vocabularies: those of the peer's archive
# (ARCHIVE=vendor/llama.cpp of it) with the ids they came with. PYTHON has what tests/reference/requirements.txt says; results are in tests/reference/results
PYTHON ?= python3
RESULTS := tests/reference/results
trained: $(BUILD)/tests/text/tokenize_lines
	TOKENIZERS_PARALLELISM=false $(PYTHON) tests/reference/trained.py $< --out $(RESULTS)/trained.txt
vocabularies: all
	@[ -n '$(ARCHIVE)' ] || { echo 'usage: make vocabularies ARCHIVE=.../vendor/llama.cpp' >&2; exit 2; }
	$(PYTHON) tests/reference/vocabularies.py $(BUILD)/roma '$(ARCHIVE)/models' --out $(RESULTS)/vocabularies.txt

# markers: every control token of these vocabularies as users', systems' and tools' text through every template of the archive (a quarter of an hour)
markers: $(BUILD)/tests/text/tokenize_lines $(BUILD)/tests/template/render_lines
	@[ -n '$(ARCHIVE)' ] || { echo 'usage: make markers ARCHIVE=.../vendor/llama.cpp' >&2; exit 2; }
	$(PYTHON) tests/reference/markers.py $^ '$(ARCHIVE)' --out $(RESULTS)/markers.txt

# settings-sweep: 2,000 generated GGUF files with keys dropped, added and changed against llama.cpp's logits (ten minutes; PYTHON with the
# packages of tests/reference/requirements.txt); recorded in tests/reference/results/settings_sweep.txt
settings-sweep: all
	$(PYTHON) tests/reference/settings_sweep.py $(BUILD)/roma --count 2000

# kills: 50 builds of folders killed wherever they are and taken up again: the same bytes (./test: 6)
kills: all
	$(PYTHON) -B tests/cli/test_hf.py $(BUILD)/roma 50

# matrix: same bits over instruction sets, threads, chunkings, formats of the cache and compilers: the default model, then every form of weights (long)
MODEL ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/roma/SmolLM2-135M-Instruct.Q4_1.gguf
matrix: all $(BUILD)/tests/exec/make_random
	$(MAKE) BUILD=$(BUILD)/clang CC=clang all
	sh tests/matrix.sh --model $(MODEL) $(BUILD) $(BUILD)/clang

# vectors: every kernel against the scalar reference, 100,000 random vectors for each form of weights, type of B and format of the cache
# (./test: for each kernel); NEON's too where the cross compiler and qemu are (ten minutes, and longer for NEON)
KERN_TESTS := $(filter tests/kern/%,$(TEST_BIN:$(BUILD)/%=%))
vectors: all $(KERN_TESTS:%=$(BUILD)/%)
	@if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then \
	    $(MAKE) CC=aarch64-linux-gnu-gcc EDIT=no ZLIB=no OPT=-O2 BUILD=$(BUILD)/aarch64 $(addprefix $(BUILD)/aarch64/tests/kern/test_,product vector lora) && \
	    tests/vectors.sh $(BUILD) $(BUILD)/aarch64; \
	else tests/vectors.sh $(BUILD); fi

# serve-load: `roma serve` under load, all figures of docs/server-load.md, and SOAK (600) seconds in a row (a quarter of an hour)
SOAK ?= 600
serve-load: all $(BUILD)/bench/serve-load
	bench/serve-load --soak $(SOAK) --out tests/reference/results/serve_load.txt

# install: program, library, headers, pkg-config file, man page, completions under DESTDIR and PREFIX; stripped, debug information stays here
# uninstall: removes what install put there, with the same DESTDIR and PREFIX, and nothing else
SONAME := libroma.so.$(firstword $(subst ., ,$(VERSION)))
AT = $(DESTDIR)$(PREFIX)
binutil = $(shell $(CC) -print-prog-name=$(1))
# Cross builds name a program that runs here, whose help the completions are made from.
RUNS ?= $(BUILD)/roma
# The names that headers declare: what the installed libraries offer, and nothing beside.
$(BUILD)/public.names: $(wildcard include/roma/*.h)
	@mkdir -p $(@D)
	cat $^ | $(CC) -E -P -Iinclude -xc - | grep -o '\broma_[A-Za-z0-9_]*' | sort -u >$@
$(BUILD)/libroma.so: $(LIB_OBJ) $(BUILD)/public.names
	{ echo '{ global:'; sed 's/$$/;/' $(BUILD)/public.names; echo 'local: *; };'; } >$(BUILD)/libroma.map
	$(CC) $(CFLAGS_ALL) -shared -Wl,-soname,$(SONAME) -Wl,--version-script,$(BUILD)/libroma.map $(LIB_OBJ) $(LDLIBS_ALL) -o $@
# One object, so that what rooms have in common can be local to it.
$(BUILD)/installed/libroma.a: $(LIB_OBJ) $(BUILD)/public.names
	@mkdir -p $(@D)
	$(CC) -r -nostdlib $(LIB_OBJ) -o $(@D)/roma.o
	$(call binutil,objcopy) --strip-debug --keep-global-symbols=$(BUILD)/public.names $(@D)/roma.o
	@rm -f $@
	$(call binutil,ar) rcs $@ $(@D)/roma.o
COMPLETIONS := share/bash-completion/completions/roma share/zsh/site-functions/_roma share/fish/vendor_completions.d/roma.fish
INSTALLED := bin/roma lib/libroma.a lib/libroma.so lib/$(SONAME) lib/libroma.so.$(VERSION) lib/pkgconfig/roma.pc share/man/man1/roma.1 \
    $(COMPLETIONS) $(wildcard include/roma/*.h) $(addprefix share/roma/,$(wildcard chips/*.chip rtl/*.v rtl/cosim/*) models/tiny/tiny-q4.gguf)
install: all $(BUILD)/libroma.so $(BUILD)/installed/libroma.a
	sh tools/install.sh folders '$(DESTDIR)' '$(PREFIX)' $(sort $(dir $(INSTALLED)))
	install -m 755 $(BUILD)/roma $(AT)/bin/roma
	$(call binutil,strip) $(AT)/bin/roma
	install -m 644 $(BUILD)/installed/libroma.a $(AT)/lib/libroma.a
	install -m 755 $(BUILD)/libroma.so $(AT)/lib/libroma.so.$(VERSION)
	$(call binutil,strip) --strip-unneeded $(AT)/lib/libroma.so.$(VERSION)
	ln -sf libroma.so.$(VERSION) $(AT)/lib/$(SONAME)
	ln -sf $(SONAME) $(AT)/lib/libroma.so
	install -m 644 include/roma/*.h $(AT)/include/roma
	install -m 644 chips/*.chip $(AT)/share/roma/chips
	install -m 644 rtl/*.v $(AT)/share/roma/rtl
	install -m 644 rtl/cosim/* $(AT)/share/roma/rtl/cosim
	install -m 644 models/tiny/tiny-q4.gguf $(AT)/share/roma/models/tiny
	install -m 644 docs/roma.1 $(AT)/share/man/man1/roma.1
	printf 'prefix=%s\nName: roma\nDescription: language models in the arithmetic of the ROMA chip\nVersion: %s\nCflags: -I$${prefix}/include\nLibs: -L$${prefix}/lib -lroma\nLibs.private: -lpthread -lz -lm\n' \
	    '$(PREFIX)' '$(VERSION)' >$(AT)/lib/pkgconfig/roma.pc
	sh tools/completions.sh $(RUNS) bash >$(AT)/$(word 1,$(COMPLETIONS))
	sh tools/completions.sh $(RUNS) zsh >$(AT)/$(word 2,$(COMPLETIONS))
	sh tools/completions.sh $(RUNS) fish >$(AT)/$(word 3,$(COMPLETIONS))
uninstall:
	sh tools/install.sh remove '$(DESTDIR)' '$(PREFIX)' $(INSTALLED)

# page-check: the server's page in a headless Chromium, which is installed where it is missing (64 MB; docs/server-page.md); pictures go to build/page
page-check: all
	@. tools/need.sh && need chromium-headless-shell
	@mkdir -p $(BUILD)/page
	python3 tests/serve/page_check.py $(BUILD)/roma --shots $(BUILD)/page

# hw-deps: the tools of rtl/, from Debian and PyPI, versions pinned where PyPI (tools/hw-deps.sh); nothing else needs them
HW ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/roma/hw
hw-deps:
	sh tools/hw-deps.sh '$(HW)'

# rtl-lint: every block of rtl through three parsers; rtl-vectors: N vectors a block against libroma; rtl-faults: the planted faults (docs/hardware.md)
N ?= 10000
rtl-lint:
	python3 tests/rtl/run.py lint
rtl-vectors: $(LIB)
	BUILD=$(BUILD) python3 tests/rtl/run.py vectors $(N)
rtl-faults: $(LIB)
	BUILD=$(BUILD) python3 tests/rtl/run.py faults

# chips20: twenty chips in gates written and looked through, and Verilator over a tile of each kind (half an hour)
chips20: all $(BUILD)/tests/rtl/make_model
	python3 tests/rtl/check_chip.py $(BUILD)/roma $(BUILD)/tests/rtl/make_model --lint --netlist

# layout: the mask ROM of TENSOR of IMAGE, checked and read back, in LAYOUT (build/layout); TENSOR is 0.down, 0.down:FIRST-LAST, 0.down@UNIT.LUNIT, all@UNIT.LUNIT; or of ROM=DIR, that `roma rtl --rom --style array` wrote
# layout-signoff: every KLayout deck of the folder DECKS on LAYOUT, rule by rule (docs/mask-rom.md)
LAYOUT ?= $(BUILD)/layout
layout:
	@[ -n '$(ROM)' ] || { [ -n '$(TENSOR)' ] && [ -n '$(IMAGE)' ]; } || { echo 'usage: make layout TENSOR=0.down IMAGE=FILE.roma, or ROM=DIR [ROWS=N] [STYLE=nor|brom2|brom4|column] [LAYOUT=DIR]' >&2; exit 2; }
	@[ -x $(HW)/venv/bin/python ] || { echo 'make layout: KLayout is missing; make hw-deps installs it' >&2; exit 2; }
	@$(HW)/venv/bin/python rtl/layout/layout.py --pdk $(HW)/pdk $(if $(ROM),--rom '$(ROM)',--image '$(IMAGE)' --tensor '$(TENSOR)') --rows $(or $(ROWS),0) --style $(or $(STYLE),nor) -o $(LAYOUT)
layout-signoff:
	@python3 rtl/layout/signoff.py '$(or $(DECKS),rtl/layout/decks)' $(LAYOUT)

# gates: longest path between registers of the blocks, each under its rule, in OSU018's cells, and areas in OSU018's and ASAP7's (half an hour; docs/hardware.md)
gates:
	python3 tests/rtl/gates.py

# gates-sim: gate netlists of the blocks beside their sources, random operands (minutes; docs/hardware.md); BLOCK: some of them
gates-sim:
	python3 tests/rtl/netlist.py $(BLOCK)

# cosim: the mini chip in gates beside engine and model, 64 tokens; cosim-faults: with each planted fault, and a waveform; cosim-full: twenty chips, or those that CHIPS20 names; cosim-smollm2: SmolLM2, 8 tokens (half an hour; BLOCKS=all: with the FP32 blocks of rtl, not --quick; needs Verilator; docs/hardware.md)
# cosim-gates: the mini chip with a B-ROM, a fused L-Unit and a netlist of one in it, and with faults in blocks that only whole tokens try
cosim: all $(BUILD)/tests/rtl/make_model
	python3 tests/rtl/cosim.py test $(BUILD)/roma $(BUILD)/tests/rtl/make_model
cosim-faults: all
	python3 tests/rtl/cosim.py faults $(BUILD)/roma
cosim-gates: all
	python3 tests/rtl/cosim.py gates $(BUILD)/roma
# cosim-icarus: a token of the smallest chip in Icarus alone, with an L-Unit of each style
cosim-icarus: all $(BUILD)/tests/rtl/make_model
	python3 tests/rtl/cosim.py icarus $(BUILD)/roma $(BUILD)/tests/rtl/make_model
# cosim-toggles: how often bits change in a token of the mini chip, block by block: tests/rtl/toggles.csv, renewed (docs/hardware.md)
cosim-toggles: all
	$(BUILD)/roma build models/tiny/tiny-q4.gguf -o $(BUILD)/cosim-toggles.roma
	python3 tests/rtl/toggles.py $(BUILD)/roma tests/rtl/toggles.csv $(BUILD)/cosim-toggles.roma
cosim-full: all $(BUILD)/tests/rtl/make_model
	python3 tests/rtl/cosim.py full $(BUILD)/roma $(BUILD)/tests/rtl/make_model $(CHIPS20)
cosim-smollm2: all
	$(BUILD)/roma build $(MODEL) -o $(BUILD)/cosim-smollm2.roma
	python3 tests/rtl/cosim.py model $(BUILD)/roma $(BUILD)/cosim-smollm2.roma $(or $(CHIP),tests/rtl/smollm2.chip) 8 $(if $(BLOCKS),,--quick) -p "The capital of France is"

# format: clang-format over the tree; format-check: says what it would change, and changes nothing
FORMATTED = $(wildcard include/roma/*.h src/*/*.[ch] tools/roma/*.[ch] tools/roma/*/*.[ch] tests/*.h tests/*/*.[ch] fuzz/*.c bench/*.[ch] tests/rtl/*.cpp rtl/cosim/*.cpp)
format:
	clang-format -i $(FORMATTED)
format-check:
	clang-format --dry-run -Werror $(FORMATTED)

# help: this list
help:
	@echo "make: build/roma"; sed -n 's/^# \([a-z-]*\): /make \1: /p' Makefile

# clean: removes the build folder
clean:
	rm -rf $(BUILD)

$(BUILD)/bench/kern: $(BUILD)/bench/kern_bench.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/kern-vl: $(BUILD)/bench/kern_vl_avx512.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@
$(BUILD)/bench/kern_vl_avx512.o: CFLAGS += $(if $(findstring clang,$(CC)),,$(addprefix -ffixed-xmm,16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31))

$(BUILD)/bench/count: $(BUILD)/bench/kern_count.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/lora: $(BUILD)/bench/lora_bench.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/order: $(BUILD)/bench/order_bench.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/team: $(BUILD)/bench/team_bench.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/depth: $(BUILD)/bench/depth_bench.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/open: $(BUILD)/bench/open_bench.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/text: $(BUILD)/bench/text_bench.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/serve_load.o: bench/talk.h bench/load.h bench/load_broken.h bench/load_slow.h
$(BUILD)/bench/http_load.o: bench/talk.h
$(BUILD)/bench/serve-load: $(BUILD)/bench/serve_load.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/stream: $(BUILD)/bench/stream_bench.o $(LIB)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/constrain: $(BUILD)/bench/constrain_bench.o $(LIB)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/cost: $(BUILD)/bench/cost_bench.o $(LIB)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

$(BUILD)/bench/http-load: $(BUILD)/bench/http_load.o $(LIB)
	$(CC) $(CFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(TEST_BIN:=.d) $(HELPER_BIN:=.d) $(FUZZ:%=$(BUILD)/fuzz/%.d)
.SECONDARY:
.PHONY: all roma-mpi roma-plain tests helpers test check golden mutants mutants-objects prove san tsan tsan-run clang fuzz fuzz-run fuzz-replay replay-run trained vocabularies markers kills matrix vectors install uninstall hw-deps rtl-lint rtl-vectors rtl-faults chips20 gates gates-sim cosim cosim-faults cosim-gates cosim-icarus cosim-toggles cosim-full cosim-smollm2 layout layout-signoff serve-load format format-check help clean
