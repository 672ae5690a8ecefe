"""The library as Python sees it: libroma.so through cffi, declared by the header that the library was made with."""

from __future__ import annotations

import importlib
import numbers
import operator
import os
import re
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
_TOP = os.path.dirname(os.path.dirname(_HERE))


def _find(variable: str, packed: str, *checkout: str) -> str | None:
    """What the environment names, else what lies in the package, else what the checkout around it has."""
    places = [os.environ.get(variable, ""), os.path.join(_HERE, packed), os.path.join(_TOP, *checkout)]
    return next((p for p in places if p and os.path.exists(p)), None)


def _declarations(header: str) -> str:
    """roma.h without comments and directives, which is what cffi reads."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.S)
    return re.sub(r"^\s*#.*(?:\\\n.*)*$", "", text, flags=re.M)


def _open() -> tuple[Any, Any]:
    # cffi has no types; numpy's are enough for what leaves this package.
    ffi = importlib.import_module("cffi").FFI()
    header = _find("ROMA_HEADER", "roma.h", "include", "roma", "roma.h")
    if not header:
        raise ImportError("roma.h is not in the package; install the package anew, or set ROMA_HEADER")
    with open(header, encoding="ascii") as f:
        text = f.read()
    ffi.cdef(_declarations(text))
    library = _find("ROMA_LIBRARY", "libroma.so", "build", "libroma.so") or "libroma.so.0"
    try:
        lib = ffi.dlopen(library)
    except OSError as e:
        raise ImportError(f"libroma.so cannot be loaded; install the package anew, or set ROMA_LIBRARY: {e}") from e
    major, minor, patch = (int(v) for v in re.findall(r"#define ROMA_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text))
    if int(lib.roma_version_number()) != major * 10000 + minor * 100 + patch:
        raise ImportError(f"{library} is version {ffi.string(lib.roma_version()).decode()}, and the package was made for {major}.{minor}.{patch}")
    return ffi, lib


ffi, lib = _open()
version: str = ffi.string(lib.roma_version()).decode()


# ---- errors ----


class Error(Exception):
    """What the library refuses: the text is its own line, `code` one of the ROMA_FAILED codes of roma.h.

    >>> import roma
    >>> try:
    ...     roma.sim("no-such-shape")
    ... except roma.Error as e:
    ...     print(type(e).__name__, e.code)
    InputError -1
    """

    code: int = 0


class InputError(Error, ValueError):
    """A file, a prompt or a number is not what it must be."""


class MissingError(InputError, FileNotFoundError):
    """There is no such file."""


class UsageError(Error, ValueError):
    """An argument contradicts another, or is out of its range."""


class UnsupportedError(Error, ValueError):
    """A good file, of a kind that this version does not know."""


class DamagedError(Error, ValueError):
    """A file whose checksums do not hold."""


class NoMemoryError(Error, MemoryError):
    """The host lacks the memory."""


class SystemRefusedError(Error, OSError):
    """A file could not be read or written, or a thread not be made."""


class ContextError(Error, ValueError):
    """Prompt and answer are longer than the context."""


class CancelledError(Error):
    """The answer was ended before its end, by its stream's or its model's close."""


class InternalError(Error, RuntimeError):
    """A fault of the library."""


class BusyError(Error, RuntimeError):
    """No room now; the same call may succeed later."""


_CLASSES: dict[int, type[Error]] = {
    lib.ROMA_FAILED_INPUT: InputError,
    lib.ROMA_FAILED_USAGE: UsageError,
    lib.ROMA_FAILED_UNSUPPORTED: UnsupportedError,
    lib.ROMA_FAILED_DAMAGED: DamagedError,
    lib.ROMA_FAILED_MEMORY: NoMemoryError,
    lib.ROMA_FAILED_SYSTEM: SystemRefusedError,
    lib.ROMA_FAILED_CONTEXT: ContextError,
    lib.ROMA_FAILED_CANCELLED: CancelledError,
    lib.ROMA_FAILED_INTERNAL: InternalError,
    lib.ROMA_FAILED_BUSY: BusyError,
}


def failure(code: int, sentence: str, path: str | None = None) -> Error:
    """The exception of a code; path: a file that the call was to read."""
    kind = _CLASSES.get(code, InternalError)
    if kind is InputError and path is not None and not os.path.exists(path):
        kind = MissingError
    error = kind(sentence)
    error.code = code
    return error


def check(code: int, path: str | None = None) -> None:
    """Raises what a call of the library returned."""
    if code:
        raise failure(code, ffi.string(lib.roma_last_error()).decode("utf-8", "replace"), path)


# ---- values for C ----


def c_text(text: str) -> Any:
    """A text with a 0 behind it. The caller keeps the value alive as long as C reads it."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no text")
    data = text.encode()
    if b"\0" in data:
        raise ValueError("embedded null character")
    return ffi.new("char[]", data)


def c_path(path: str | os.PathLike[str]) -> Any:
    """The same of a path."""
    data = os.fsencode(path)
    if b"\0" in data:
        raise ValueError("embedded null byte")
    return ffi.new("char[]", data)


def count(name: str, value: int | None, most: int = 2**32 - 1) -> int:
    """A number for an unsigned member; None is its default, 0."""
    if value is None:
        return 0
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if not 0 <= number <= most:
        raise UsageError(f"{name} must be 0 to {most}, not {number}")
    return number


def real(name: str, value: float) -> float:
    """A number for a member of floating point; numpy's are numbers too."""
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {value!r}")
    return float(value)


def struct(kind: str) -> Any:
    """A zeroed structure of the library that knows its size."""
    s = ffi.new(f"{kind} *")
    s.size = ffi.sizeof(kind)
    return s
