#!/usr/bin/env python3
"""The commands that pages show, held to the program: each verb is one, and each option one of that verb's.

usage: test_pages.py ROMA [--fault]    (--fault: sees a wrong option and a wrong verb that are planted)

A command is `roma VERB ...` or `build/roma VERB ...` in a block or between backticks, of README.md and of the pages in docs/ and models/, up to a comment, a pipe or the next command. What CHANGELOG.md says was
true once. Needs Python alone.
"""
import glob
import re
import subprocess
import sys

from shared import ROMA, TOP, check, finish

CODE = re.compile(r"^```\w*\n(.*?)^```|``(.+?)``|`([^`]+)`", re.S | re.M)
COMMAND = re.compile(r"(?<![\w/.-])(?:\./)?(?:build/)?roma (?!-)([a-z-]+)((?:[^\n#|;&`\\]|\\\n)*)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*|-[a-z])(?![\w-])")
SLIPS = {"inspekt"}  # which a page shows being refused
PLANTED = "`roma run m.roma --temprature 1` and `roma rnu m.roma`"


def help_of(*words):
    return subprocess.run([ROMA, *words], capture_output=True, text=True, check=True).stdout


def options_of(verb):
    """Hidden ones too, such as --words; those that the help lacks are named in the table of the program."""
    has = {"--help", "-h", "--words"}
    for line in help_of(verb, "--words").splitlines():
        letter, name, _, _ = line.split("\t")
        has |= {"-" + letter} if letter else set()
        has |= {"--" + name} if name else set()
    return has


def commands(text):
    for code in CODE.finditer(text):
        body = code[1] or code[2] or code[3]
        for c in COMMAND.finditer(body):
            yield c[1], re.sub(r"\"[^\"]*\"|'[^']*'", "''", c[2]), text.count("\n", 0, code.start()) + 1


def wrong_in(text, verbs):
    for verb, rest, line in commands(text):
        if verb in SLIPS:
            continue
        if verb not in verbs:
            yield line, "there is no verb %s" % verb
            continue
        for option in OPTION.findall(rest):
            if option not in verbs[verb]:
                yield line, "roma %s has no %s" % (verb, option)


verbs = {v: options_of(v) for v in re.findall(r"^  ([a-z-]+)  ", help_of("--help"), re.M)}
verbs["help"] = set()
if "--fault" in sys.argv:
    check(len(list(wrong_in(PLANTED, verbs))) == 2, "the planted faults are not seen")
    finish()
pages = [TOP + "/README.md", TOP + "/ARCHITECTURE.md", TOP + "/CONTRIBUTING.md", TOP + "/SECURITY.md", *glob.glob(TOP + "/docs/*.md"), *glob.glob(TOP + "/models/*/*.md"), *glob.glob(TOP + "/tests/*/*.md")]
seen = 0
for page in sorted(pages):
    with open(page, encoding="utf-8") as f:
        text = f.read()
    seen += sum(1 for _ in commands(text))
    faults = list(wrong_in(text, verbs))
    check(not faults, "%s: %s" % (page[len(TOP) + 1:], faults))
check(seen > 200, "only %d commands were found" % seen)
finish("%d commands" % seen)
