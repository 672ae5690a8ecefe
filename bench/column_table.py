"""The rows of bench/column: what its runs measured, beside the goals, in the form of the tables of docs/performance.md.

`rows` takes the runs and returns a list of rows; a row is a dict of `what` and `parts`, a part a dict of `text` (with its unit), `value` (a share, a ratio or a
percentage as a share), `goal` (None: none was set for this kind of CPU) and `is_most` (the goal is an upper bound). What was not measured has no part.
"""
import statistics

med = statistics.median

# Goals of issue "At the roof on every CPU", by kind: what AVX-512 is to reach, what Zen 4 had when they were set, what AVX2 and AVX-VNNI are to reach.
GOALS = {
    "avx512": dict(decode4=.90, decode2=.85, native=.75, q4_0=.65, sixteen=.65, peer_prefill=1.75, peer_native=2.0, peer_decode=1.1, peer_decode_native=1.2, peer2=1.6, peer_lora=1.3),
    "zen4": dict(decode4=.88, decode2=.80, native=.50, q4_0=.50, sixteen=.65, peer_prefill=1.75, peer_native=2.0, peer_decode=1.1, peer_decode_native=1.2, peer2=1.6, peer_lora=1.3),
    "avx2": dict(decode4=.85, native=.60, q4_0=.60, peer_prefill=1.4, peer_native=1.4),
}
EVERY = dict(few=.60, attend=.75, deep=.60, open=1.3, first=1.05, lora=.04)
SLOW_PEER = .85         # of the read rate: a peer that has more leaves nothing to be ahead by


def kind_of(isa, why):
    """Whose goals: those of the instruction set; a Zen 4, which --why names, has its own."""
    if isa == "avx512":
        return "zen4" if (why or {}).get("known_cpu") == "Zen 4" else "avx512"
    return "avx2" if isa in ("avx2", "avxvnni") else isa


def goals_of(kind):
    return {**EVERY, **GOALS.get(kind, {})}


def part(text, value, goal=None, is_most=False):
    return dict(text=text, value=value, goal=goal, is_most=is_most, reached=None if goal is None else value <= goal if is_most else value >= goal)


def percent(v):
    return f"{100 * v:.3g} %"


# ------------------------------------------------------------------- runs of `roma bench`

def found(run, test, tokens=None, batch=1, depth=0):
    for r in run["rows"]:
        if (r["test"], r["batch"], r["depth"]) == (test, batch, depth) and tokens in (None, r["tokens"]):
            return r
    return None


def of_rounds(runs, get):
    """Median over the rounds that have the figure; None where none has."""
    v = [x for x in map(get, runs or []) if x is not None]
    return med(v) if v else None


def spread(v):
    """Median, and where rounds differ by more than 2 % the lowest and the highest."""
    text = f"{med(v):.1f}"
    return text + (f" ({min(v):.1f} to {max(v):.1f})" if max(v) > 1.02 * min(v) else "") + " tokens/s"


def rates(runs, peak, test, tokens=None, batch=1):
    """Tokens a second as text, share of the read rate, share of the peak: medians of the rounds."""
    got = [r for r in (found(run, test, tokens, batch) for run in runs or []) if r]
    if not got:
        return None
    return spread([r["tok_s"] for r in got]), med([r["read_share"] or 0 for r in got]), med([r["gmac_s"] for r in got]) / peak if peak else 0.0


def decode_row(out, what, runs, goal):
    if r := rates(runs, 0, "decode"):
        out.append(dict(what=what, parts=[part(f"{r[0]}, {percent(r[1])} of read", r[1], goal)]))


def prefill_row(out, what, runs, peak, goal):
    parts = []
    for n in sorted({r["tokens"] for run in runs or [] for r in run["rows"] if r["test"] == "prefill"}):
        tok_s, _, share = rates(runs, peak, "prefill", n)
        parts.append(part(f"{n}: {tok_s}, {percent(share)} of the peak", share, goal))
    if parts:
        out.append(dict(what=what, parts=parts))


def many_row(out, what, runs, peak, goal):
    if r := rates(runs, peak, "decode", batch=16):
        times = of_rounds(runs, lambda run: found(run, "decode", batch=16)["tok_s"] / found(run, "decode")["tok_s"])
        out.append(dict(what=what, parts=[part(f"{r[0]}, {times:.1f} times one, {percent(r[2])} of the peak", r[2], goal)]))


def few_row(out, what, runs, peak, goal):
    """The nearer roof is the one of which the share is the larger."""
    parts = []
    for rows in (2, 4, 8):
        if r := rates(runs, peak, "decode", batch=rows):
            share = max(r[1:])
            parts.append(part(f"{rows}: {percent(share)}", share, goal))
    if parts:
        out.append(dict(what=what, parts=parts))


def lora_row(out, what, with_it, without, goal):
    """Of each round, the two runs beside each other."""
    parts = []
    for test in ("decode", "prefill"):
        pairs = [(found(a, test), found(b, test)) for a, b in zip(with_it or [], without or [])]
        costs = [1 - a["tok_s"] / b["tok_s"] for a, b in pairs if a and b]
        if costs:
            parts.append(part(f"{test} {percent(med(costs))}", med(costs), goal, True))
    if parts:
        out.append(dict(what=what, parts=parts))


