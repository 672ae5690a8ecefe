"""Claims that together say of product, quotient and root that they are IEEE's, each about a few cycles of the blocks as they are, with their
registers. docs/hardware.md, "Proofs", has the sentences that join them.
"""
from smt import Claim, at, bits, every, implies, num, same, some, wide

INTERVALS = (1, 2, 3, 4, 6, 12)


def is_one(bit):
    return same(bit, "#b1")


def not_reset(cycles):
    return every("true", *[same(at("reset", t), "#b0") for t in range(cycles)])


def double(sign, exponent, fraction):
    return "(fp %s %s %s)" % (sign, exponent, fraction)


def as_double(x):
    return "((_ to_fp 11 53) RNE ((_ to_fp 8 24) %s))" % x


def rounded(y, value):
    """y is the FP32 number nearest to a value in double precision, ties to even."""
    return same("((_ to_fp 8 24) %s)" % y, "((_ to_fp 8 24) RNE %s)" % value)


def place11(x, width, plus):
    """An exponent of `width` bits, signed, as a double's."""
    return "(bvadd ((_ sign_extend %d) %s) %s)" % (11 - width, x, num(plus, 11))


def is_float(x, test):
    return "(fp.%s ((_ to_fp 8 24) %s))" % (test, x)


class Stations:
    """What quotient and root have in common: stations that make digits, and tokens that walk beside the states."""

    def __init__(self, block, interval, fields):
        self.block, self.interval, self.fields = block, interval, fields

    def claim(self, name, claimed, assumed="true", cycles=1, free=""):
        """./test proves some of one interval."""
        slow = self.interval != (4 if self.block == "roma_fp_div" else 12) or cycles > 2 or name in ["digit %d" % k for k in range(2, 12)]
        return Claim("interval %d: %s" % (self.interval, name), self.block, "INTERVAL %d" % self.interval, claimed, assumed, free, {"s": cycles}, slow)

    def field(self, name, x):
        high, low = self.fields[name]
        return bits(high, low, x)

    def token(self, i, cycle=0):
        return bits(i, i, at("token", cycle))

    def hand_over(self, k):
        """Digit k is made in station i, after p others: what is assumed of the cycle, where the state lies then and one cycle later."""
        i, p = divmod(k, self.interval)
        phase = at("gen_station[%d].phase" % i)
        here = every(not_reset(1), is_one(bits(p, p, phase) if self.interval > 1 else phase))
        if p < self.interval - 1:
            nobody = same(self.token(i), "#b0")
            moved = is_one(bits(p + 1, p + 1, at("gen_station[%d].phase" % i, 1)))
            return every(here, nobody), at("gen_station[%d].state" % i), at("gen_station[%d].state" % i, 1), moved
        if k == 11: return here, at("gen_station[%d].state" % i), None, "true"
        phase = at("gen_station[%d].phase" % (i + 1), 1)
        moved = is_one(bits(0, 0, phase) if self.interval > 1 else phase)
        return here, at("gen_station[%d].state" % i), at("gen_station[%d].state" % (i + 1), 1), moved

    def tokens(self, latency):
        """A token goes to the next station every INTERVAL cycles, so that two of them at one station are as far apart as their starts;
        a result is said to be there when its start was `latency` cycles ago, and at no other time."""
        n = 12 // self.interval
        yield self.claim("done is start, %d cycles later" % latency, same(at("done", latency), at("start")), not_reset(latency), latency)
        yield self.claim("tokens go from station to station", every("true", *[same(self.token(i + 1, self.interval), self.token(i)) for i in range(n)]),
                         not_reset(self.interval), self.interval)


DIV = {"remainder": (112, 89), "quotient": (88, 64), "divisor": (63, 40), "triple": (39, 14), "exponent": (13, 4), "side": (13, 0)}


