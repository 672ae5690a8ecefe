"""Images out of model files."""

from __future__ import annotations

import math
import os
import re
from typing import Any, Callable

from ._chip import Record
from ._library import c_path, c_text, check, count, ffi, lib, struct


def _name(model: str) -> str:
    """As `roma build` names an image that nobody named: in the current folder."""
    name = os.path.basename(os.path.abspath(model))
    return re.sub(r"(-00001-of-\d{5})?\.gguf$", "", name, flags=re.I) + ".roma"


def build(model: str | os.PathLike[str], image: str | os.PathLike[str] | None = None, *, quant: str | None = None, pre: str | None = None,
          sha256: str | None = None, threads: int = 0, int8_levels: bool = False, resume: bool = False, method: str | None = None, bits: int = 0, group: int = 0,
          kl: bool = False, progress: Callable[[str, int, int], object] | None = None) -> Record:
    """Makes a ROM image of a GGUF file or a Hugging Face folder, as `roma build`, and gives a record of it.

    The record has image (its path), sha256, base, source_sha256, arch, name, params, bytes, source_bytes,
    bits_per_weight, warnings, report, kl_form and kl. quant: "q8" or "q4" rounds float matrices; method: "rtn" or "nf4"
    the layers' ones, bits and group (0: the method's own) saying how. kl=True measures how far the image's predictions
    are from the file's: record.kl, nats, else None; record.kl_form is what the form of a 4-bit checkpoint changes, None
    of other models. progress(what, done, total) is
    called now and then; what it raises, and Ctrl-C, ends the build, and there is no new image then.
    Errors: MissingError, InputError, UsageError, UnsupportedError, DamagedError (another sha256 than the given one).

    >>> import roma
    >>> made = roma.build(gguf, new_image)
    >>> made.arch, made.bytes == os.path.getsize(made.image)
    ('llama', True)
    """
    path = os.fspath(model)
    target = os.fspath(image) if image is not None else _name(path)
    s, keep, raised = struct("roma_build_spec"), [], []  # type: Any, list[Any], list[BaseException]

    def kept(value: Any) -> Any:
        keep.append(value)
        return value

    def tell(_ctx: Any, what: Any, done: int, total: int) -> int:
        if progress is not None:
            progress(ffi.string(what).decode(), done, total)
        return 0

    def failed(_kind: Any, error: BaseException, _trace: Any) -> None:
        raised.append(error)

    s.model, s.image = kept(c_path(path)), kept(c_path(target))
    for name, text in (("quant", quant), ("pre", pre), ("sha256", sha256), ("method", method)):
        setattr(s, name, kept(c_text(text)) if text is not None else ffi.NULL)
    s.threads, s.int8_levels, s.resume = count("threads", threads), bool(int8_levels), bool(resume)
    s.bits, s.group, s.kl = count("bits", bits), count("group", group), bool(kl)
    s.progress = kept(ffi.callback("int(void *, const char *, uint64_t, uint64_t)", tell, error=1, onerror=failed))
    out = struct("roma_built")
    code = lib.roma_build(s, out)
    if raised:
        raise raised[0]
    check(code, path)
    texts = ("sha256", "base", "source_sha256", "arch", "name", "warnings", "report")
    record = Record(image=target, **{name: ffi.string(getattr(out, name)).decode("utf-8", "replace") for name in texts})
    record.update((name, getattr(out, name)) for name in ("params", "bytes", "source_bytes", "bits_per_weight"))
    record.update((name, None if math.isnan(getattr(out, name)) else getattr(out, name)) for name in ("kl_form", "kl"))
    lib.roma_built_free(out)
    return record
