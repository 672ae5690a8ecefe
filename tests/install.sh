#!/bin/sh
# make install into a scratch folder; a program outside the tree builds against it through pkg-config, static and shared, and runs; the
# libraries offer what the headers declare and nothing else; make uninstall leaves what was there before.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make -s install PREFIX="$work/usr" >/dev/null
for f in bin/roma lib/libroma.a lib/libroma.so lib/pkgconfig/roma.pc include/roma/exec.h share/man/man1/roma.1 \
    share/bash-completion/completions/roma share/zsh/site-functions/_roma share/fish/vendor_completions.d/roma.fish; do
    [ -s "$work/usr/$f" ] || { echo "install: $f is missing" >&2; exit 1; }
done
"$work/usr/bin/roma" --version
cat >"$work/a.c" <<'C'
#include <roma/exec.h>
#include <roma/import.h>
#include <roma/map.h>
#include <roma/pack.h>
int main(void) {
    roma_error e;
    roma_import imp;
    int rc = roma_import_open(&imp, "/nonexistent", &e);
    roma_exec_destroy(NULL);
    return rc && roma_kern_best() ? 0 : 1;
}
C
export PKG_CONFIG_PATH="$work/usr/lib/pkgconfig"
# shellcheck disable=SC2046
gcc "$work/a.c" $(pkg-config --cflags --libs roma) -o "$work/shared"
LD_LIBRARY_PATH="$work/usr/lib" "$work/shared"
# shellcheck disable=SC2046
gcc "$work/a.c" $(pkg-config --cflags roma) "$work/usr/lib/libroma.a" -lpthread -lz -lm -o "$work/static"
"$work/static"
tests/library.sh "$work/usr"
# the libraries offer the functions that the installed headers name, all of them, and nothing beside
cat "$work"/usr/include/roma/*.h | grep -o 'roma_[A-Za-z0-9_]*' | sort -u >"$work/named"
nm --defined-only -g build/libroma.a | awk 'NF == 3 {print $3}' | sort -u | comm -12 - "$work/named" >"$work/want"
[ "$(wc -l <"$work/want")" -gt 200 ] || { echo "install: the headers declare only $(wc -l <"$work/want") functions" >&2; exit 1; }
nm --defined-only -g "$work/usr/lib/libroma.a" | awk 'NF == 3 {print $3}' | sort -u >"$work/static.has"
nm -D --defined-only "$work/usr/lib/libroma.so" | awk '{print $3}' | sort -u >"$work/shared.has"
for l in static shared; do
    diff "$work/want" "$work/$l.has" || { echo "install: the $l library offers something else than the headers declare (<)" >&2; exit 1; }
done
# stripped: debug information stays in the build folder
for f in bin/roma lib/libroma.so lib/libroma.a; do
    if readelf -SW "$work/usr/$f" | grep -q ' \.debug_'; then echo "install: $f is not stripped" >&2; exit 1; fi
done
if readelf -SW "$work/usr/bin/roma" | grep -q ' \.symtab '; then echo "install: bin/roma has its symbols" >&2; exit 1; fi
# the mini chip and the tiny model are there for `roma cosim` without arguments, which then lacks the simulator alone
mkdir "$work/none"
if PATH="$work/none" XDG_CACHE_HOME="$work/cache" "$work/usr/bin/roma" cosim 2>"$work/said"; then rc=0; else rc=$?; fi
[ $rc -eq 3 ] && grep -q 'package verilator' "$work/said" || { echo "install: roma cosim ends with $rc: $(cat "$work/said")" >&2; exit 1; }
make -s install DESTDIR="$work/stage" PREFIX=/usr >/dev/null
grep -q '^prefix=/usr$' "$work/stage/usr/lib/pkgconfig/roma.pc"
bash -n "$work/usr/share/bash-completion/completions/roma"
# the man page names every option of every verb
for verb in $("$work/usr/bin/roma" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
    for o in $("$work/usr/bin/roma" "$verb" --help | sed -n 's/^  [- ][a-z ][, ] --\([a-z0-9-]*\).*/\1/p'); do
        grep -q -e "Fl -$o\( \|\$\)" docs/roma.1 || { echo "install: docs/roma.1 does not name --$o of $verb" >&2; exit 1; }
        grep -q -e "--$o" "$work/usr/share/bash-completion/completions/roma" || { echo "install: no completion of --$o" >&2; exit 1; }
    done
done
# uninstall: a folder that was there, empty or not, is as it was; so is what others put into ours
see() { (cd "$1" && find . -printf '%y %p %l\n' | sort); }
for way in "PREFIX=$work/there" "DESTDIR=$work/there PREFIX=/opt/roma"; do
    rm -rf "$work/there"
    mkdir -p "$work/there/lib/pkgconfig" "$work/there/share/fish"
    echo theirs >"$work/there/lib/libother.a"
    see "$work/there" >"$work/before"
    for again in 1 2; do # a second install over the first changes nothing of that
        # shellcheck disable=SC2086
        make -s install $way >/dev/null
    done
    see "$work/there" >"$work/full"
    [ "$(wc -l <"$work/full")" -gt 50 ] || { echo "install: $way installs $(wc -l <"$work/full") files" >&2; exit 1; }
    # shellcheck disable=SC2086
    make -s uninstall $way
    see "$work/there" | diff "$work/before" - || { echo "install: uninstall with $way leaves or takes the above" >&2; exit 1; }
    # shellcheck disable=SC2086
    make -s install $way >/dev/null
    ours=$(dirname "$(find "$work/there" -name exec.h)")
    echo theirs >"$ours/mine.h"
    # shellcheck disable=SC2086
    make -s uninstall $way
    [ "$(find "$work/there" -type f | sort | tr '\n' ' ')" = "$(printf '%s\n' "$ours/mine.h" "$work/there/lib/libother.a" | sort | tr '\n' ' ')" ] ||
        { echo "install: uninstall with $way: $(find "$work/there" -type f)" >&2; exit 1; }
done
echo "install: complete"