def quotient_step(s, k):
    """4 R = q D + R' with R' < D, and q is the quotient's next digit."""
    assumed, old, new, moved = s.hand_over(k)
    get = lambda name, x, width: wide(28, width, s.field(name, x))
    r, d, q = get("remainder", old, 24), get("divisor", old, 24), get("quotient", old, 25)
    inductive = every(assumed, "(bvult %s %s)" % (r, d), is_one(bits(23, 23, s.field("divisor", old))),
                      same(get("triple", old, 26), "(bvmul %s %s)" % (num(3, 28), d)), "(bvult %s %s)" % (q, num(1 << (2 * k + 1), 28)))
    if new is None:
        last = at("cut_last.q", 1)
        r1, q1, kept = wide(28, 24, bits(63, 40, last)), wide(28, 25, bits(39, 15, last)), every(
            same(bits(14, 1, last), s.field("side", old)), is_one(bits(0, 0, last)))
    else:
        r1, q1 = get("remainder", new, 24), get("quotient", new, 25)
        kept = same(bits(63, 0, old), bits(63, 0, new))
    digits = some(*[every(same(q1, "(bvadd (bvmul %s %s) %s)" % (num(4, 28), q, num(n, 28))),
                          same("(bvmul %s %s)" % (num(4, 28), r), "(bvadd (bvmul %s %s) %s)" % (num(n, 28), d, r1))) for n in range(4)])
    return s.claim("digit %d" % (k + 1), every(digits, "(bvult %s %s)" % (r1, d), kept, moved), inductive)


def quotient(interval):
    s = Stations("roma_fp_div", interval, DIV)
    yield from s.tokens(16)
    # operands: a = dividend * 2^(exponent - 150), the same of b, and what is no quotient of numbers
    a, b = at("a"), at("b")
    numbers = every(*["(not %s)" % is_float(x, t) for x in (a, b) for t in ("isNaN", "isInfinite", "isZero")])
    normal = lambda x, m, e: every(is_one(bits(23, 23, at(m, 1))), same(as_double(x), double(
        bits(31, 31, x), place11(at(e, 1), 10, 896), "(concat %s %s)" % (bits(22, 0, at(m, 1)), num(0, 29)))),
        "(bvsge %s %s)" % (at(e, 1), num(-22, 10)), "(bvsle %s %s)" % (at(e, 1), num(254, 10)))
    yield s.claim("operands are normalised", every(normal(a, "dividend", "a_exponent"), normal(b, "divisor", "b_exponent")), numbers)
    kind = lambda i: is_one(bits(i, i, at("kind", 1)))
    nan = some(is_float(a, "isNaN"), is_float(b, "isNaN"), every(is_float(a, "isZero"), is_float(b, "isZero")),
               every(is_float(a, "isInfinite"), is_float(b, "isInfinite")))
    yield s.claim("what is no quotient of numbers is known", every(
        same(bits(3, 3, at("kind", 1)), "(bvxor %s %s)" % (bits(31, 31, a), bits(31, 31, b))), same(kind(2), nan),
        implies("(not %s)" % nan, every(same(kind(0), some(is_float(a, "isZero"), is_float(b, "isInfinite"))),
                                        same(kind(1), some(is_float(a, "isInfinite"), is_float(b, "isZero")))))))
    # the first digit is 1, of the dividend or of twice the dividend
    n, d, new = wide(26, 24, at("dividend")), wide(26, 24, at("divisor")), at("gen_station[0].state", 1)
    begins = lambda times, plus: every(same("(bvadd %s %s)" % (wide(26, 24, s.field("remainder", new)), d), "(bvmul %s %s)" % (num(times, 26), n)),
                                       same(s.field("exponent", new), "(bvadd (bvsub %s %s) %s)" % (at("a_exponent"), at("b_exponent"), num(plus, 10))))
    phase = at("gen_station[0].phase", 1)
    yield s.claim("first digit", every(
        some(begins(1, 127), begins(2, 126)), same(s.field("quotient", new), num(1, 25)), same(s.field("divisor", new), at("divisor")),
        "(bvult %s %s)" % (s.field("remainder", new), s.field("divisor", new)), same(s.field("triple", new), "(bvmul %s %s)" % (num(3, 26), d)),
        same(bits(3, 0, new), at("kind")), is_one(bits(0, 0, phase) if interval > 1 else phase)),
        every(not_reset(1), is_one(at("fresh")), is_one(bits(23, 23, at("dividend"))), is_one(bits(23, 23, at("divisor")))))
    for k in range(12): yield quotient_step(s, k)
    # Q + R / D, R / D being any fraction that is 0 with R, is rounded
    last, y = at("cut_last.q"), bits(32, 1, at("cut_y.q", 2))
    kind = lambda i: is_one(bits(1 + i, 1 + i, last))
    place, sign = bits(14, 5, last), bits(4, 4, last)
    value = double(sign, place11(place, 10, 896), "(concat %s f)" % bits(38, 15, last))
    signed = lambda magnitude: same(y, "(concat %s %s)" % (sign, num(magnitude, 31)))
    yield s.claim("rounded", "(ite %s %s (ite %s %s (ite %s %s %s)))" % (
        kind(2), same(y, "#x7fc00000"), kind(0), signed(0), kind(1), signed(0x7F800000), rounded(y, value)),
        every(is_one(bits(39, 39, last)), same("(= f %s)" % num(0, 28), same(bits(63, 40, last), num(0, 24))),
              "(bvsge %s %s)" % (place, num(-150, 10)), "(bvsle %s %s)" % (place, num(403, 10))), 2, "(declare-fun f () (_ BitVec 28))\n")


