#!/usr/bin/env python3
"""Masks against a second computation: random grammars, and for every token of a vocabulary whether any text of the grammar
begins with the text so far and the token. That is decided here by an Earley parser over characters, which knows nothing
of automata or bytes: a character that is not whole can come when one of its class is spelt so.

usage: check_masks.py build/tests/constrain/constrain_lines [GRAMMARS]"""
import random
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
from lines import Lines, hexed  # noqa: E402

ALPHABET = 'abc" é€è😀\\\n'
WORDS = ["abc", "ab", "aa", "ba", "bc", "cab", "é", "éa", "aé", "€", "è€", "😀", '"a', 'a"', ' a', "a b", "bb", "\\n", "a\n",
         b"\xe2\x82", b"\x82\xac", b"a\xc3", b"\xa9b", b"\xf0\x9f", b"\x98\x80", "cc", "aaaa", "cca", b"\xff\xff"]  # longer ones before their beginnings too; behind "cc" stand the bytes that make it "cca"

# ---- grammars: ("text", s), ("class", ranges, negated), ("any",), ("seq", [..]), ("or", [..]), ("rep", x, least, most), ("rule", name)


def random_node(r, rules, depth):
    kind = r.random()
    if depth <= 0 or kind < 0.3:
        return ("text", "".join(r.choice(ALPHABET) for _ in range(r.choice([0, 1, 1, 1, 2, 3]))))
    if kind < 0.42:
        ranges = []
        for _ in range(r.randint(1, 3)):
            a, b = sorted([r.choice(ALPHABET), r.choice(ALPHABET)])
            ranges.append((a, b) if r.random() < 0.4 else (a, a))
        return ("class", ranges, r.random() < 0.3)
    if kind < 0.45:
        return ("any",)
    if kind < 0.60:
        return ("rule", r.choice(rules))
    if kind < 0.75:
        least = r.choice([0, 0, 1, 2])
        most = r.choice([None, 1, least + 1, least + 2])
        if most is not None and most < least:
            most = least
        return ("rep", random_node(r, rules, depth - 1), least, most)
    return ("seq" if kind < 0.88 else "or", [random_node(r, rules, depth - 1) for _ in range(r.randint(1, 3))])


def spell_char(c, in_class):
    if c == "\n":
        return "\\n"
    if c in '"\\[]^-' if in_class else c in '"\\':
        return "\\" + c if c in '"\\[]' else c if c == '"' else f"\\x{ord(c):02x}"
    return c


def spell(node, top=False):
    kind = node[0]
    if kind == "text":
        return '"' + "".join(spell_char(c, False) for c in node[1]) + '"'
    if kind == "class":
        body = "".join(spell_char(a, True) + ("-" + spell_char(b, True) if a != b else "") for a, b in node[1])
        return "[" + ("^" if node[2] else "") + body + "]"
    if kind == "any":
        return "."
    if kind == "rule":
        return node[1]
    if kind == "rep":
        least, most = node[2], node[3]
        sign = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
        if not sign:
            sign = "{%d,%s}" % (least, "" if most is None else most) if least != most else "{%d}" % least
        return "(" + spell(node[1]) + ")" + sign
    text = (" " if kind == "seq" else " | ").join(spell(n) for n in node[1])
    return text if top else "(" + text + ")"


# ---- plain rules: name -> list of alternatives, each a list of ("class", ranges) and ("rule", name)


