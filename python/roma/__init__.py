"""Language models in the arithmetic of the ROMA chip, and what the chip would do with them; docs/python.md.

>>> import roma
>>> with roma.Model(image) as m:
...     print(m.chat("Who are you?", max_tokens=40, temperature=0).text[:10])
I am Roma.
"""

from ._chip import Record, explore, fit, sim
from ._image import build
from ._library import (
    BusyError,
    CancelledError,
    ContextError,
    DamagedError,
    Error,
    InputError,
    InternalError,
    MissingError,
    NoMemoryError,
    SystemRefusedError,
    UnsupportedError,
    UsageError,
)
from ._library import version as __version__
from ._model import Adapter, Answer, Model, Rendered, Saved, Stream

__all__ = [
    "Adapter", "Answer", "BusyError", "CancelledError", "ContextError", "DamagedError", "Error", "InputError", "InternalError", "MissingError", "Model",
    "NoMemoryError", "Record", "Rendered", "Saved", "Stream", "SystemRefusedError", "UnsupportedError", "UsageError", "build", "explore", "fit", "sim",
]  # fmt: skip

for _name in __all__:  # what a traceback calls them
    globals()[_name].__module__ = "roma"
