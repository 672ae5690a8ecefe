#!/usr/bin/env python3
"""usage: tests/words.py [--fault]

Holds what pages and comments name to what is there:
 - a path of the tree (src/exec/step.c) exists, and so does a file that a comment of C names alone (share.c);
 - a name of ours (roma_exec_step, ROMA_OPS; roma_batch_* for a beginning) stands in the code;
 - a section (docs/numerics.md 5.10) is one of its page;
 - what a page links to is there, and so is the heading behind a '#';
 - every room of layers.txt is in ARCHITECTURE.md's table, every page of docs in README.md's;
 - `file: function, function`, as docs/one-token.md and docs/extending.md have it, are functions or tables of that file.
What CHANGELOG.md says was true once. A word in capitals in a path (src/map/FAMILY.c) is a place to fill in.
With --fault it must see a fault of each kind that is planted in a copy of the texts.
"""
import glob
import os
import re
import subprocess
import sys

os.chdir(os.path.dirname(os.path.abspath(__file__)) + "/..")
FOLDERS = sorted(d for d in os.listdir(".") if os.path.isdir(d) and not d.startswith((".", "build")))
PATH = re.compile(r"(?<![\w/.$<\"{}@-])(?:%s)/[\w.*+-]+(?:/[\w.*+-]+)*" % "|".join(FOLDERS))
ALONE = re.compile(r"(?<![\w/.*-])[a-z][a-z0-9_]*\.[ch]\b")
NAME = re.compile(r"\b(?:roma_[a-z0-9_]+|ROMA_[A-Z0-9_]+)\b\*?")
LINK = re.compile(r"\]\(([^)\s:]+)\)")
PLACED = re.compile(r"((?:%s)/[\w./-]+\.(?:c|h|py|sh)): (\w+(?:, \w+(?![\w/.]))*)" % "|".join(FOLDERS))
SECTION = re.compile(r"(docs/[\w-]+\.md),? (?:sections? )?(\d+(?:\.\d+)*)\b")
MAPS = ("docs/one-token.md", "docs/extending.md")  # pages that say `file: function`
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\])*\"", re.S)


def files():
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], text=True).split("\n")
    return [f for f in listed if f and os.path.isfile(f)]


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


class Tree:
    def __init__(self):
        self.files = files()
        self.at = set(self.files) | {os.path.dirname(f)[:i] for f in self.files for i in ends(os.path.dirname(f))}
        self.alone = {os.path.basename(f) for f in self.files}
        self.code, self.names = {}, set()
        for f in self.files:
            if f.endswith((".c", ".h")):
                self.code[f] = COMMENT.sub(lambda m: m[0] if m[0][0] == '"' else " ", read(f))
                self.names.update(re.findall(r"\b(?:roma_|ROMA_)\w+", self.code[f]))
            elif f in ("Makefile", "test", "demo") or f.endswith((".sh", ".py", ".v", ".cpp")) and "words.py" not in f:
                self.names.update(re.findall(r"\b(?:roma_|ROMA_)\w+", read(f)))
        for name in ("ROMA_ROLE", "ROMA_OP"):  # beginnings of names that macros join
            self.names.add(name)
        self.joined = joined("\n".join(self.code.values()))

    def has_path(self, p):
        p = p.rstrip(".").rstrip("/")
        if re.search(r"\b[A-Z]{2,}\b", p.replace("README", "").replace("CHANGELOG", "")) or "planted" in p: return True
        if "*" in p or "+" in p: return bool(glob.glob(p)) or "+" in p
        return p in self.at or p + ".c" in self.at or p.endswith(".new")  # a test or helper by its program's name

    def has_section(self, page, number):
        """A heading or a row of a table that begins with the number; 4.2 is also step 2 of section 4."""
        if page not in self.at: return True
        text, (first, _, step) = read(page), number.partition(".")
        begins = lambda n: re.search(r"(?m)^(?:#+ |\| |\*\*)%s\b" % re.escape(n), text)
        return bool(begins(number) or (begins(first) and step and re.search(r"(?m)^%s\. " % step, text)))

    def has_link(self, page, link):
        """A file or folder beside the page, and of a page the heading, by the anchor that GitHub makes of it."""
        path, _, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if target not in self.at: return False
        headings = re.findall(r"(?m)^#+ (.*)$", read(target)) if anchor and target.endswith(".md") else []
        return not headings or anchor in [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings]

    def has_name(self, n):
        if n.endswith("*") or n.endswith("_"):
            begin = n.rstrip("*")
            return any(m.startswith(begin) for m in self.names | self.joined)
        return n in self.names or n in self.joined or any(m.startswith(n + "_") for m in self.names | self.joined)

    def has_function(self, path, name):
        """A definition that begins a line, a macro, a table, a type, or a function of a script; a declaration in a header alone."""
        text = self.code.get(path) or (read(path) if path in self.at else "")
        begins = r"(?m)^(?:[A-Za-z}][\w* ]*[ *]|def )?%s(?:\[.*| = [\[{].*|\(.*)$" % name
        made = r"(?m)^#define %s\b|^\} %s;|^typedef .*\b%s;" % (name, name, name)
        found = [m[0] for m in re.finditer(begins, text)]
        return bool(re.search(made, text)) or any(path.endswith(".h") or not m.endswith(";") or "{" in m for m in found)