def plain(grammar):
    rules = {}

    def name_of(node):
        name = ("node", len(rules))
        rules[name] = None
        kind = node[0]
        if kind == "text":
            rules[name] = [[("class", ((ord(c), ord(c)),)) for c in node[1]]]
        elif kind == "class":
            ranges = sorted((ord(a), ord(b)) for a, b in node[1])
            if node[2]:
                free, at = [], 0
                for a, b in ranges:
                    if a > at:
                        free.append((at, a - 1))
                    at = max(at, b + 1)
                ranges = free + [(at, 0x10FFFF)]
            rules[name] = [[("class", tuple(ranges))]]
        elif kind == "any":
            rules[name] = [[("class", ((0, 0x10FFFF),))]]
        elif kind == "rule":
            rules[name] = [[("rule", node[1])]]
        elif kind == "seq":
            rules[name] = [[("rule", name_of(n)) for n in node[1]]]
        elif kind == "or":
            rules[name] = [[("rule", name_of(n))] for n in node[1]]
        else:
            item, least, most = ("rule", name_of(node[1])), node[2], node[3]
            if most is None:
                more = ("node", len(rules), "more")
                rules[more] = [[], [item, ("rule", more)]]
                rules[name] = [[item] * least + [("rule", more)]]
            else:
                rules[name] = [[item] * n for n in range(least, most + 1)]
        return name

    for rule, node in grammar.items():
        rules[rule] = [[("rule", name_of(node))]]
    return rules


def fixpoint(rules, good):
    """Names of which some alternative's symbols all are good."""
    names = set()
    while True:
        more = {n for n, alts in rules.items() if n not in names and any(all(good(s, names) for s in alt) for alt in alts)}
        if not more:
            return names
        names |= more


def begins_with_itself(rules, nullable):
    first = {n: {s[1] for alt in alts for i, s in enumerate(alt) if s[0] == "rule" and
                 all(t[0] == "rule" and t[1] in nullable for t in alt[:i])} for n, alts in rules.items()}
    for start in (n for n in rules if isinstance(n, str)):  # a star of what may be empty is none
        seen, todo = set(), list(first[start])
        while todo:
            n = todo.pop()
            if n == start:
                return True
            if n not in seen:
                seen.add(n)
                todo += first[n]
    return False


# ---- Earley


class Earley:
    def __init__(self, rules):
        self.nullable = fixpoint(rules, lambda s, names: s[0] == "rule" and s[1] in names)
        self.left = begins_with_itself(rules, self.nullable)
        self.productive = fixpoint(rules, lambda s, names: s[0] == "class" or s[1] in names)
        self.rules = {n: [alt for alt in alts if all(s[0] == "class" or s[1] in self.productive for s in alt)]
                      for n, alts in rules.items() if n in self.productive}
        self.sets = []

    def begin(self):
        self.sets = []
        self.fill({("root", tuple(alt), 0, 0) for alt in self.rules["root"]})

    def fill(self, items):
        """Completes and predicts; items: (name, alternative, dot, origin)."""
        here, todo, at = set(items), list(items), len(self.sets)
        self.sets.append(here)

        def add(item):
            if item not in here:
                here.add(item)
                todo.append(item)
        while todo:
            name, alt, dot, origin = todo.pop()
            if dot == len(alt):
                for n, a, d, o in list(self.sets[origin]):
                    if d < len(a) and a[d] == ("rule", name):
                        add((n, a, d + 1, o))
            elif alt[dot][0] == "rule":
                for a in self.rules[alt[dot][1]]:
                    add((alt[dot][1], tuple(a), 0, at))
                if alt[dot][1] in self.nullable:
                    add((name, alt, dot + 1, origin))
                # what completed here before this was predicted
                for n, a, d, o in list(here):
                    if d == len(a) and o == at and ("rule", n) == alt[dot]:
                        add((name, alt, dot + 1, origin))

    def takes(self, lo, hi):
        """Items of the last set whose next class has a character of lo..hi."""
        return {(n, a, d + 1, o) for n, a, d, o in self.sets[-1] if d < len(a) and a[d][0] == "class" and
                any(x <= hi and lo <= y for x, y in a[d][1])}

    def whole(self):
        return any(n == "root" and d == len(a) and o == 0 for n, a, d, o in self.sets[-1])

    def feed(self, data):
        """Bytes behind the last whole character: what of them is left when all whole ones are fed; None: none can come."""
        while data:
            n = 1 if data[0] < 0x80 else 2 if data[0] < 0xE0 else 3 if data[0] < 0xF0 else 4
            try:
                c = ord(data[:n].decode())
            except UnicodeDecodeError:
                return data if self.begins(data, n) else None
            items = self.takes(c, c)
            if not items:
                return None
            self.fill(items)
            data = data[n:]
        return data

    def begins(self, data, n):
        """Whether a character that can come is spelt with these first bytes."""
        if len(data) >= n:
            return False
        first, last = None, None
        for pad in (b"\x80", b"\xbf"):
            # the least and the largest character with these bytes, over the holes of UTF-8
            c = data[0] & (0x7F >> n)
            for b in data[1:]:
                if b & 0xC0 != 0x80:
                    return False
                c = c << 6 | b & 0x3F
            for _ in range(n - len(data)):
                c = c << 6 | pad[0] & 0x3F
            first, last = (c, last) if pad == b"\x80" else (first, c)
        if data[0] in (0xC0, 0xC1) or data[0] > 0xF4 or data[0] < 0xC0:
            return False
        first = max(first, {2: 0x80, 3: 0x800, 4: 0x10000}[n])
        last = min(last, 0x10FFFF)
        parts = [(first, min(last, 0xD7FF)), (max(first, 0xE000), last)]
        return any(lo <= hi and self.takes(lo, hi) for lo, hi in parts)


