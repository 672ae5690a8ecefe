#!/usr/bin/env python3
"""Runs the decks of a folder on rom.gds in KLayout's batch mode and prints what they found, rule by rule.

usage: signoff.py DECKS DIR     DIR as layout.py writes it; exit code 0 clean, 1 not, 2 bad input

A folder is searched to any depth. A folder with main.drc and tail.drc is one deck in parts, which is joined as its own runner joins them, without the parts for
whole chips (antenna, density) and those for another mode (split); every other *.drc is a deck. *.lvs that no other includes are run against rom.cdl."""
import glob
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

SWITCHES = {"run_mode": "flat", "thr": "1", "feol": "true", "beol": "true", "offgrid": "true", "conn_drc": "true", "wedge": "true", "ball": "true", "gold": "true",
            "slow_via": "true", "split_deep": "false", "verbose": "false", "metal_top": "9K", "metal_level": "5LM", "mim_option": "B", "table_name": "main",
            "lvs_sub": "gnd", "spice_net_names": "true", "spice_comments": "false", "scale": "false", "schematic_simplify": "false"}


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def joined(at, names, path):
    """Writes the parts of a deck as one; the layers that the first part includes are named by their full path."""
    parts = [n for n in names if not re.search(r"antenna|density|split|^main|^tail|^layers_def", n)]
    whole = "".join(text_of(os.path.join(at, n)) for n in ["main.drc", *parts, "tail.drc"])
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(r"(?m)^# %include (.*)$", lambda m: "# %include " + os.path.abspath(os.path.join(at, m.group(1))), whole))
    return path


def decks(folder, work):
    """[(name, path)] of what is to be run."""
    found = []
    for at, _, names in sorted(os.walk(folder)):
        drc = sorted(n for n in names if n.endswith(".drc"))
        if {"main.drc", "tail.drc"} <= set(drc):
            found.append((os.path.relpath(at, folder), joined(at, drc, os.path.join(work, "joined.drc"))))
        else:
            found += [(n, os.path.join(at, n)) for n in drc]
        found += [(n, os.path.join(at, n)) for n in sorted(names) if n.endswith(".lvs") and "report_lvs" in text_of(os.path.join(at, n))]
    return found


def top_cell(path):
    """The style: the name of layout and netlist alike."""
    return re.search(r"(?m)^\.SUBCKT (\w+)", text_of(path)).group(1)


def run(deck, folder, work):
    """(log, report) of KLayout with this deck."""
    report = os.path.join(work, os.path.basename(deck) + (".lvsdb" if deck.endswith(".lvs") else ".lyrdb"))
    given = dict(SWITCHES, input=os.path.abspath(os.path.join(folder, "rom.gds")), report=os.path.abspath(report),
                 topcell=top_cell(os.path.join(folder, "rom.cdl")), schematic=os.path.abspath(os.path.join(folder, "rom.cdl")), target_netlist=os.path.abspath(report + ".cir"))
    command = ["klayout", "-b", "-r", deck] + [w for k, v in given.items() for w in ("-rd", f"{k}={v}")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    with open(report + ".log", "w", encoding="utf-8") as file:
        file.write(done.stdout + done.stderr)
    return done.returncode, done.stdout + done.stderr, report


def violations(report):
    """[(rule, count)] of a KLayout report, in its order; rules that found nothing are in it too."""
    root = xml.parse(report).getroot()
    count = {c.findtext("name"): 0 for c in root.iter("category") if c.find("name") is not None}
    for item in root.iter("item"):
        count[item.findtext("category").strip("'")] += 1
    return list(count.items())


def main(folder, where):
    for path, what in ((folder, "a folder of decks"), (os.path.join(where, "rom.gds"), "a layout; `make layout` writes one")):
        if not os.path.exists(path):
            raise SystemExit(f"signoff: '{path}' is not there: it must be {what}")
    work = os.path.join(where, "signoff")
    os.makedirs(work, exist_ok=True)
    for old in glob.glob(os.path.join(work, "*")):
        os.remove(old)
    found, bad = decks(folder, work), 0
    if not found:
        raise SystemExit(f"signoff: no *.drc or *.lvs in '{folder}'")
    for name, deck in found:
        code, log, report = run(deck, where, work)
        if deck.endswith(".lvs"):
            match = code == 0 and re.search(r"Netlists match", log)
            bad += not match
            print(f"{name}: {'netlists match' if match else 'NETLISTS DO NOT MATCH'}; {report}")
            continue
        if code or not os.path.exists(report):
            bad += 1
            print(f"{name}: KLayout failed with {code}; {report}.log")
            continue
        rules = violations(report)
        broken = [(rule, n) for rule, n in rules if n]
        bad += len(broken)
        for rule, n in rules:
            print(f"  {rule:<24} {n or 'ok'}")
        print(f"{name}: {len(rules)} rules, {len(broken)} broken{': ' + ' '.join(r for r, _ in broken) if broken else ''}; {report}")
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        sys.exit(2)
    try:
        sys.exit(main(*sys.argv[1:]))
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
            sys.exit(2)
        raise
