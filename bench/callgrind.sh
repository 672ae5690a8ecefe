#!/bin/sh
# usage: bench/callgrind.sh [ISA] [FORMAT...]
#
# Instructions per 1,024 multiply-adds of every format's product, counted by valgrind's callgrind on one thread: decode (one row of activations, 512 rows
# of weights) and prefill (64 rows). The difference of two runs that differ by one repeat, so that nothing but the product counts; packing
# the activations is in it. ISA: avx2 (default) or scalar; callgrind knows no AVX-512.
set -eu
cd "$(dirname "$0")/.."
isa=${1:-avx2}
[ $# -eq 0 ] || shift
command -v valgrind >/dev/null || { echo "callgrind.sh: valgrind is missing: apt-get install valgrind" >&2; exit 3; }
make -s build/bench/count

# FORMAT ROWS REPEATS -> instructions
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null build/bench/count "$isa" "$1" "$2" "$3" 2>&1 >/dev/null | sed -n 's/.*Collected : //p'
}
per_1024() { echo "$(instructions "$1" "$2" 2) $(instructions "$1" "$2" 1) $3" | awk '{printf "%.1f", ($1 - $2) * 1024 / $3}'; }

every_format() { i=0; while build/bench/count "$isa" "$i" 1 1 >/dev/null 2>&1; do echo "$i"; i=$((i + 1)); done; }
formats=${*:-$(every_format)}
echo "| format | decode | prefill |"
echo "|---|---|---|"
for f in $formats; do
    one=$(build/bench/count "$isa" "$f" 1 1) many=$(build/bench/count "$isa" "$f" 64 1)
    echo "| ${one%%|*} | $(per_1024 "$f" 1 "${one##*|}") | $(per_1024 "$f" 64 "${many##*|}") |"
done
