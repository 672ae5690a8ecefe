#!/usr/bin/env python3
"""usage: tests/serve/check_page.py [--fault]

Holds the files of the server's page to what needs no browser: sizes; no address but its own; markup that is well-formed, with unique ids, a label for
each field and a name for each button; no script, style or handler in the markup, and no way from a text to markup in the scripts; contrast of each pair
of colours in both schemes. With --fault it must see a fault of each kind that is planted in a copy. What needs a browser is in page_check.py.
"""
import html.parser
import os
import re
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/serve/page")
MOST = 60000  # bytes of all files
VOID = {"meta", "link", "input", "br", "img", "hr"}
# Ink on ground, as page.css pairs them: text 4.5, and what is no text (edges, focus, units of the die) 3, as WCAG 2 has it for level AA.
TEXT = [("ink", "ground"), ("ink", "panel"), ("ink", "user"), ("ink", "code"), ("faint", "ground"), ("faint", "panel"), ("accent", "panel"),
        ("on-accent", "accent"), ("bad", "bad-ground")]
SHAPES = [("edge", "ground"), ("edge", "panel"), ("accent", "ground"), ("l", "tile"), ("h", "tile"), ("v", "tile"), ("l", "panel"), ("h", "panel"), ("v", "panel")]


class Page(html.parser.HTMLParser):
    def __init__(self, say):
        super().__init__()
        self.say, self.open, self.ids, self.fields, self.labels, self.named, self.points, self.tags = say, [], [], [], set(), [], [], set()

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.tags.add(tag)
        if len(a) != len(attributes): self.say("an attribute of <%s> occurs twice" % tag)
        if "id" in a: self.ids.append(a["id"])
        for key in a:
            if key.startswith("on") or key == "style": self.say("<%s> has the attribute %s, which the policy forbids" % (tag, key))
        for key in ("aria-labelledby", "aria-describedby", "for"):
            self.points += [(key, i) for i in (a.get(key) or "").split()]
        if tag == "label": self.labels.add(a.get("for"))
        if tag in ("input", "select", "textarea"): self.fields.append(a.get("id"))
        if tag in ("button", "summary", "nav", "main", "aside", "section", "svg"):
            name = a.get("aria-label") or a.get("aria-labelledby") or ("hidden" if a.get("aria-hidden") == "true" else "")
            self.named.append([tag, a.get("id"), name, ""])
        if tag == "script" and not a.get("src"): self.say("a script stands in the markup")
        if tag == "button" and a.get("type") not in ("button", "submit"): self.say("a button without a type")
        if tag not in VOID: self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag: self.say("</%s> closes what is not open" % tag)

    def handle_data(self, text):
        if self.open and self.open[-1] in ("button", "summary"): self.named[-1][3] += text.strip()
        if self.open and self.open[-1] == "style": self.say("a style stands in the markup")

    def end(self):
        if self.open: self.say("not closed: " + " ".join(self.open))
        for i in sorted({i for i in self.ids if self.ids.count(i) > 1}): self.say("the id %s occurs twice" % i)
        for f in self.fields:
            if f not in self.labels: self.say("the field %s has no label" % f)
        for key, i in self.points:
            if i not in self.ids: self.say("%s names %s, which is no id" % (key, i))
        for tag, i, name, text in self.named:
            if not name and not (tag in ("button", "summary") and text): self.say("<%s id=%s> has no name" % (tag, i))
        for tag in ("title", "h1", "main"):
            if tag not in self.tags: self.say("no <%s>" % tag)


def check_html(text, scripts, say):
    p = Page(say)
    p.feed(text)
    p.close()
    p.end()
    for what in ('<!doctype html>', '<html lang="en">', 'name="viewport"', 'role="log"', 'role="status"'):
        if what not in text: say("no %s in the markup" % what)
    made = set(re.findall(r'id: "([\w-]+)"', scripts))
    for i in sorted(set(re.findall(r'\$\("([\w-]+)"\)', scripts)) - set(p.ids) - made): say("the scripts ask for the id %s" % i)


def check_script(name, text, say):
    for bad in (r"\b(?:inner|outer)HTML\b", r"insertAdjacentHTML", r"document\.write", r"\beval\b", r"\bFunction\(", r"DOMParser", r"srcdoc", r"javascript:",
                r"createContextualFragment", r"setHTML", r"set(?:Timeout|Interval)\(\s*[\"'`]"):
        if re.search(bad, text): say("%s: %s makes markup or code of a text" % (name, bad))


def check_addresses(name, text, say):
    text = text.replace("http://www.w3.org/2000/svg", "")
    for found in re.findall(r"(?:https?:|wss?:)?//[\w.-]+\.\w+|url\([^)]*\)|@import[^;]*", text): say("%s: %s is an address" % (name, found))
    for found in re.findall(r'(?:href|src)="([^"]*)"', text):
        if not re.match(r"(?:page/[\w.]+|#\w+|data:,)$", found): say("%s: %s is no file of the page" % (name, found))


def luminance(colour):
    v = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    v = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in v]
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]


def contrast(a, b):
    x, y = sorted((luminance(a), luminance(b)))
    return (y + 0.05) / (x + 0.05)


