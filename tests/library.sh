#!/bin/sh
# usage: tests/library.sh PREFIX
# Takes the programs of docs/library.md, compiles each against what is installed under PREFIX, shared and static, and runs them on the
# tiny model, with the arguments that the line before each one names. What they say must be the same both ways, and what `roma run` says.
set -eu
cd "$(dirname "$0")/.."
prefix=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "library: $*" >&2; exit 1; }
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
awk -v to="$work" '
    /^Run as `.*`:$/ { split($0, part, "`"); arguments = part[2] }
    /^```c$/ { n++; file = to "/" n ".c"; print arguments >(to "/" n ".arguments"); arguments = ""; next }
    /^```/ { file = "" }
    file { print >file }' docs/library.md
[ "$(head -1 "$work/1.arguments")" = "PROGRAM IMAGE PROMPT" ] || fail "the first program is not run as PROGRAM IMAGE PROMPT"
[ "$(wc -l <"$work/1.c")" -le 40 ] || fail "the first program has more than 40 lines"
roma=$prefix/bin/roma
image=$work/tiny.roma
adapter=$work/tiny.lora.roma
prompt="Who are you?"
"$roma" build models/tiny/tiny-q4.gguf -o "$image" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
"$roma" adapter build models/adapters/tiny-roma --base "$image" -o "$adapter" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
n=0
while [ -f "$work/$((n + 1)).c" ]; do
    n=$((n + 1))
    # shellcheck disable=SC2046
    gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror "$work/$n.c" $(pkg-config --cflags --libs roma) -o "$work/$n.shared"
    # shellcheck disable=SC2046
    gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror "$work/$n.c" $(pkg-config --cflags roma) "$prefix/lib/libroma.a" -lpthread -lz -lm -o "$work/$n.static"
    set --
    for word in $(cut -d' ' -f2- "$work/$n.arguments"); do
        case $word in
        IMAGE) set -- "$@" "$image" ;;
        ADAPTER) set -- "$@" "$adapter" ;;
        PROMPT) set -- "$@" "$prompt" ;;
        SHAPE) set -- "$@" smollm2-135m ;;
        *) fail "program $n: no argument $word is known" ;;
        esac
    done
    for way in shared static; do
        "$work/$n.$way" "$@" >"$work/$n.$way.out" 2>"$work/log" || fail "program $n, $way: exit code $?: $(cat "$work/log")"
        [ -s "$work/$n.$way.out" ] || fail "program $n, $way, says nothing"
    done
    if grep -q pthread "$work/$n.c"; then # who is cancelled is chance
        [ "$(wc -l <"$work/$n.shared.out")" -eq 4 ] || fail "program $n: four requests have $(wc -l <"$work/$n.shared.out") ends"
    else
        cmp "$work/$n.shared.out" "$work/$n.static.out" || fail "program $n says something else when it is static"
    fi
done
[ $n -ge 4 ] || fail "docs/library.md has only $n programs"
"$roma" run "$image" -p "$prompt" -q >"$work/want"
cmp "$work/want" "$work/1.shared.out" || fail "the first program answers '$(cat "$work/1.shared.out")', not as roma run does"
{ cat "$work/want"; "$roma" run "$image" -p "$prompt" -q --lora "$adapter"; } >"$work/both"
cmp "$work/both" "$work/2.shared.out" || fail "the second program answers '$(cat "$work/2.shared.out")', not as roma run does"
echo "library: $n programs of docs/library.md"
