#!/bin/sh
# Holds the tree to layers.txt: includes and symbols of every room and of the program's folders; no libm in the arithmetic rooms;
# no exit, abort or printf in src; no number through the process's locale (base/real.c and tools/roma/print.c are the way).
# `check.sh --fault` plants faults of each kind in a copy and must see them caught.
set -eu
cd "$(dirname "$0")/.."
lib=${LIB:-build/libroma.a}

fail() { echo "check: $*" >&2; status=1; }

allowed() { # room or folder -> its line, between blanks
    awk -v name="$1:" '$1 == name { $1 = ""; print $0 " " }' "$tree/layers.txt"
}

# src/num is the room num; of the program a folder is its own name.
folders() { (cd "$tree" && ls src/*/*.c tools/roma/*.c tools/roma/*/*.c) | sed 's|/[^/]*$||' | sort -u; }
owner() { echo "${1#src/}"; }
objects() { # of a folder, those whose source is still there
    for o in "$built/$1"/*.o; do [ ! -f "$tree/$1/$(basename "$o" .o).c" ] || echo "$o"; done
}

is_allowed() { # itself, its line, what is included; * in a line are all rooms
    case " $1 $2 " in
    *" $3 "*) ;;
    *" * "*) [ "${3#tools/}" = "$3" ] ;;
    *) return 1 ;;
    esac
}

check_includes() {
    for folder in $(folders); do
        room=$(owner "$folder")
        dir=$tree/$folder
        grep -q "^$room:" "$tree/layers.txt" || { fail "$room is not in layers.txt"; continue; }
        may=$(allowed "$room")
        head=
        [ "$folder" = "$room" ] || head=$tree/include/roma/$room.h
        for inc in $(sed -n 's/^#include "roma\/\([a-z0-9_]*\)\.h".*/\1/p' "$dir"/*.c "$dir"/*.h $head 2>/dev/null | sort -u); do
            is_allowed "$room" "$may" "$inc" || fail "$room includes $inc, which layers.txt does not allow"
        done
        for inc in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$dir"/*.c "$dir"/*.h $head 2>/dev/null | grep -v '^roma/' | sort -u); do
            case $folder/$inc in
            *..*) fail "$room includes $inc by a way up" ;;
            src/*) # beside the file, or from src
                [ -f "$dir/$inc" ] || [ "${inc%/*}" = "$room" ] || fail "$room includes insides of $inc" ;;
            *) # beside the file, or from tools/roma
                at=$folder/$inc
                [ -f "$tree/$at" ] || at=tools/roma/$inc
                is_allowed "$room" "$may" "${at%/*}" || fail "$room includes $at, which layers.txt does not allow" ;;
            esac
        done
    done
}

# Every symbol of ours that a folder uses must be defined in it or in one it may include; of verbs roma.c alone knows the names.
check_symbols() {
    for folder in $(folders); do
        nm --defined-only -g $(objects "$folder") | awk -v r="$(owner "$folder")" 'NF == 3 { print $3, r }'
    done | sort -u >"$work/defined"
    awk '$1 !~ /^roma_/ && $2 !~ /\// { print "room " $2 " defines the global symbol " $1 ", which does not begin with roma_" }' "$work/defined" >>"$work/bad"
    for folder in $(folders); do
        room=$(owner "$folder")
        nm -A -u $(objects "$folder") | sed 's/^.*\///;s/:/ /' | awk '{ print $NF, $1 }' | sort -u >"$work/used"
        awk -v ok=" $room $(allowed "$room") " -v room="$room" '
            NR == FNR { where[$1] = $2; next }
            room == "tools/roma" && $2 == "roma.o" && $1 ~ /^verb_/ { next }
            $1 in where && index(ok, " * ") && where[$1] !~ /\// { next }
            $1 in where && index(ok, " " where[$1] " ") == 0 { print room " uses " $1 " of " where[$1] }' "$work/defined" "$work/used" >>"$work/bad"
        [ "$room" != "$folder" ] || continue
        # with _FORTIFY_SOURCE printf is __printf_chk
        awk '{ print $1 }' "$work/used" | sed 's/^__\(.*\)_chk$/\1/' |
            grep -xE 'exit|_exit|abort|printf|puts|putchar|fprintf|vprintf|perror|system|gets|strcpy|strcat|sprintf' |
            sed "s/^/room $room calls /" >>"$work/bad" || true
        case $room in num | kern | exec | map)
            awk '{ print $1 }' "$work/used" |
                grep -xE '(exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|sincos|tanh|sinh|cosh|atan|atan2|asin|acos|cbrt|erf|fma)f?l?' |
                sed "s/^/room $room calls libm's /" >>"$work/bad" || true ;;
        esac
    done
    while read -r line; do fail "$line"; done <"$work/bad"
}

# A file of the program may not so much as name what a folder defines that it may not include; verbs are named in roma.c and tool.h.
check_names() { # a folder above, one below it
    awk -v above="$1" '$2 == above && $1 !~ /^verb_/ { print $1 }' "$work/defined" >"$work/names"
    for f in "$tree/$2"/*.[ch]; do
        known=$(grep -owFf "$work/names" "$f" | head -n 1) || true
        [ -z "$known" ] || fail "${f#"$tree"/} names $known of $1"
    done
}

# Text and numbers are printed and read by base/real.c alone, which borrows the C locale; the process may have set one with a comma.
check_locale() {
    for folder in $(folders); do
        case $folder in src/*) nm -A -u $(objects "$folder") ;; esac
    done | awk '{ n = split($1, at, "/"); print at[n - 1] "/" substr(at[n], 1, length(at[n]) - 1) " calls " $NF }' |
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
    check_symbols
    check_names tools/roma/verbs tools/roma/show
    check_names tools/roma/verbs tools/roma
    check_names tools/roma/show tools/roma
    check_locale
    check_text
    return 0
}

# A source in the copy, compiled where its folder's objects lie.
plant() {
    cat >"$tree/$1"
    ${CC:-gcc} -c "$tree/$1" -o "$built/${1%.c}.o"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=.
built=$(dirname "$lib")
if [ "${1:-}" = --fault ]; then
    tree=$work/tree
    mkdir -p "$tree" "$work/built/tools"
    cp -r src include tools layers.txt "$tree"
    cp -r "$built/src" "$work/built"
    cp -r "$built/tools/roma" "$work/built/tools"
    built=$work/built
    echo '#include "roma/exec.h"' >>"$tree/src/num/f16.c"
    echo '#include "../../tools/roma/tool.h"' >>"$tree/src/num/f8.c"
    echo '#include "tool.h"' >>"$tree/include/roma/quant.h"
    echo '#include "verbs/batch.h"' >>"$tree/tools/roma/show/values.h"
    echo '#include "roma/pack.h"' >>"$tree/tools/roma/show/values.c"
    echo '#include "show/values.h"' >>"$tree/tools/roma/session.c"
    echo 'int shares_print(void);' >>"$tree/tools/roma/print.h"
    mkdir "$tree/tools/roma/cellar"
    echo 'int cellar;' >"$tree/tools/roma/cellar/cellar.c"
    printf 'void planted(FILE *f);\nvoid planted(FILE *f) {\n    fprintf(f, "%%d of %%s: "\n            "%%-6.2f",\n        1, "x", 0.5);\n}\n' >>"$tree/tools/roma/verbs/plan.c"
    printf 'double planted(const char *s) { return strtod(s, NULL); }\n' >>"$tree/tools/roma/verbs/verify.c"
    plant src/num/planted.c <<'E'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
int roma_exec_threads(const void *);
int stray = 1;
double roma_planted(double x);
double roma_planted(double x) {
    char b[9];
    if (x < 0) exit(roma_exec_threads(0));
    snprintf(b, 9, "%g", x);
    return strtod(b, NULL) + sin(x);
}
E
    plant tools/roma/show/planted.c <<'E'
int verb_run(int argc, char **argv);
int roma_pack(void);
int shown(void);
int shown(void) { return verb_run(0, 0) + roma_pack(); }
E
    plant tools/roma/planted.c <<'E'
int shares_print(void);
int verb_run(int argc, char **argv);
int up(void);
int up(void) { return verb_run(0, 0) + shares_print(); }
E
    run_checks 2>"$work/said"
    n=0
    while read -r want; do
        grep -q "$want" "$work/said" || { echo "check: the planted fault was not caught: $want" >&2; exit 1; }
        n=$((n + 1))
    done <<'E'
num includes exec
num includes ../../tools/roma/tool.h by a way up
quant includes insides of tool.h
tools/roma/show includes tools/roma/verbs/batch.h
tools/roma/show includes pack
tools/roma includes tools/roma/show/values.h
num uses roma_exec_threads of exec
tools/roma/show uses verb_run of tools/roma/verbs
tools/roma/show uses roma_pack of pack
tools/roma uses verb_run of tools/roma/verbs
tools/roma uses shares_print of tools/roma/show
tools/roma/print.h names shares_print of tools/roma/show
tools/roma/cellar is not in layers.txt
num calls exit
num calls libm's sin
num defines the global symbol stray
num/planted.o calls snprintf
num/planted.o calls strtod
tools/roma/verbs/plan.c prints a real
tools/roma/verbs/verify.c reads a real
E
    echo "check: all $n planted faults are caught"
    exit 0
fi
run_checks
[ $status -eq 0 ] && echo "check: includes, symbols, numbers and text agree with layers.txt"
exit $status