def check(p, r, tokens, counts):
    names = ["root"] + ["r%d" % i for i in range(r.randint(0, 3))]
    grammar = {n: random_node(r, names, 4) for n in names}
    text = "".join(f"{n} ::= {spell(node, True)}\n" for n, node in grammar.items())
    e = Earley(plain(grammar))
    answer = p.grammar(text)
    if e.left or "root" not in e.productive:
        assert answer.startswith("no -1 "), (text, answer)
        assert ("begins with itself" in answer) == e.left, (text, answer)
        counts["refused"] += 1
        return
    assert answer.startswith("ok"), (text, answer)
    assert p.ask("B 0") == "ok", text
    e.begin()
    left = b""
    for _ in range(10):
        allowed, n = p.mask(), len(e.sets)
        want = {256} if e.whole() and not left else set()
        for i, t in enumerate(tokens):
            if t is None:
                continue
            if e.feed(left + t) is not None:
                want.add(i)
            del e.sets[n:]
        if not isinstance(allowed, set):
            # more than 256 places at once: refused, and said so (docs/constrain.md)
            assert allowed.startswith("no -3 the grammar lets the text be read in too many ways"), (text, allowed)
            counts["ambiguous"] += 1
            break
        assert allowed == want, (text, left, "too much", allowed - want, "too little", want - allowed)
        counts["masks"] += 1
        counts["allowed"] += len(want)
        may = sorted(want - {256})
        if not may:
            break
        pick = r.choice(may)
        answer = p.ask(f"A {pick}")
        if answer.startswith("no -3"):
            counts["ambiguous"] += 1
            break
        left = e.feed(left + tokens[pick])
        whole = e.whole() and not left
        assert answer.split()[:2] == ["ok", str(int(whole))], (text, answer, whole)


def main():
    p, n = Lines(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 300
    words = [w if isinstance(w, bytes) else w.encode() for w in WORDS]
    tokens = [bytes([i]) for i in range(256)] + [None] + words
    assert p.ask("V " + " ".join(hexed(w) for w in words)) == f"ok {len(tokens)}"
    counts = {"refused": 0, "masks": 0, "allowed": 0, "ambiguous": 0}
    for seed in range(n):
        try:
            check(p, random.Random(seed), tokens, counts)
        except AssertionError:
            print("grammar of seed", seed)
            raise
    assert counts["masks"] > 2 * n and counts["refused"] > n // 50 and counts["ambiguous"] < n // 25 + 2, counts
    print(f"{n} random grammars, {counts['refused']} refused as they must be; {counts['masks']} masks equal to the second "
          f"computation's, {counts['allowed']} tokens allowed; {counts['ambiguous']} grammars too ambiguous")


main()
