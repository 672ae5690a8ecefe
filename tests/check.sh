#!/bin/sh
# Holds the tree to layers.txt: includes (with the headers they pull in) and symbols of every room; no libm in the arithmetic rooms;
# no exit, abort or printf in src; no number through the process's locale (base/real.c and tools/roma/print.c are the way). `check.sh --fault` plants one fault of each kind in a copy and must see it caught.
set -eu
cd "$(dirname "$0")/.."
lib=${LIB:-build/libroma.a}

fail() { echo "check: $*" >&2; status=1; }

allowed() { # room -> its line
    sed -n "s/^$1: *//p;s/^$1:\$//p" "$tree/layers.txt"
}

check_includes() {
    for dir in "$tree"/src/*/; do
        room=$(basename "$dir")
        grep -q "^$room:" "$tree/layers.txt" || { fail "room $room is not in layers.txt"; continue; }
        for inc in $(sed -n 's/^#include "roma\/\([a-z0-9_]*\)\.h".*/\1/p' "$dir"*.c "$dir"*.h "$tree/include/roma/$room.h" 2>/dev/null | sort -u); do
            case " $room $(allowed "$room") " in
            *" $inc "*) ;;
            *) fail "room $room includes $inc, which layers.txt does not allow" ;;
            esac
        done
        for inc in $(sed -n 's/^#include "\([a-z0-9_]*\)\/.*/\1/p' "$dir"*.c "$dir"*.h 2>/dev/null | sort -u); do
            [ "$inc" = roma ] || [ "$inc" = "$room" ] || fail "room $room includes insides of $inc"
        done
    done
}

# Every undefined roma_ symbol of a room must be defined in it or in a room it may include.
check_symbols() {
    objects=$1
    for dir in "$objects"/*/; do
        room=$(basename "$dir")
        nm -A --defined-only -g "$dir"*.o | awk -v r="$room" '{print $NF, r}'
    done | sort -u >"$work/defined"
    awk '$1 !~ /^roma_/ { print "room " $2 " defines the global symbol " $1 ", which does not begin with roma_" }' "$work/defined" >>"$work/bad"
    for dir in "$objects"/*/; do
        room=$(basename "$dir")
        nm -u "$dir"*.o 2>/dev/null | awk '$1 == "U" {print $2}' | sort -u |
            awk -v ok=" $room $(allowed "$room") " -v room="$room" '
                NR == FNR { where[$1] = $2; next }
                $1 in where && index(ok, " " where[$1] " ") == 0 { print room " uses " $1 " of " where[$1] }' "$work/defined" - |
            while read -r line; do echo "$line" >>"$work/bad"; done
        # with _FORTIFY_SOURCE printf is __printf_chk
        nm -u "$dir"*.o 2>/dev/null | awk '{print $NF}' | sed 's/^__\(.*\)_chk$/\1/' |
            grep -xE 'exit|_exit|abort|printf|puts|putchar|fprintf|vprintf|perror|system|gets|strcpy|strcat|sprintf' |
            sed "s/^/room $room calls /" >>"$work/bad" || true
        case $room in num | kern | exec | map)
            nm -u "$dir"*.o 2>/dev/null | awk '{print $NF}' |
                grep -xE '(exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|sincos|tanh|sinh|cosh|atan|atan2|asin|acos|cbrt|erf|fma)f?l?' |
                sed "s/^/room $room calls libm's /" >>"$work/bad" || true ;;
        esac
    done
    while read -r line; do fail "$line"; done <"$work/bad"
}

