#!/bin/sh
# The library and the second reader print the same about the same images: second_reader.sh [IMAGE ...]
# Without arguments: about the images that make_image writes. BUILD: where the programs were built.
set -eu
here=$(dirname "$0")
build=${BUILD:-build}/tests/image
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -eq 0 ]; then
    "$build/make_image" "$work"
    set -- "$work"/*.roma
fi
for image in "$@"; do
    "$build/dump_rom" "$image" >"$work/library"
    python3 "$here/read_rom.py" "$image" >"$work/reader"
    cmp "$work/library" "$work/reader" || { diff "$work/library" "$work/reader" | head -n 6; exit 1; }
    echo "second reader: $(basename "$image"): $(tail -n 1 "$work/reader")"
done
