#!/bin/sh
# usage: hardened.sh BUILD...    what was built there is hardened as SECURITY.md says; reads the files with readelf, of any machine
#        hardened.sh --fault     programs built without each of these things must be refused
#
# CET and BTI are looked for in our objects: a linked program only says that it has them when all it is linked of does, and Debian 12's own
# start-up files do not.
set -eu
cd "$(dirname "$0")/.."
status=0
fail() { echo "hardened: $*" >&2; status=1; }

machine() { readelf -h "$1" | sed -n 's/^ *Machine: *//p'; }

# A program or a shared library.
linked() {
    readelf -W -h -l -d "$1" >"$work/elf" 2>&1
    grep -qE 'Type: +DYN' "$work/elf" || fail "$1 is not position independent"
    grep -q ' GNU_RELRO ' "$work/elf" || fail "$1 has no RELRO"
    grep -qE 'BIND_NOW|Flags:.* NOW' "$work/elf" || fail "$1 binds lazily, so that RELRO leaves the PLT's table writable"
    grep -qE ' GNU_STACK .* RW +0x' "$work/elf" || fail "$1 has an executable stack"
    if grep -qE ' LOAD .* RWE ' "$work/elf"; then fail "$1 has memory that is writable and executable"; fi
    if grep -q 'TEXTREL' "$work/elf"; then fail "$1 relocates its code"; fi
    if grep -qE 'R(UN)?PATH' "$work/elf"; then fail "$1 names a folder of libraries"; fi
    readelf -W --dyn-syms "$1" >"$work/syms"
    grep -q ' __stack_chk_fail' "$work/syms" || fail "$1 has no stack protector"
    grep -qE ' __[a-z]+_chk' "$work/syms" && grep -qE ' __v?[fs]n?printf_chk' "$work/syms" || fail "$1 has no _FORTIFY_SOURCE"
}

# An object with code.
object() {
    case $(machine "$1") in
    *X86-64*) want='IBT, SHSTK' ;;
    AArch64) want='BTI, PAC' ;;
    *) return 0 ;;
    esac
    readelf -n "$1" 2>/dev/null | grep -q "$want" || fail "$1 lacks $want"
}


work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "${1:-}" = --fault ]; then
    printf '#include <stdio.h>\nint main(int n, char **v) { char b[64]; snprintf(b, (size_t)n, "%%s", v[0]); return b[n - 1]; }\n' >"$work/a.c"
    good='-O2 -fPIE -pie -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -Wl,-z,relro,-z,now,-z,noexecstack'
    build() { # shellcheck disable=SC2086
        ${CC:-gcc} $good "$@" "$work/a.c" -o "$work/a" 2>/dev/null && linked "$work/a" 2>"$work/said"
    }
    build || :
    [ ! -s "$work/said" ] || { echo "hardened: a hardened program is refused: $(cat "$work/said")" >&2; exit 1; }
    for pair in '-no-pie:not position independent' '-Wl,-z,norelro:no RELRO' '-Wl,-z,lazy:binds lazily' '-Wl,-z,execstack:executable stack' \
        '-fno-stack-protector:no stack protector' '-U_FORTIFY_SOURCE:no _FORTIFY_SOURCE' '-Wl,-rpath,/x:names a folder'; do
        : >"$work/said"
        build "${pair%%:*}" || :
        grep -q "${pair#*:}" "$work/said" || { echo "hardened: ${pair%%:*} is not noticed: $(cat "$work/said")" >&2; exit 1; }
    done
    ${CC:-gcc} -c -fcf-protection=none "$work/a.c" -o "$work/a.o" 2>/dev/null && object "$work/a.o" 2>"$work/said"
    grep -q 'lacks' "$work/said" || { echo "hardened: an object without CET is not noticed" >&2; exit 1; }
    echo "hardened: all eight soft files are noticed"
    exit 0
fi
for build; do
    for f in "$build/roma" "$build/libroma.so"; do linked "$f"; done
    for f in "$build/roma-mpi" "$build/roma-plain"; do [ ! -e "$f" ] || linked "$f"; done
    n=0 protected=0
    for f in src/*/*.c tools/roma/*.c tools/roma/*/*.c; do # objects of sources that are gone may lie about
        f=$build/${f%.c}.o
        [ -e "$f" ] || continue
        object "$f"
        n=$((n + 1))
        if nm -u "$f" | grep -q __stack_chk_fail; then protected=$((protected + 1)); fi
    done
    [ $n -gt 100 ] || fail "$build has only $n objects"
    [ "$protected" -gt $((n / 4)) ] || fail "$build: only $protected of $n objects protect their stack"
    [ $status -ne 0 ] || echo "hardened: $build: $n objects, $protected of them with arrays on a protected stack"
done
exit $status
