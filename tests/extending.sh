#!/bin/sh
# Leaves out each of the places where an operation stands (docs/extending.md), one at a time: the tree must not compile without it.
set -eu
cd "$(dirname "$0")/.."
cc="${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow -Werror -fsyntax-only"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiles() { # in $work: every file that an operation is in
    (cd "$work" && for f in src/plan/flow.c src/plan/plan.c src/exec/ops.c src/cost/timing.c src/kern/kern.c src/kern/vector_avx2.c src/num/relu2.c; do
        case $f in *_avx2.c) [ "$(uname -m)" = x86_64 ] || continue; isa="-mavx2 -mfma -mf16c" ;; *) isa= ;; esac
        $cc $isa -Iinclude -Isrc "$f" 2>>"$work/log" || return 1
    done)
}
cp -r include src "$work"
compiles || { cat "$work/log"; echo "extending: the tree itself does not compile" >&2; exit 1; }
for place in include/roma/plan.h src/plan/flow.c src/exec/ops.c src/cost/timing.c include/roma/num.h include/roma/kern.h; do
    grep -qi relu2 "$place" || { echo "extending: relu2 is not in $place; docs/extending.md says it is" >&2; exit 1; }
    sed -i 's/^\(.*\)\(relu2\|RELU2\).*$/@&/; /^@.*\\$/s/.*/    \\/; /^@/d' "$work/$place"
    if compiles; then
        echo "extending: without relu2 in $place everything compiles" >&2
        exit 1
    fi
    cp "$place" "$work/$place"
    echo "left out of $place: does not compile"
done