def model_rows(runs, peak, goals):
    out = []
    decode_row(out, "decode, the form of Q4_0 (4 bit, groups of 32)", runs.get("q4_0"), goals.get("decode4"))
    decode_row(out, "decode, native 4 bit", runs.get("native4"), goals.get("decode4"))
    decode_row(out, "decode, native 2 bit", runs.get("native2"), goals.get("decode2"))
    decode_row(out, "decode, ternary (another shape)", runs.get("ternary"), goals.get("decode2"))
    prefill_row(out, "prefill, the form of Q4_0", runs.get("q4_0"), peak, goals.get("q4_0"))
    prefill_row(out, "prefill, native 4 bit", runs.get("native4"), peak, goals.get("native"))
    prefill_row(out, "prefill, native 2 bit", runs.get("native2"), peak, goals.get("native"))
    many_row(out, "16 sequences, native 4 bit", runs.get("native4"), peak, goals.get("sixteen"))
    many_row(out, "16 sequences, native 2 bit", runs.get("native2"), peak, goals.get("sixteen"))
    few_row(out, "2 to 8 rows, native 4 bit, of the nearer roof", runs.get("native4"), peak, goals["few"])
    lora_row(out, "one adapter of rank 16 costs", runs.get("lora"), runs.get("native4"), goals["lora"])
    return out


# ------------------------------------------------------------------ depth, loading, peers

def depth_rows(runs, alone, goals):
    out, parts = [], []
    for depth in (8192, 32768):
        if (share := of_rounds(alone, lambda run: run.get(depth))) is not None:
            parts.append(part(f"{depth}: {percent(share)} of read", share, goals["attend"]))
    if parts:
        out.append(dict(what="attention at a depth of positions", parts=parts))
    deep = [(found(r, "decode", depth=8192), found(r, "decode")) for r in runs.get("deep") or []]
    if shares := [a["tok_s"] / b["tok_s"] for a, b in deep if a and b]:
        out.append(dict(what="decode at 8,192 positions, of an empty cache's", parts=[part(percent(med(shares)), med(shares), goals["deep"])]))
    return out


def open_rows(runs, goals):
    if not runs:
        return []
    opened, first = (med([r[i] for r in runs]) for i in (0, 1))
    return [dict(what="open and verify an image, of read(2)", parts=[part(f"{opened:.2f}", opened, goals["open"], True)]),
            dict(what="first token, of prefill and one step", parts=[part(f"{first:.3f}", first, goals["first"], True)])]


def ratio(row, goal):
    return part(f"{row['test']} {row['tokens']}: {row['ratio']:.2f} ({row['best']})", row["ratio"], goal)


def best_peer_share(row):
    """Of the read rate, of the same file, in decode."""
    if row.get("llama_read_share") is None or not row["llama"]:
        return None
    return row["llama_read_share"] * row["peers"][row["best"]] / row["llama"]


def peer_rows(results, goals):
    """results: what bench/compare-llama printed as JSON, by the peer's file (q4_0, q2_k) and `lora`."""
    out = []
    for file, name, kinds in ("q4_0", "Q4_0", ("same file", "native")), ("q2_k", "Q2_K", ("same file", "native")):
        for kind in kinds:
            for test in ("decode", "prefill"):
                rows = [r for r in results.get(file, {}).get("rows", []) if r["kind"].split(",")[0] == kind and r["test"] == test]
                if not rows:
                    continue
                native = kind == "native"
                if file == "q2_k":
                    goal = goals.get("peer2") if native and test == "decode" else None
                else:
                    goal = goals.get({("decode", False): "peer_decode", ("decode", True): "peer_decode_native", ("prefill", False): "peer_prefill", ("prefill", True): "peer_native"}[test, native])
                what, share = f"{test}, to the best peer, {name}, {kind}", best_peer_share(rows[0])
                if test == "decode" and share is not None:
                    what += f"; that peer at {percent(share)} of read"
                    if share >= SLOW_PEER and not native and file == "q4_0":
                        goal = None
                out.append(dict(what=what, parts=[ratio(r, goal) for r in rows]))
    if adapted := [r for r in results.get("lora", {}).get("rows", []) if "cost" in r and r["kind"].startswith("same file")]:
        out.append(dict(what="one adapter of rank 16, same file, to the peer that takes one", parts=[ratio(r, goals.get("peer_lora")) for r in adapted]))
    return out


def rows(results, goals):
    peak = max((r["int8_gmac_s"] for v in results["runs"].values() for r in v), default=0)
    return model_rows(results["runs"], peak, goals) + depth_rows(results["runs"], results["attend"], goals) + open_rows(results["open"], goals) + peer_rows(results["peers"], goals)


# --------------------------------------------------------------------------- the table

def goal_text(p):
    if p["goal"] is None:
        return ""
    number = f"{p['goal']:g}" if p["goal"] > 1 else percent(p["goal"])
    return f"at most {number}" if p["is_most"] else number


def table(rows_):
    out = ["| what | measured | goal | limit |", "|---|---|---|---|"]
    for r in rows_:
        measured = "; ".join(f"**{p['text']}**" if p["reached"] else p["text"] for p in r["parts"])
        goals = list(dict.fromkeys(filter(None, map(goal_text, r["parts"]))))
        out.append(f"| {r['what']} | {measured} | {'; '.join(goals)} | |")
    return "\n".join(out)


def summary(rows_):
    """How many goals, and which rows miss theirs."""
    judged = [(r["what"], p) for r in rows_ for p in r["parts"] if p["reached"] is not None]
    missed = list(dict.fromkeys(what for what, p in judged if not p["reached"]))
    line = f"{sum(p['reached'] for _, p in judged)} of {len(judged)} goals reached"
    return line + (("; missed: " + "; ".join(missed)) if missed else "")
