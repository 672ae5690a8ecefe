"""What a chip would do with a model: sim, fit, explore, as records."""

from __future__ import annotations

import math
import os
from typing import Any, Mapping, Sequence

from ._library import c_path, c_text, check, count, ffi, lib, struct

Knobs = Mapping[str, Any]


class Record(dict[str, Any]):
    """Named results: a dict that also reads as attributes, so that pandas.DataFrame([a, b]) has a column for each name.

    >>> import roma
    >>> r = roma.sim("llama-3.2-1b", context=1024)
    >>> r.tok_s == r["tok_s"]
    True
    """

    low: Record | None = None
    high: Record | None = None

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the record has no {name}; it has {', '.join(self)}") from None


def _record(c: Any) -> Record:
    """The members of a structure but its size."""
    return Record((name, getattr(c, name)) for name, _ in ffi.typeof(c[0]).fields if name != "size")


def _kv(keep: list[Any], kv: str | None) -> Any:
    keep.append(c_text(kv) if kv is not None else ffi.NULL)
    return keep[-1]


def _design(d: Any, keep: list[Any], shape: str | None, image: str | os.PathLike[str] | None, chip: str | None, settings: Knobs | Sequence[str],
            bits: int, group: int, head_bits: int, dies: int) -> None:
    """Fills the design of a question; what C reads later is kept in `keep`."""

    def kept(value: Any) -> Any:
        keep.append(value)
        return value

    d.shape = kept(c_text(shape)) if shape is not None else ffi.NULL
    d.image = kept(c_path(image)) if image is not None else ffi.NULL
    d.chip = kept(c_path(chip)) if chip is not None else ffi.NULL
    lines = [f"{k}={v}" for k, v in settings.items()] if isinstance(settings, Mapping) else list(settings)
    d.set = kept(ffi.new("char *[]", [kept(c_text(line)) for line in lines]))
    d.n_set = len(lines)
    d.bits, d.group, d.head_bits, d.dies = count("bits", bits), count("group", group), count("head_bits", head_bits), count("dies", dies)


def sim(shape: str | None = None, *, image: str | os.PathLike[str] | None = None, chip: str | None = None, set: Knobs | Sequence[str] = (), bits: int = 0,
        group: int = 0, head_bits: int = 0, dies: int = 0, prompt: int = 0, context: int = 0, batch: int = 0, rank: int = 0, adapters: int = 0, max_w: float = 0,
        kv: str | None = None, ranges: bool = False) -> Record:
    """Figures of a model on a chip, as `roma sim`: cycles, rates, joules, mm2, dollars; docs/cost-model.md has every name with its unit.

    The model is a shape ("llama-3.2-3b", "layers=28,hidden=3072,...", the path of a config.json) or an image; the chip a
    built-in one or a file, with overrides {"section.key": value}. prompt: tokens of the prefill; context: tokens in the
    cache at the decode step; batch: sequences of that step; max_w: a cap of power in W; kv: keys and values in the cache,
    "int8" or "int4". ranges: the record's `low` and `high` are what each figure is at least and at most over the ranges
    of the chip's parameters.
    Errors: InputError, UsageError.

    >>> import roma
    >>> r = roma.sim("llama-3.2-1b", context=1024, prompt=256, ranges=True)
    >>> r.low.tok_s <= r.tok_s <= r.high.tok_s
    True
    >>> roma.sim("llama-3.2-1b", context=8192).tok_s < r.tok_s
    True
    """
    s, keep = struct("roma_sim_spec"), [None]
    _design(s.design, keep, shape, image, chip, set, bits, group, head_bits, dies)
    s.prompt, s.context, s.batch = count("prompt", prompt), count("context", context), count("batch", batch)
    s.rank, s.adapters, s.max_w = count("rank", rank), count("adapters", adapters), max_w
    s.kv = _kv(keep, kv)
    value, low, high = (struct("roma_figures") for _ in range(3))
    check(lib.roma_simulate(s, value, low if ranges else ffi.NULL, high if ranges else ffi.NULL), os.fspath(image) if image is not None else None)
    record = _record(value)
    if ranges:
        record.low, record.high = _record(low), _record(high)
    return record


