#!/bin/sh
# usage: aarch64.sh BUILD_X86 BUILD_ARM JOBS
#
# Builds for aarch64 with Debian's cross compiler, without libedit and zlib, which it has not for that machine; runs tests of kernels, JSON and PEFT adapters
# and the hashes under qemu; the tiny model gives the bits that BUILD_X86 gives. JOBS: of make.
set -eu
cd "$(dirname "$0")/.."
x86=$1 arm=$2 jobs=$3 sysroot=/usr/aarch64-linux-gnu
emulate() { qemu-aarch64 -L "$sysroot" "$@"; }

tests="kern/test_product kern/test_vector kern/test_lora base/test_crc32c base/test_sha256 json/test_json import/test_lora_bad"
want="$arm/roma $arm/libroma.so"
for t in $tests; do want="$want $arm/tests/$t"; done
# shellcheck disable=SC2086
make -s -j"$jobs" CC=aarch64-linux-gnu-gcc EDIT=no ZLIB=no OPT="-O2" BUILD="$arm" $want
for t in $tests; do ROMA_VECTORS=${ROMA_VECTORS:-1000} emulate "$arm/tests/$t"; done

tests/hardened.sh "$arm"
# a cross build installs too: the completions come from a program that runs here
make -s install CC=aarch64-linux-gnu-gcc EDIT=no ZLIB=no OPT="-O2" BUILD="$arm" RUNS="$x86/roma" DESTDIR="$arm/stage" PREFIX=/usr >/dev/null
for f in bin/roma lib/libroma.so lib/libroma.a; do
    readelf -h "$arm/stage/usr/$f" | grep -q AArch64 || { echo "aarch64: $f is for another machine" >&2; exit 1; }
    if readelf -SW "$arm/stage/usr/$f" | grep -q ' \.debug_'; then echo "aarch64: $f is not stripped" >&2; exit 1; fi
done

# matrix.sh asks for BUILD/roma
mkdir -p "$arm/emulated"
printf '#!/bin/sh\nexec qemu-aarch64 -L %s "%s/roma" "$@"\n' "$sysroot" "$(realpath "$arm")" >"$arm/emulated/roma"
chmod +x "$arm/emulated/roma"
ONE_SET=yes THREADS=2 PROMPTS=${PROMPTS:-4} SCALAR_PROMPTS=1 tests/matrix.sh --quick "$x86" "$arm/emulated"