def schemes(css):
    """Custom properties of the light scheme and, over them, of the dark one."""
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", m)) for m in re.findall(r":root \{(.*?)\}", css, re.S)[:2])
    return {"light": light, "dark": {**light, **dark}}, dark


def check_css(css, say):
    both, dark = schemes(css)
    least = {}
    for scheme, c in both.items():
        for pairs, needs in ((TEXT, 4.5), (SHAPES, 3.0)):
            for ink, ground in pairs:
                ratio = contrast(c[ink], c[ground])
                least[scheme, needs] = min(least.get((scheme, needs), 99), ratio)
                if ratio < needs: say("%s: --%s on --%s has a contrast of %.2f, less than %.1f" % (scheme, ink, ground, ratio, needs))
        for used in set(re.findall(r"var\(--([\w-]+)\)", css)) - set(c): say("--%s is no colour" % used)
    for name in sorted(set(both["light"]) - set(dark)): say("--%s has no dark colour" % name)
    rest = re.sub(r":root \{.*?\}", "", css, flags=re.S)
    if re.search(r"#[0-9a-f]{3,8}\b(?=[^{}]*;)|\brgba?\(|\bhsl", rest): say("a colour stands outside :root")
    if re.search(r"outline: *(?:none|0)", css): say("the focus is made invisible")
    for part in re.split(r"@media", css):
        if re.search(r"\b(?:transition|animation)\b", part) and "prefers-reduced-motion: no-preference" not in part.split("{")[0]:
            say("something moves whatever the reader prefers")
    return least


def check(files):
    found = []
    say = found.append
    size = sum(len(t.encode()) for t in files.values())
    if size >= MOST: say("%d bytes, more than %d" % (size, MOST))
    scripts = "\n".join(t for n, t in files.items() if n.endswith(".js"))
    check_html(files["index.html"], scripts, say)
    for name, text in files.items():
        check_addresses(name, text, say)
        if name.endswith(".js"): check_script(name, text, say)
    return found, size, check_css(files["page.css"], say)


def read():
    files = {}
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as f:
            files[name] = f.read()
    return files


# File, what is replaced, by what, and a piece of what must be said.
FAULTS = [
    ("index.html", "</form>", "", "closes what is not open"),
    ("index.html", 'id="stop"', 'id="send"', "the id send occurs twice"),
    ("index.html", 'label for="seed"', 'label for="limit"', "the field seed has no label"),
    ("index.html", 'aria-describedby="op"', 'aria-describedby="opp"', "names opp, which is no id"),
    ("index.html", ">Stop</button>", "></button>", "<button id=stop> has no name"),
    ("index.html", '<p id="trouble"', '<p onclick="x()" id="trouble"', "attribute onclick"),
    ("index.html", '<p id="trouble"', '<p style="color: red" id="trouble"', "attribute style"),
    ("index.html", "</body>", "<script>x()</script></body>", "a script stands in the markup"),
    ("index.html", 'href="page/page.css"', 'href="https://example.org/page.css"', "is an address"),
    ("index.html", 'src="page/chat.js"', 'src="chat.js"', "is no file of the page"),
    ("index.html", ' lang="en"', "", "no <html lang"),
    ("index.html", 'id="totals"', 'id="total"', "the id totals"),
    ("page.css", "--faint: #595e64", "--faint: #8a8f95", "less than 4.5"),
    ("page.css", "--edge: #7f858b", "--edge: #3f454b", "less than 3.0"),
    ("page.css", "outline: 3px solid var(--accent)", "outline: none", "focus is made invisible"),
    ("page.css", "(prefers-reduced-motion: no-preference)", "screen", "something moves"),
    ("page.css", "var(--line)", "var(--lime)", "--lime is no colour"),
    ("page.css", ".bar {", ".bar { color: #123456;", "outside :root"),
    ("page.css", ".bar {", ".bar { background: url(//example.org/x);", "is an address"),
    ("text.js", "e.append(...children)", "e.innerHTML = children", "makes markup"),
    ("chat.js", "const stop =", "setTimeout('x()');\nconst stop =", "makes markup or code"),
    ("chip.js", "// ---- figures", "x".ljust(MOST), "bytes, more than"),
]


def main():
    files = read()
    if "--fault" in sys.argv:
        for name, old, new, says in FAULTS:
            if old not in files[name]: sys.exit("check_page: a fault is out of date: %s: %s" % (name, old))
            found, _, _ = check({**files, name: files[name].replace(old, new)})
            if not any(says in f for f in found): sys.exit("check_page: the planted fault was not caught: %s (%s)" % (new[:60], says))
        print("check_page: all %d planted faults are caught" % len(FAULTS))
        return
    found, size, least = check(files)
    for f in found: print("check_page: " + f, file=sys.stderr)
    if found: sys.exit(1)
    print("check_page: %d files, %d bytes; least contrast of text %.2f (light), %.2f (dark), of shapes %.2f, %.2f" %
          (len(files), size, least["light", 4.5], least["dark", 4.5], least["light", 3.0], least["dark", 3.0]))


main()