SQRT = {"remainder": (112, 87), "root": (86, 62), "triple": (61, 35), "digits": (34, 11), "side": (10, 0)}


def root_step(s, k):
    """16 R + d = q (8 Q + q) + R' with R' <= 2 Q', Q' = 4 Q + q: the next digit of the root."""
    assumed, old, new, moved = s.hand_over(k)
    get = lambda name, x, width: wide(34, width, s.field(name, x))
    r, q, t = get("remainder", old, 26), get("root", old, 25), get("triple", old, 27)
    two = lambda x: "(bvmul %s %s)" % (num(2, 34), x)
    three = lambda x: "(bvmul %s %s)" % (num(3, 34), x)
    inductive = every(assumed, "(bvule %s %s)" % (r, two(q)), same(t, three(q)), "(bvult %s %s)" % (q, num(1 << (2 * k + 1), 34)))
    if new is None:
        last = at("cut_last.q", 1)
        r1, q1 = wide(34, 26, bits(62, 37, last)), wide(34, 25, bits(36, 12, last))
        kept = every(same(bits(11, 1, last), s.field("side", old)), is_one(bits(0, 0, last)))
    else:
        r1, q1 = get("remainder", new, 26), get("root", new, 25)
        kept = every(same(s.field("side", old), s.field("side", new)), same(get("triple", new, 27), three(q1)),
                     same(s.field("digits", new), "(concat %s #x0)" % bits(30, 11, old)))
    long = "(bvadd (bvmul %s %s) %s)" % (num(16, 34), r, wide(34, 4, bits(34, 31, old)))
    digits = some(*[every(same(q1, "(bvadd (bvmul %s %s) %s)" % (num(4, 34), q, num(n, 34))),
                          same(long, "(bvadd (bvadd (bvmul %s %s) %s) %s)" % (num(8 * n, 34), q, num(n * n, 34), r1))) for n in range(4)])
    return s.claim("digit %d" % (k + 1), every(digits, "(bvule %s %s)" % (r1, two(q1)), kept, moved), inductive)


