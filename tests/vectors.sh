#!/bin/sh
# usage: vectors.sh BUILD [BUILD_ARM]
#
# Every kernel of every instruction set against the scalar reference, at least ROMA_VECTORS (100,000) random vectors for each form of weights, type
# of B and format of the cache (`make vectors`). A vector is what tests/kern says: a row of weights times a row of activations, 16 results of an adapter, a
# call of an entry of the vector unit or attention. Of AVX-512's and AVX-VNNI's instructions that this CPU lacks an emulation takes the place.
# With BUILD_ARM, a build for aarch64, NEON's too, under qemu: as many for each kernel and not for each form, which would take hours there. Prints what each program says, and exits with 1 when one fails.
set -eu
cd "$(dirname "$0")/.."
export ROMA_VECTORS="${ROMA_VECTORS:-100000}" ROMA_VECTORS_EACH=1
status=0
try() { # PREFIX PROGRAM
    name=$(basename "$2")
    # shellcheck disable=SC2086
    $1 "$2" >"$2.said" 2>&1 || status=1
    sed "s/^/$name: /" "$2.said"
}
printf '%s; %s; %s vectors\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$("$1/roma" --version | sed 's/.*instruction sets: //')" "$ROMA_VECTORS"
for t in product vector lora vl_avx512 emulated emulated_256 emulated_attend emulated_lora; do try "" "$1/tests/kern/test_$t"; done
if [ $# -gt 1 ]; then
    unset ROMA_VECTORS_EACH
    for t in product vector lora; do try "qemu-aarch64 -L /usr/aarch64-linux-gnu" "$2/tests/kern/test_$t"; done
fi
if [ $status -eq 0 ]; then echo "vectors: the same bits"; else echo "vectors: a program FAILED" >&2; fi
exit $status