def fit(shape: str | None = None, *, image: str | os.PathLike[str] | None = None, chip: str | None = None, set: Knobs | Sequence[str] = (), bits: int = 0,
        group: int = 0, head_bits: int = 0, dies: int = 0, adapters: int = 0, rank: int = 0, sequences: int = 0, rows: int = 0, sram_bytes: int = 0,
        kv: str | None = None) -> Record:
    """How many tokens of cache fit beside adapters, as `roma fit`: the record has its keys (docs/memory.md), in tokens and bytes.

    kv: keys and values in the cache, "int8", "f16", "fp8" or "int4". A model that does not fit is a record with fits_rom
    or fits_sram 0. Errors: InputError, UsageError.

    >>> import roma
    >>> roma.fit("llama-3.2-1b", adapters=4).tokens < roma.fit("llama-3.2-1b").tokens
    True
    """
    s, keep = struct("roma_fit_spec"), [None]
    _design(s.design, keep, shape, image, chip, set, bits, group, head_bits, dies)
    s.adapters, s.rank, s.sequences, s.rows = count("adapters", adapters), count("rank", rank), count("sequences", sequences), count("rows", rows)
    s.sram_bytes = count("sram_bytes", sram_bytes, 2**64 - 1)
    s.kv = _kv(keep, kv)
    out = struct("roma_fit_record")
    check(lib.roma_fit_tokens(s, out), os.fspath(image) if image is not None else None)
    return _record(out)


def _limit(value: float | None) -> float:
    """0 is the usual one for the library, and below 0 there is none."""
    return 0 if value is None else -1 if math.isinf(value) else value


def explore(shape: str | None = None, *, image: str | os.PathLike[str] | None = None, chip: str | None = None, set: Knobs | Sequence[str] = (), dies: int = 0,
            points: int = 0, threads: int = 0, seed: int = 0, only_set: bool = False, prompt: int = 0, context: int = 0, batch: int = 0, rank: int = 0,
            adapters: int = 0, min_context: int = 0, max_mm2: float = 0, max_w: float = 0, min_tok_s: float = 0, max_die_mm2: float | None = None,
            max_junction_c: float | None = None, kv: str | None = None) -> list[Record]:
    """Draws `points` (1000) chips of a design space and gives the feasible ones, as `roma explore` (docs/explore.md).

    set gives knobs: "LO..HI", "A,B,C" or a value; only_set: vary nothing else. A record has `point`, `pareto`, a value or
    a word for each knob by its name, and the figures of sim. max_die_mm2 and max_junction_c: math.inf for no limit. kv: as
    in sim.
    Errors: InputError, UsageError.

    >>> import roma
    >>> found = roma.explore("llama-3.2-1b", points=50, seed=1)
    >>> all(f.tok_s > 0 for f in found), any(f.pareto for f in found)
    (True, True)
    """
    s, keep = struct("roma_explore_spec"), [None]
    _design(s.design, keep, shape, image, chip, set, 0, 0, 0, dies)
    s.points, s.threads, s.seed, s.only_set = count("points", points), count("threads", threads), count("seed", seed, 2**64 - 1), bool(only_set)
    s.prompt, s.context, s.batch = count("prompt", prompt), count("context", context), count("batch", batch)
    s.rank, s.adapters, s.min_context = count("rank", rank), count("adapters", adapters), count("min_context", min_context)
    s.max_mm2, s.max_w, s.min_tok_s = max_mm2, max_w, min_tok_s
    s.kv = _kv(keep, kv)
    s.max_die_mm2, s.max_junction_c = _limit(max_die_mm2), _limit(max_junction_c)
    found: list[Record] = []
    raised: list[BaseException] = []

    def point(_ctx: Any, p: Any) -> int:
        r = Record(point=p.point, pareto=bool(p.pareto))
        for i in range(p.n_values):
            r[ffi.string(p.keys[i]).decode()] = ffi.string(p.words[i]).decode() if p.words[i] else p.values[i]
        r.update(_record(p.figures))
        found.append(r)
        return 0

    def failed(_kind: Any, error: BaseException, _trace: Any) -> None:
        raised.append(error)

    s.point = call = ffi.callback("int(void *, const roma_explored_point *)", point, error=1, onerror=failed)
    keep.append(call)
    code = lib.roma_explore_points(s)
    if raised:
        raise raised[0]
    check(code, os.fspath(image) if image is not None else None)
    return found
