#!/bin/sh
# make install into a scratch folder; a program outside the tree builds against it through pkg-config, static and shared, and runs.
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
# every symbol that the shared library offers carries its name
if nm -D --defined-only "$work/usr/lib/libroma.so" | awk '{print $3}' | grep -v '^roma_'; then
    echo "install: the symbols above do not begin with roma_" >&2
    exit 1
fi
make -s install DESTDIR="$work/stage" PREFIX=/usr >/dev/null
grep -q '^prefix=/usr$' "$work/stage/usr/lib/pkgconfig/roma.pc"
bash -n "$work/usr/share/bash-completion/completions/roma"
# the man page names every option of every verb
for verb in $("$work/usr/bin/roma" --help | sed -n '/^verbs:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    for o in $("$work/usr/bin/roma" "$verb" --help | sed -n 's/^  [- ][a-z ][, ] --\([a-z0-9-]*\).*/\1/p'); do
        grep -q -e "Fl -$o\( \|\$\)" docs/roma.1 || { echo "install: docs/roma.1 does not name --$o of $verb" >&2; exit 1; }
        grep -q -e "--$o" "$work/usr/share/bash-completion/completions/roma" || { echo "install: no completion of --$o" >&2; exit 1; }
    done
done
echo "install: complete"
