#!/usr/bin/env python3
"""Makes case_tables.c: upper and lower case and what repr() prints as it is, from this Python's Unicode tables.

usage: gen_case.py >case_tables.c"""
import sys
import unicodedata


def runs(change, wanted):
    """(first, last, step, delta) of the wanted characters that become one."""
    out = []
    for c in range(0x110000):
        if 0xd800 <= c < 0xe000 or not wanted(chr(c)) or len(to := change(chr(c))) != 1:
            continue
        delta = ord(to) - c
        for i in (-1, -2):
            if len(out) >= -i and out[i][3] == delta and (c - out[i][1] == out[i][2] or (out[i][0] == out[i][1] and 0 < c - out[i][1] <= 2)):
                first, last, _, _ = out[i]
                out[i] = (first, c, c - last, delta)
                break
        else:
            out.append((c, c, 1, delta))
    return out


def several(change, wanted):
    """The wanted characters that become two or three."""
    return [(c, [ord(x) for x in to]) for c in range(0x110000) if not 0xd800 <= c < 0xe000 and wanted(chr(c)) and len(to := change(chr(c))) > 1]


def table(name, kind, rows):
    print(f"const {kind} {name}[] = {{")
    line = "   "
    for row in rows:
        if len(line) + len(row) > 116:
            print(line)
            line = "   "
        line += " " + row + ","
    print(line + "\n};")
    print(f"const size_t roma_template_n_{name.split('roma_template_')[1]} = sizeof {name} / sizeof *{name};")


def main():
    print(f"/* Made by gen_case.py from Unicode {unicodedata.unidata_version}. */\n#include \"template/case.h\"\n\n// clang-format off")
    for name, change, wanted in (("lower", str.lower, lambda c: c.lower() != c), ("upper", str.upper, lambda c: c.upper() != c),
                                 ("title", str.title, lambda c: c.title() != c.upper())):
        found = runs(change, wanted)
        table(f"roma_template_{name}", "tm_case_run", [f"{{{a}, {b}, {s}, {d}}}" for a, b, s, d in found])
        table(f"roma_template_{name}_more", "tm_case_more",
              [f"{{{c}, {{{', '.join(map(str, to))}}}}}" for c, to in several(change, wanted)])
    hidden, c = [], 0
    while c < 0x110000:
        if chr(c).isprintable():
            c += 1
            continue
        first = c
        while c < 0x110000 and not chr(c).isprintable():
            c += 1
        hidden.append((first, c - 1))
    table("roma_template_hidden", "tm_hidden", [f"{{{a}, {b}}}" for a, b in hidden])
    print("// clang-format on")


sys.exit(main())