# Text and numbers are printed and read by base/real.c alone, which borrows the C locale; the process may have set one with a comma.
check_locale() {
    nm -A -u "$1"/*/*.o 2>/dev/null | awk '{ n = split($1, at, "/"); print at[n - 1] "/" substr(at[n], 1, length(at[n]) - 1) " calls " $NF }' |
        grep -v '^base/real.o ' | grep -E ' (__(isoc[0-9]+_)?)?(v?[sdf]?n?printf|v?asprintf|v?f?s?scanf|strto(d|f|ld)|atof|setlocale|localeconv|strerror(_r)?|strftime)(_chk)?(@.*)?$' |
        sed 's|$| beside base/real.c|' >>"$work/locale" || true
    # The program may use stdio, but not for reals: a statement is joined, so that a format and its call are one line.
    for f in "$tree"/tools/roma/*.c "$tree"/tools/roma/*/*.c; do
        [ "$(basename "$f")" = print.c ] || awk -v f="${f#"$tree"/}" '
            { s = s $0 }
            /[;{}]$/ || /^#/ {
                if (s ~ /(^|[^_a-z])v?[df]?s?n?printf\(.*%[-+ #0-9.*]*[lL]?[aefgAEFG]/ || s ~ /(^|[^_a-z])v(f|d)?printf\(/) print f " prints a real or a foreign format beside print_to"
                if (s ~ /(^|[^_a-z])(strto(d|f|ld)|atof)\(/) print f " reads a real beside roma_real_read"
                if (s ~ /setlocale\((LC_ALL|LC_NUMERIC)/) print f " sets the locale of numbers"
                s = "" }' "$f" >>"$work/locale"
    done
    while read -r line; do fail "$line"; done <"$work/locale"
}

check_text() {
    long=$(find "$tree/src" "$tree/include" "$tree/tools" -name '*.[ch]' -size +1 -exec wc -l {} + | awk '$2 != "total" && $1 > 800 {print $2}')
    [ -z "$long" ] || fail "files over 800 lines: $long"
    if grep -rnE '[[:space:]]+$' "$tree/src" "$tree/include" "$tree/tools" --include='*.[ch]' >/dev/null; then fail "trailing blanks in src, include or tools"; fi
}

run_checks() {
    status=0
    : >"$work/bad"
    : >"$work/locale"
    check_includes
    check_symbols "$1"
    check_locale "$1"
    check_text
    return 0
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=.
if [ "${1:-}" = --fault ]; then
    tree=$work/tree
    mkdir -p "$tree"
    cp -r src include tools layers.txt "$tree"
    echo '#include "roma/exec.h"' >>"$tree/src/num/f16.c"
    mkdir -p "$work/obj"
    cp -r "$(dirname "$lib")"/src/* "$work/obj"
    printf 'void planted(FILE *f);\nvoid planted(FILE *f) {\n    fprintf(f, "%%d of %%s: "\n            "%%-6.2f",\n        1, "x", 0.5);\n}\n' >>"$tree/tools/roma/verbs/plan.c"
    printf 'double planted(const char *s) { return strtod(s, NULL); }\n' >>"$tree/tools/roma/verbs/verify.c"
    printf '#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\nint roma_exec_threads(const void *);\nint stray = 1;\ndouble roma_planted(double x);\ndouble roma_planted(double x) { char b[9]; if (x < 0) exit(roma_exec_threads(0)); snprintf(b, 9, "%%g", x); return strtod(b, NULL) + sin(x); }\n' >"$work/planted.c"
    ${CC:-gcc} -c "$work/planted.c" -o "$work/obj/num/planted.o"
    run_checks "$work/obj" 2>"$work/said"
    for want in 'num includes exec' 'num uses roma_exec_threads of exec' 'num calls exit' "num calls libm's sin" 'num defines the global symbol stray' \
        'num/planted.o calls snprintf' 'num/planted.o calls strtod' 'tools/roma/verbs/plan.c prints a real' 'tools/roma/verbs/verify.c reads a real'; do
        grep -q "$want" "$work/said" || { echo "check: the planted fault was not caught: $want" >&2; exit 1; }
    done
    echo "check: all nine planted faults are caught"
    exit 0
fi
run_checks "$(dirname "$lib")/src"
[ $status -eq 0 ] && echo "check: includes, symbols, numbers and text agree with layers.txt"
exit $status
