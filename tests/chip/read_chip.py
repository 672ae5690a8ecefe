#!/usr/bin/env python3
"""Second reader of chip files, written from docs/chip-format.md alone. usage: read_chip.py ROMA FILE.chip...
Reads every file and compares each value with `ROMA chip FILE --json`, and each mark with what `--all` prints."""
import json
import os
import re
import subprocess
import sys

BUILTIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "chips")


def read(path, depth=0):
    """section.key -> (value as text, low, high, quality, source)"""
    assert depth <= 4, "like chain"
    entries, own, section, seen = {}, {}, None, set()
    with open(path, "rb") as f:
        text = f.read().decode("ascii")
    for line in text.replace("\r\n", "\n").split("\n"):
        line = line.strip(" \t")
        assert len(line) <= 1000
        if not line or line[0] == ";":
            continue
        if line[0] == "[":
            section = re.fullmatch(r"\[[ \t]*(\w+)[ \t]*\]", line).group(1)
            continue
        key, rest = (t.strip(" \t") for t in line.split("=", 1))
        if section is None:
            assert key in ("title", "like") and key not in seen, line
            seen.add(key)
            if key == "like":
                shipped = os.path.join(BUILTIN, rest + ".chip")
                entries = read(shipped if os.path.exists(shipped) else os.path.join(os.path.dirname(path), rest + ".chip"), depth + 1)
            continue
        value, note = rest.split("#", 1)
        value, bounds = re.fullmatch(r"\s*(\S+)\s*\[(.*)\]\s*", value).groups()
        quality, source = (t.strip(" \t") for t in note.split(":", 1))
        assert quality in ("stated", "derived", "calibrated", "assumed", "measured") and source, line
        low, high = (None, None) if bounds.strip() == "exact" else (float(t) for t in bounds.split(".."))
        name = section + "." + key
        assert name not in own, line
        own[name] = (value, low, high, quality, source)
    entries.update(own)
    return entries


def main(roma, files):
    for path in files:
        mine = read(path)
        its = json.loads(subprocess.run([roma, "chip", path, "--json"], check=True, capture_output=True).stdout)
        text = subprocess.run([roma, "chip", path, "--all"], check=True, capture_output=True).stdout.decode()
        for other in ("name", "title", "model", "note", "rom_words", "fits_rom", "fits_sram", "tokens", "tokens_paper", "limited_by", "warnings", "units"): its.pop(other)
        assert set(its) == set(mine), set(its) ^ set(mine)
        for name, (value, low, high, quality, source) in mine.items():
            got = its[name]
            assert got == value if isinstance(got, str) else got == float(value), (path, name, got, value)
            assert low is None or low <= float(value) <= high, (path, name)
            part = text[text.index("\n[%s]\n" % name.split(".")[0]):]
            shown = re.search(r"\n  %s +\S+  \[([^]]*)\].*\n      .*\n      %s: (.*)\n" % (name.split(".")[1], quality), part)
            assert shown and shown.group(2) == source, (path, name, shown and shown.groups())
            bounds = shown.group(1).split("..")
            assert (shown.group(1) == "exact") == (low is None or low == high), (path, name)
            assert low is None or low == high or [float(t) for t in bounds] == [low, high], (path, name)
        print("%s: %d parameters agree" % (path, len(mine)))


if __name__ == "__main__": main(sys.argv[1], sys.argv[2:])