def root(interval):
    s = Stations("roma_fp_sqrt", interval, SQRT)
    yield from s.tokens(14)
    # x = (M / 2^24) * 4^(field - 127), M of 26 bits, of which the root's first digit has taken 1
    x, new = at("x"), at("gen_station[0].state", 1)
    side = s.field("side", new)
    number = every(*["(not %s)" % is_float(x, t) for t in ("isNaN", "isInfinite", "isZero", "isNegative")])
    m = "(concat (bvadd %s #b01) %s)" % (bits(1, 0, s.field("remainder", new)), s.field("digits", new))
    top = bits(25, 25, m)
    exponent = "(bvadd (bvmul %s %s) (bvadd %s %s))" % (num(2, 11), wide(11, 8, bits(10, 3, side)), wide(11, 1, top), num(1023 - 254, 11))
    fraction = "(ite %s (concat %s %s) (concat %s %s))" % (is_one(top), bits(24, 0, m), num(0, 27), bits(23, 0, m), num(0, 28))
    phase = at("gen_station[0].phase", 1)
    starts = every(not_reset(1), is_one(at("start")))
    yield s.claim("operand is normalised, first digit", every(
        same(as_double(x), double("#b0", exponent, fraction)), "(bvule %s %s)" % (s.field("remainder", new), num(2, 26)),
        "(bvuge %s #x30)" % bits(10, 3, side), "(bvule %s #xc0)" % bits(10, 3, side), same(bits(1, 0, side), "#b00"), same(bits(2, 2, side), "#b0"),
        same(s.field("root", new), num(1, 25)), same(s.field("triple", new), num(3, 27)), is_one(bits(0, 0, phase) if interval > 1 else phase)),
        every(starts, number))
    nan = some(is_float(x, "isNaN"), every(is_float(x, "isNegative"), "(not %s)" % is_float(x, "isZero")))
    special = some(is_float(x, "isZero"), is_float(x, "isInfinite"))
    yield s.claim("what has no root is known", every(
        same(is_one(bits(1, 1, side)), nan), implies("(not %s)" % nan, every(
            same(is_one(bits(0, 0, side)), special), same(bits(2, 2, side), bits(31, 31, x)),
            implies(special, same(is_one(bits(10, 10, side)), is_float(x, "isInfinite")))))), starts)
    for k in range(12): yield root_step(s, k)
    # the root of M * 2^24 is Q and a fraction, 0 with R
    last, y = at("cut_last.q"), bits(32, 1, at("cut_y.q", 1))
    field = bits(11, 4, last)
    value = double("#b0", "(bvadd %s %s)" % (wide(11, 8, field), num(896, 11)), "(concat %s f)" % bits(35, 12, last))
    signed = "(concat %s (ite %s %s %s))" % (bits(3, 3, last), is_one(bits(11, 11, last)), num(0x7F800000, 31), num(0, 31))
    yield s.claim("rounded", "(ite %s %s (ite %s %s %s))" % (
        is_one(bits(2, 2, last)), same(y, "#x7fc00000"), is_one(bits(1, 1, last)), same(y, signed),
        implies(every(same(bits(3, 3, last), "#b0"), "(bvuge %s #x30)" % field, "(bvule %s #xc0)" % field), rounded(y, value))),
        every(is_one(bits(36, 36, last)), same("(= f %s)" % num(0, 28), same(bits(62, 37, last), num(0, 26)))), 1, "(declare-fun f () (_ BitVec 28))\n")


PRODUCT = "LATENCY 6"  # a register behind every slice


def of_product(name, claimed, assumed="true", runs=None, free="", slow=False):
    return Claim(name, "roma_fp_mul", PRODUCT, claimed, assumed, free, runs, slow)


def add_up(rows, width=48):
    return rows[0] if len(rows) == 1 else "(bvadd %s %s)" % (rows[0], add_up(rows[1:], width))


def zeros_above(name, x, width):
    """`name`, as many bits as x, is the number of zeros above x's first one."""
    shifted = "(bvshl %s %s)" % (x, name)
    return every(is_one(bits(width - 1, width - 1, shifted)), same("(bvlshr %s %s)" % (shifted, name), x))


def zeros_below(name, x):
    shifted = "(bvlshr %s %s)" % (x, name)
    return every(is_one(bits(0, 0, shifted)), same("(bvshl %s %s)" % (shifted, name), x))


