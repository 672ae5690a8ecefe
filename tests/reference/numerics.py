"""docs/numerics.md once more, in numpy: a second computation of every operation, written from the page.

Each function carries the number of its section. numpy rounds every FP32 operation on its own, as the page wants; where order counts, sums are
written out, and integers are exact in what they are summed in. x is [row, element], FP32. The image comes from rom.py."""
import numpy as np

F = np.float32
TINY, HUGE = F(2.0**-100), F(2.0**100)
np.seterr(all="ignore")


def magnitude(x):
    """Largest |x| along the last axis; a NaN counts as the largest, whichever NaN it is."""
    return (np.ascontiguousarray(x).view(np.uint32) & np.uint32(0x7FFFFFFF)).max(-1).view(F)


def exponent(x):
    return (np.asarray(x, F).view(np.uint32) >> 23 & 255).astype(np.int32) - 127


def power(e):
    """2^e of a normal number."""
    return (np.asarray(e, np.int32) + 127 << 23).astype(np.int32).view(F)


def near(x, kind):
    return np.rint(x).astype(kind)


def tree(leaves):
    """3.2, over the first axis."""
    while len(leaves) > 1:
        even = len(leaves) // 2 * 2
        pairs = leaves[0:even:2] + leaves[1:even:2]
        leaves = np.concatenate([pairs, leaves[even:]])
    return leaves[0]


# ---- 2: activations

class Codes:
    """code and shift of every row, and its scale S."""

    def __init__(self, code, shift, scale):
        self.code, self.shift, self.scale = code, shift, scale

    def integers(self):
        return self.code.astype(np.int32) << np.repeat(self.shift, 8, 1)


def gather(x, order):
    """In the order of the columns that its codes will meet: element j is x's element order[j]."""
    return x[:, order]