def ends(folder):
    return [m.start() for m in re.finditer("/", folder)] + [len(folder)]


def joined(code):
    """Names that the X-macros make: ROMA_OP_##name over the rows of a list."""
    made = set()
    rows = set(re.findall(r"\bX\(\s*(\w+)", code))
    for begin in set(re.findall(r"\b(ROMA_\w*_|ROMA_|roma_\w+_)##", code)):
        made.update(begin + r for r in rows)
    made.update(re.findall(r"\b(roma_\w+?_)##", code))
    for stem in set(re.findall(r"\b(roma_\w+_)##isa", code)):
        made.update(stem + isa for isa in ("c", "avx2", "avx512", "avxvnni", "neon"))
    return made


def words_of(path, text):
    """What a reader reads: pages whole, of C the comments, of scripts everything."""
    if not path.endswith((".c", ".h")): return text
    return "\n".join(m[0] for m in COMMENT.finditer(text) if m[0][0] != '"')


def texts(tree):
    for f in tree.files:
        if f in ("CHANGELOG.md", "tests/words.py", "tests/check.sh"): continue  # history; planted faults
        if f.endswith((".md", ".1", ".c", ".h", ".sh", ".py", ".txt", ".chip")) or f in ("Makefile", "test", "demo"):
            yield f, words_of(f, read(f))


def faults(tree, all_texts):
    for f, text in all_texts:
        for p in sorted(set(PATH.findall(text))):
            if not tree.has_path(p): yield f"{f} names {p}, which is not there"
        for link in sorted(set(LINK.findall(text))) if f.endswith(".md") else ():
            if not tree.has_link(f, link): yield f"{f} links to {link}, which is not there"
        if f.endswith((".c", ".h")):
            for p in sorted(set(ALONE.findall(text))):
                if p not in tree.alone: yield f"{f} names {p}, and no file has that name"
        if f.endswith((".md", ".c", ".h")):
            for n in sorted(set(NAME.findall(text))):
                if not tree.has_name(n): yield f"{f} names {n}, which no code has"
        for page, number in sorted(set(SECTION.findall(text))):
            if not tree.has_section(page, number): yield f"{f} names section {number} of {page}, which has none"
        if f in MAPS:
            for path, names in PLACED.findall(text):
                for n in names.split(", ") if path in tree.at else ():
                    if not tree.has_function(path, n): yield f"{f} names {n} of {path}, which has no such function"


def left_out(rooms, architecture, pages, readme):
    for room in re.findall(r"(?m)^([a-z_]+):", rooms):
        if f"| `{room}` |" not in architecture: yield f"ARCHITECTURE.md lacks the room {room}"
    for page in pages:
        if f"({page})" not in readme: yield f"README.md lacks the page {page}"


def main():
    tree = Tree()
    if sys.argv[1:] == ["--fault"]:
        planted = [("src/num/f8.c", "as src/exec/gone.c does"), ("src/num/f8.c", "see vanished.c"), ("docs/memory.md", "`roma_exec_vanish`"), ("src/num/f8.c", "docs/numerics.md 9.1"),
                   ("docs/one-token.md", "src/exec/step.c: roma_sample"), ("README.md", "docs/gone.md"), ("docs/memory.md", "[there](vanished.md)"), ("docs/performance.md", "[there](performance-log.md#vanished)")]
        for f, text in planted:
            if not list(faults(tree, [(f, text)])): sys.exit(f"words: the planted fault was not caught: {f}: {text}")
        if len(list(left_out("gone: base", read("ARCHITECTURE.md"), ["docs/gone.md"], read("README.md")))) != 2: sys.exit("words: a room and a page left out were not seen")
        print(f"words: all {len(planted) + 2} planted faults are caught")
        return
    pages = [f for f in tree.files if re.fullmatch(r"docs/[^/]*\.md", f)]
    found = list(faults(tree, texts(tree))) + list(left_out(read("layers.txt"), read("ARCHITECTURE.md"), pages, read("README.md")))
    for line in found: print("words:", line, file=sys.stderr)
    if found: sys.exit(1)
    print("words: paths, links, files, names and functions that pages and comments name are there")


main()