def product():
    a, b = at("a"), at("b")
    # the rows are a's mantissa once for every one of b's, the hidden bits' rows apart
    hidden = lambda x: "(ite (= %s #x00) #b0 #b1)" % bits(30, 23, x)
    masked = lambda x, bit: "(ite %s %s %s)" % (is_one(bit), wide(48, 23, bits(22, 0, x)), num(0, 48))
    left = lambda x, i: "(bvshl %s %s)" % (x, num(i, 48))
    row = lambda i: bits(48 * i + 47, 48 * i, at("rows"))
    rows = [same(row(i), left(masked(a, bits(i, i, b)), i)) for i in range(23)]
    rows.append(same(row(23), left(masked(a, hidden(b)), 23)))
    rows.append(same(row(24), "(bvadd %s %s)" % (left(masked(b, hidden(a)), 23), left(wide(48, 1, "(bvand %s %s)" % (hidden(a), hidden(b))), 46))))
    yield of_product("25 rows are the fraction of a for each bit of b, and b for the hidden bit of a", every(*rows))
    # such rows are the product: bit after bit of n, then the hidden bit of the other factor
    two = "(declare-fun m () (_ BitVec 24))\n(declare-fun n () (_ BitVec 24))\n"
    times = lambda x, count: "(bvmul %s %s)" % (x, wide(48, count, bits(count - 1, 0, "n")) if count else num(0, 48))
    m = wide(48, 24, "m")
    for k in range(24):
        one_row = left("(ite %s %s %s)" % (is_one(bits(k, k, "n")), m, num(0, 48)), k)
        yield of_product("rows are a product, bit %d" % k, same(times(m, k + 1), "(bvadd %s %s)" % (times(m, k), one_row)), free=two, slow=True)
    n, fraction = wide(48, 24, "n"), "((_ zero_extend 25) f)"
    yield of_product("rows are a product, hidden bit", same(
        "(bvmul %s %s)" % (wide(48, 24, "(concat h f)"), n), "(bvadd (bvmul %s %s) (ite %s %s %s))" % (fraction, n, is_one("h"), left(n, 23), num(0, 48))),
        free="(declare-fun f () (_ BitVec 23))\n(declare-fun h () (_ BitVec 1))\n(declare-fun n () (_ BitVec 24))\n", slow=True)
    # its zeros above and below
    four = "".join("(declare-fun %s () (_ BitVec 24))\n" % x for x in ("m", "n", "lm", "ln", "tm", "tn"))
    whole = "(bvmul %s %s)" % (wide(48, 24, "m"), wide(48, 24, "n"))
    zeros = lambda x, y: "(bvadd %s %s)" % (wide(48, 24, x), wide(48, 24, y))
    up, down = "(bvshl %s %s)" % (whole, zeros("lm", "ln")), "(bvlshr %s %s)" % (whole, zeros("tm", "tn"))
    counted = every(zeros_above("lm", "m", 24), zeros_above("ln", "n", 24), zeros_below("tm", "m"), zeros_below("tn", "n"))
    yield of_product("a product has its factors' zeros above, or one less", every(
        "(not %s)" % same(bits(47, 46, up), "#b00"), same("(bvlshr %s %s)" % (up, zeros("lm", "ln")), whole)), counted, free=four, slow=True)
    yield of_product("a product has its factors' zeros below", every(
        is_one(bits(0, 0, down)), same("(bvshl %s %s)" % (down, zeros("tm", "tn")), whole)), counted, free=four, slow=True)
    # a compressor tree of 25 rows with a register behind every level: a level keeps the sum
    counts = [25]
    while counts[-1] > 2: counts.append(counts[-1] - counts[-1] // 3)
    level = lambda k, i, t: at("gen_level[%d].gen_row[%d].q" % (k, i), t)
    for k in range(1, len(counts)):
        n = counts[k - 1] // 3
        triples = [same("(bvadd %s %s)" % (level(k, 2 * i, 1), level(k, 2 * i + 1, 1)), add_up([level(k - 1, 3 * i + j, 0) for j in range(3)])) for i in range(n)]
        over = [same(level(k, i, 1), level(k - 1, i + n, 0)) for i in range(2 * n, counts[k])]
        yield Claim("level %d of a tree of 25 rows keeps the sum" % k, "roma_compress", "ROWS 25 W 48 CUTS 127", every("true", *triples, *over), runs={"s": 1}, slow=k < 7)
    yield of_product("sum and carry are added", same(at("product", 1), "(bvadd %s %s)" % (at("sum2"), at("carry2"))), runs={"s": 1})
    # normalised and rounded: run s brings the operands' side to cut 2, run t goes on from there with a product P of which is known that
    # it has the factors' zeros above, or one less, and the factors' zeros below
    mantissa = lambda x: "(concat %s %s)" % (hidden(x), bits(22, 0, x))
    p = at("product", 0, "t")
    exponent = lambda x: "(ite (= {e} #x00) {one} {long})".format(e=bits(30, 23, x), one=num(1, 11), long=wide(11, 8, bits(30, 23, x)))
    free = "".join("(declare-fun %s () (_ BitVec %d))\n" % f for f in (("la", 24), ("lb", 24), ("ta", 24), ("tb", 24), ("lp", 48), ("tp", 48)))
    known = every(zeros_above("la", mantissa(a), 24), zeros_above("lb", mantissa(b), 24), zeros_above("lp", p, 48), zeros_below("ta", mantissa(a)),
                  zeros_below("tb", mantissa(b)), zeros_below("tp", p), same("tp", "(bvadd %s %s)" % (wide(48, 24, "ta"), wide(48, 24, "tb"))),
                  some(*[same("(bvadd lp %s)" % num(less, 48), "(bvadd %s %s)" % (wide(48, 24, "la"), wide(48, 24, "lb"))) for less in (0, -1)]))
    joined = every(*[same(at(x, 3), at(x, 0, "t")) for x in ("right", "tail2", "side2")])
    numbers = every(*["(not %s)" % is_float(x, t) for x in (a, b) for t in ("isNaN", "isInfinite", "isZero")])
    value = double("(bvxor %s %s)" % (bits(31, 31, a), bits(31, 31, b)),
                   "(bvsub (bvadd (bvadd %s %s) %s) %s)" % (exponent(a), exponent(b), num(1023 - 300 + 47, 11), bits(10, 0, "lp")),
                   "(concat %s %s)" % (bits(46, 0, "(bvshl %s lp)" % p), num(0, 5)))
    yield of_product("a free product is normalised and rounded", rounded(at("y", 3, "t"), value), every(joined, numbers, known), {"s": 3, "t": 3}, free, True)
    ends = "((_ to_fp 8 24) %s)" % at("y", 6)
    nan = some(is_float(a, "isNaN"), is_float(b, "isNaN"), every(is_float(a, "isZero"), is_float(b, "isInfinite")), every(is_float(a, "isInfinite"), is_float(b, "isZero")))
    signed = lambda magnitude: same(at("y", 6), "(concat (bvxor %s %s) %s)" % (bits(31, 31, a), bits(31, 31, b), num(magnitude, 31)))
    yield of_product("what is no product of numbers", every(
        implies(nan, same(at("y", 6), "#x7fc00000")),
        implies("(not %s)" % nan, every(implies(some(is_float(a, "isZero"), is_float(b, "isZero")), signed(0)),
                                        implies(some(is_float(a, "isInfinite"), is_float(b, "isInfinite")), signed(0x7F800000))))), runs={"s": 6})


def parts():
    yield from product()
    for interval in INTERVALS: yield from quotient(interval)
    for interval in INTERVALS: yield from root(interval)


# Parts that another text makes wrong: block, name, where it stands, text, what stands there instead.
SPOILED = [
    ("roma_fp_mul", "a free product is normalised and rounded", "assumed", "(= tp ", "(bvule tp "),
    ("roma_fp_mul", "a free product is normalised and rounded", "claimed", "RNE (fp", "RNA (fp"),
    ("roma_compress", "level 7 of a tree of 25 rows keeps the sum", "claimed", "gen_level[6].gen_row[2].q", "gen_level[6].gen_row[1].q"),
    ("roma_fp_div", "interval 4: digit 1", "assumed", "(bvult ", "(bvule "),
    ("roma_fp_div", "interval 4: digit 12", "claimed", "(_ bv3 28)", "(_ bv2 28)"),
    ("roma_fp_div", "interval 4: rounded", "claimed", "RNE (fp", "RNA (fp"),
    ("roma_fp_sqrt", "interval 12: digit 12", "claimed", "(_ bv9 34)", "(_ bv8 34)"),
    ("roma_fp_sqrt", "interval 12: rounded", "claimed", "RNE (fp", "RNA (fp"),
]


def spoiled():
    named = {(c.block, c.name): c for c in parts()}
    for block, name, where, good, bad in SPOILED:
        c = named[block, name]
        if good not in getattr(c, where): raise SystemExit("prove_parts: %s: no text %s" % (name, good))
        yield Claim(name + ", spoiled", c.block, c.parameters, *[
            getattr(c, w).replace(good, bad) if w == where else getattr(c, w) for w in ("claimed", "assumed")], c.free, c.runs)