def quantise(x, factor=None):
    rows, cols = x.shape
    largest = magnitude(x)
    none, bad = largest < TINY, ~(largest < HUGE)
    v = x * (F(16256) / largest)[:, None]
    a = magnitude(v.reshape(rows, cols // 8, 8))
    shift = sum((~(a < F(127.5 * 2**k))).astype(np.int32) for k in range(7))
    code = np.rint(v * np.repeat(power(-shift), 8, 1))
    shift[none | bad] = 0
    code[none | bad] = 0
    scale = np.where(bad, F(np.nan), np.where(none, F(0), largest * F(1 / 16256)))
    return Codes(code.astype(np.int8), shift, scale if factor is None else scale * factor)


# ---- 3: products

def exact(level, a):
    """(float) of the sums of level[g, row, i] * a[g, i, n], integers: in FP32 where no sum can leave its 24 bits, else in FP64. An
    integer has one zero: + 0 makes it."""
    bound = int(np.abs(level).max()) * int(np.abs(a).sum(1).max())
    kind = np.float32 if bound < 1 << 24 else np.float64
    return np.matmul(level.astype(kind), a.astype(kind)).astype(F) + F(0)


def product(m, codes):
    groups, n = m.cols // m.group, len(codes.code)
    a = codes.integers().reshape(n, groups, m.group).transpose(1, 2, 0)
    leaf = exact(m.level.reshape(m.rows, groups, m.group).transpose(1, 0, 2), a) * m.scale[:, :, None]
    if m.low is not None:
        leaf = leaf + a.sum(1, dtype=np.int32).astype(F)[:, None, :] * m.low[:, :, None]
    return np.ascontiguousarray((codes.scale * tree(leaf)).T)


def integers_of(x, most):
    """4: codes under one scale, `most` the largest: int8 for the cache, int16 for queries and for A x."""
    largest = magnitude(x)
    none, bad = largest < TINY, ~(largest < HUGE)
    code = np.rint(x * (F(most) / largest)[..., None])
    code = np.where((none | bad)[..., None], F(0), code).astype(np.int32)
    return code, np.where(bad, F(np.nan), np.where(none, F(0), largest * F(1 / most)))


def adapter(t, factor, codes):
    """3.4: what one adapter adds to a product, before it is added."""
    return adapter_from(t, factor, product(t.a, codes) * t.a_scale)


def adapter_of_embedding(t, factor, tokens):
    """3.4: what one adapter adds to rows of the embedding."""
    return adapter_from(t, factor, t.a.level[:, tokens].T.astype(F) * t.a_scale)


def adapter_from(t, factor, h):
    c, scale = integers_of(h, 32767)
    by = scale * (t.scale * factor)
    if t.is_int8:
        v = (c.astype(np.int64) @ t.b.astype(np.int64).T).astype(F)
    else:
        v = np.zeros((len(c), len(t.b)), F)
        for k in range(t.rank):
            v = v + t.b[:, k] * c[:, k].astype(F)[:, None]
    return v * t.b_scale * by[:, None]


# ---- 5: the vector unit

def exp(x):
    """5.1"""
    x = np.where(x > 0, F(0), x)
    n = np.rint(x * F(1.4426950408889634))
    r = (x - n * F(0.693359375)) - n * F(-2.12194440e-4)
    p = np.full_like(r, F(1 / 720))
    for c in (1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1):
        p = p * r + F(c)
    out = p * power(np.where(np.isnan(n) | (x < -87), 0, n).astype(np.int32))
    return np.where(np.isnan(x), x, np.where(x < -87, F(0), out))


def inverse_rms(x, eps):
    """5.2, over the last axis."""
    largest = magnitude(x)
    none, bad = largest < TINY, ~(largest < HUGE)
    e = np.where(none | bad, 0, exponent(largest))
    c = near(np.where((none | bad)[..., None], F(0), x * power(13 - e)[..., None]), np.int64)
    mean = (c * c).sum(-1).astype(F) * (F(1) / F(x.shape[-1]))
    square = mean * power(e - 13) * power(e - 13)
    return np.where(bad, F(np.nan), F(1) / np.sqrt(square + eps))


def silu(g, up):
    """5.4"""
    e = exp(-np.abs(g))
    t = np.where(g >= 0, F(1), e) / (F(1) + e)
    return g * t * up


def sincos(turn):
    """5.6, of turns of 2^32 as an array of Python's integers' size."""
    q = (turn + (1 << 29) >> 30) % 4
    z = ((turn - (q << 30)) & 0xFFFFFFFF).astype(np.uint32).view(np.int32).astype(F) * F(2.0**-32)
    y = z * F(6.28318548)
    y2 = y * y
    p = (F(-1 / 5040) * y2 + F(1 / 120)) * y2 + F(-1 / 6)
    s = y + y * (y2 * p)
    c = np.full_like(y, F(1 / 40320))
    for k in (-1 / 720, 1 / 24, -1 / 2, 1):
        c = c * y2 + F(k)
    return np.choose(q, [s, c, -s, -c]), np.choose(q, [c, -s, -c, s])


def angles(positions, phase):
    """5.5, by [row, 2 * pair]: cos, and sin behind it."""
    turn = np.array([[(p * f % (1 << 64)) >> 32 for f in phase] for p in positions], np.int64)
    s, c = sincos(turn)
    return np.stack([c, s], -1).reshape(len(positions), -1)


def rope(x, angles):
    """5.5, x as [row, head, element]."""
    c, s = angles[:, None, 0::2], angles[:, None, 1::2]
    out = x.copy()
    rotated = angles.shape[1]
    a, b = x[..., 0:rotated:2], x[..., 1:rotated:2]
    out[..., 0:rotated:2] = a * c - b * s
    out[..., 1:rotated:2] = a * s + b * c
    return out


def embedding(m, token):
    """5.8: section 1's weights."""
    w = np.repeat(m.scale[:, token], m.group) * m.level[token].astype(F)
    return w if m.low is None else w + np.repeat(m.low[:, token], m.group)


# ---- 4: attention

FORMATS = ("int8", "f16", "fp8", "int4")  # of the cache: 4.7
FLOATS = ("f16", "fp8")


def e4m3_of(x):
    """4.7: the FP8 nearest to x, |x| < 448, ties to even: its byte, and what it is."""
    a = np.abs(x.astype(np.float64))
    step = 2.0 ** (np.maximum(np.frexp(a)[1] - 1, -6) - 3)
    worth = np.rint(a / step) * step
    e = np.maximum(np.frexp(worth)[1] - 1, -7)  # -7: a subnormal, whose exponent field is 0
    byte = np.where(e < -6, worth * 512, (e + 7) * 8 + worth / 2.0**e * 8 - 8).astype(np.uint8)
    return byte | np.where(np.signbit(x), 128, 0).astype(np.uint8), np.where(np.signbit(x), -worth, worth).astype(F)


def cache_codes(x, form, is_value):
    """4 and 4.7: a head's key or value. What codes are worth, integers where they are; their bytes as a trace has them; the scale."""
    if form not in FLOATS:
        code, scale = integers_of(x, 7 if form == "int4" and is_value else 127)
        return code, code.astype(np.int8).view(np.uint8), scale
    largest = magnitude(x)
    none, bad = largest < TINY, ~(largest < HUGE)
    e = np.where(none | bad, 0, exponent(largest))
    scaled = np.where((none | bad)[..., None], F(0), x * power((14 if form == "f16" else 7) - e)[..., None])
    if form == "f16":
        half = scaled.astype("<f2")
        worth, stored = half.astype(F), np.ascontiguousarray(half).view(np.uint8)
    else:
        stored, worth = e4m3_of(scaled)
        worth = worth * F(2.0**-8)
    return worth, stored, np.where(bad, F(np.nan), np.where(none, F(0), power(e - 14 if form == "f16" else e + 1)))


def one_by_one(products):
    """4.7: s := 0, then each of the first axis in turn."""
    s = np.zeros(products.shape[1:], F)
    for p in products:
        s = s + p
    return s


def attend(q, k, k_scale, v, v_scale, head_dim):
    """One query head over positions 0..p of a KV head: q FP32, k and v what codes are worth, by [position, element]; of FP32 where these are floats."""
    code, scale = integers_of(q, 32767)
    scale = scale * (F(1) / np.sqrt(F(head_dim)))
    is_float = k.dtype == F
    dot = one_by_one((k * code.astype(F)).T) if is_float else (k.astype(np.int64) @ code.astype(np.int64)).astype(F)
    score = dot * (scale * k_scale)
    w = exp(score - score.max())
    whole = w * F(2.0**30)
    total = F(np.where(np.isnan(w), F(0), np.rint(whole)).astype(np.int64).sum()) * F(2.0**-30)
    leaves = []
    for page in range(0, len(w), 32):
        u = w[page:page + 32] * v_scale[page:page + 32]
        most = magnitude(u)
        if is_float:
            leaves.append(one_by_one(v[page:page + 32] * u[:, None]))
        elif most < TINY:
            leaves.append(np.zeros(head_dim, F))
        elif not most < HUGE:
            leaves.append(np.full(head_dim, np.nan, F))
        else:
            e = exponent(most)
            c = np.minimum(near(u * power(14 - e), np.int64), 32767)
            leaves.append((c @ v[page:page + 32].astype(np.int64)).astype(F) * power(e - 14))
    return tree(np.stack(leaves)) * (F(1) / total)
