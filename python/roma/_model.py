"""A model that answers: an image, open, with the engine's own threads. No answer holds Python's lock."""

from __future__ import annotations

import contextlib
import contextvars
import json
import os
import secrets
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Iterator, Mapping, NamedTuple, NoReturn, Sequence, Union

import numpy as np
import numpy.typing as npt

from ._library import InputError, UsageError, c_path, c_text, check, count, ffi, lib, real, struct

Floats = npt.NDArray[np.float32]
Messages = Sequence[Mapping[str, Any]]
Prompt = Union[str, Messages, Sequence[int]]

_WAIT = 0.1  # seconds until a waiting reader looks whether Ctrl-C came


@dataclass(frozen=True)
class Answer:
    """What a model answered; str() is the text.

    >>> import roma
    >>> with roma.Model(image) as m:
    ...     a = m.chat("Who are you?")
    >>> str(a) == a.text, a.stop, len(a.ids) > 3
    (True, 'eos', True)
    """

    text: str
    ids: list[int]  # tokens of the answer
    stop: str  # why it ended: "eos", "stop", "length" or "context"
    prompt_tokens: int
    shared_tokens: int  # of the prompt, whose cache was there already
    drafted: int  # tokens that speculation proposed, and those that held
    accepted: int
    first_s: float  # seconds to the first token, and to the end
    seconds: float
    seed: int  # of the draw

    def __str__(self) -> str:
        return self.text

    @property
    def tokens_per_second(self) -> float:
        """Rate behind the first token; 0 where no time could be measured.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     m.chat("Who are you?").tokens_per_second > 0
        True
        """
        after = self.seconds - self.first_s
        return (len(self.ids) - 1) / after if after > 0 and len(self.ids) > 1 else 0.0


class Rendered(NamedTuple):
    """A prompt as the model reads it: its token ids, and their text with control tokens by name."""

    ids: list[int]
    text: str


class Saved(NamedTuple):
    """What a file of a cache gave: its tokens, and the text that was saved along."""

    ids: list[int]
    text: str


class _Engine:
    """The library's engine, which no call may use while it is being closed."""

    def __init__(self, pointer: Any) -> None:
        self.pointer = pointer
        self.pid = os.getpid()
        self.users: set[object] = set()  # one for each call under way
        self.state = "open"
        self.closer = 0  # the thread that closes
        self.orphans: list[Any] = []  # streams that the closing thread's garbage collector ended
        self.changed = threading.Condition()

    @contextlib.contextmanager
    def use(self) -> Iterator[Any]:
        user = object()
        if self.pid != os.getpid():  # before the lock, which a thread of the parent may have held
            raise UsageError("the model belongs to the process that this one was forked from: open one here")
        try:  # Ctrl-C may come between any two lines
            with self.changed:
                if self.state != "open":
                    raise UsageError("the model is closed")
                self.users.add(user)
            yield self.pointer
        finally:
            self.users.discard(user)

    def close(self) -> None:
        if self.pid != os.getpid():
            return
        with self.changed:
            if self.state != "open":
                return
            self.state, self.closer = "closing", threading.get_ident()
        try:
            with self.changed:
                while self.users:
                    self.changed.wait(0.01)
            pointer, self.pointer = self.pointer, None
            lib.roma_engine_close(pointer)
        finally:  # Ctrl-C while this waited leaves the model open
            with self.changed:
                self.state = "open" if self.pointer else "closed"
                self.changed.notify_all()
        while self.orphans:
            lib.roma_stream_close(self.orphans.pop())

    def close_stream(self, pointer: Any) -> None:
        """While the engine is open as one of its users, else when it is closed: then nothing is under way."""
        user = object()
        if self.pid != os.getpid():
            return
        try:
            with self.changed:
                if self.state == "closing" and self.closer == threading.get_ident():
                    self.orphans.append(pointer)
                    return
                self.changed.wait_for(lambda: self.state != "closing")
                if self.state == "open":
                    self.users.add(user)
            lib.roma_stream_close(pointer)
        finally:
            self.users.discard(user)


class _Bound:
    """What stands for something of the library: a second one of the same would end what the first one uses."""

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} can be neither copied nor pickled: it belongs to its process; open the file again")


class Stream(_Bound, Iterator[str]):
    """The text of an answer as it grows: an iterator that ends with the answer, and a context manager that cancels what
    is not over. A piece is what came since the last one, in whole characters. The engine never waits for the reader. Any
    thread may close a stream, which ends what another reads of it.

    >>> import roma
    >>> with roma.Model(image) as m:
    ...     with m.stream("Who are you?") as pieces:
    ...         text = "".join(pieces)
    ...     text == pieces.answer.text
    True
    """

    def __init__(self, model: Model, query: Any, keep: list[Any], seed: int) -> None:
        # C's own function ends the stream when the pointer goes, whatever Ctrl-C does to Python's; what C fills and reads
        # is in `keep` and goes after the pointer.
        self._pointer = ffi.gc(ffi.new("roma_stream **"), lib.roma_stream_close)
        self._model = model  # which lives as long as who reads its answer
        self._engine, self._keep, self._seed = model._engine, keep, seed
        self._answer: Answer | None = None
        self._pieces: list[str] = []
        self._lock, self._closes = threading.RLock(), False
        self._bytes, self._n = ffi.new("char[]", 4096), ffi.new("size_t *")
        with self._engine.use() as e:
            check(lib.roma_stream_open(self._pointer, e, query))

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> str:
        with self._lock:
            while self._answer is None:
                if not self._pointer[0] or self._closes:
                    raise UsageError("the stream is closed")
                code = lib.roma_stream_read(self._pointer[0], _WAIT, self._bytes, 4096, self._n)
                if self._n[0]:
                    piece: str = ffi.unpack(self._bytes, self._n[0]).decode("utf-8", "replace")
                    self._pieces.append(piece)
                    return piece
                if code:
                    try:
                        check(code)
                    finally:
                        self.close()
                over = lib.roma_stream_answered(self._pointer[0])
                if over:
                    self._answer = self._finished(over)
                    self.close()
        raise StopIteration

    def _finished(self, over: Any) -> Answer:
        return Answer(text="".join(self._pieces), ids=ffi.unpack(over.ids, over.n_ids) if over.n_ids else [], stop=ffi.string(over.stop).decode(),
                      prompt_tokens=over.prompt_tokens, shared_tokens=over.shared_tokens, drafted=over.drafted, accepted=over.accepted,
                      first_s=over.first_s, seconds=over.seconds, seed=self._seed)

    @property
    def answer(self) -> Answer:
        """The whole answer, which is waited for.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     m.stream("Who are you?", max_tokens=3).answer.stop
        'length'
        """
        for _ in self:
            pass
        assert self._answer is not None
        return self._answer

    def close(self) -> None:
        """Cancels an answer that is not over; it ends after the step that runs. A second time nothing happens.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     m.stream("Who are you?").close()
        """
        self._closes = True  # a thread that reads leaves
        with self._lock:
            if self._pointer[0]:
                self._engine.close_stream(self._pointer)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_closes"):
            self.close()


def _check_prompt(prompt: object) -> None:
    if not isinstance(prompt, (str, Sequence, np.ndarray)) or isinstance(prompt, bytes):
        raise TypeError("a prompt is a text, a list of messages, or a list of token ids")


def _as_int32(ids: Any, what: str) -> npt.NDArray[np.int32]:
    """Token ids as C takes them; what: the sentence for what are none."""
    if isinstance(ids, (str, bytes)) or not isinstance(ids, (Sequence, np.ndarray)):
        raise TypeError(what)
    array = np.ascontiguousarray(ids if len(ids) else np.empty(0, np.int32))
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise TypeError(what)
    if len(array) and (array.min() < -(2**31) or array.max() >= 2**31):
        raise InputError("a token id is beyond 32 bits")
    return array.astype(np.int32)


_in_use: contextvars.ContextVar[tuple[Adapter, ...]] = contextvars.ContextVar("roma adapters", default=())


class Adapter(_Bound):
    """A LoRA adapter, open: `with adapter:` answers under it what this thread asks meanwhile. Nested ones add up.

    >>> import roma
    >>> with roma.Model(image) as m:
    ...     plain, mine = m.chat("Who are you?"), m.adapter(adapter)
    ...     with mine:
    ...         other = m.chat("Who are you?")
    ...     plain.text != other.text, plain.text == m.chat("Who are you?").text
    (True, True)
    """

    def __init__(self, engine: _Engine, name: str, scale: float) -> None:
        self._engine = engine
        self.name, self.scale = name, float(scale)

    def __enter__(self) -> Adapter:
        _in_use.set((*_in_use.get(), self))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        left = list(_in_use.get())
        del left[len(left) - 1 - left[::-1].index(self)]
        _in_use.set(tuple(left))

    def close(self) -> None:
        """Forgets the adapter. Errors: BusyError while an answer uses it.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     m.adapter(adapter).close()
        """
        with self._engine.use() as e:
            check(lib.roma_engine_adapter_close(e, c_path(self.name)))


def _is_text(messages: Messages) -> bool:
    """Nothing but roles that every chat template has, and texts."""
    return all(m.keys() == {"role", "content"} and m["role"] in ("system", "user", "assistant") and isinstance(m["content"], str) for m in messages)


class Model(_Bound):
    """An image, open, with an engine: `with roma.Model(path) as m`. Any thread may call it, and any number of models may be open.

    threads: that compute, 1 to 64 (0: all CPUs); context: tokens of a request (0: the model's own, at most 4096);
    running: answers that are computed together, each with room for a context; waiting: further ones that are taken;
    adapters, rank: room for so many of that rank at a time; sram_bytes: a limit of cache, adapters and activations;
    chip: a chip whose SRAM is a limit too; template: a chat template by name, or a file, in place of the model's own;
    isa: "scalar", "avx2", ..., else the best; kv: keys and values in the cache, "int8", "f16", "fp8" or "int4"; verify: look at the checksums; speculate: propose tokens, which changes no
    answer. Errors: MissingError, InputError, UsageError, DamagedError, NoMemoryError.

    >>> import roma
    >>> with roma.Model(image, context=128) as m:
    ...     m.name, m.vocab, m.hidden, m.context
    ('roma-tiny', 1024, 128, 128)
    >>> roma.Model("missing.roma")
    Traceback (most recent call last):
    ...
    roma.MissingError: missing.roma: there is no such file
    """

    def __init__(self, path: str | os.PathLike[str], *, threads: int = 0, context: int = 0, running: int = 0, waiting: int = 0, adapters: int = 1, rank: int = 0,
                 sram_bytes: int = 0, chip: str | None = None, template: str | None = None, isa: str | None = None, kv: str | None = None, verify: bool = True,
                 speculate: bool = True) -> None:
        c, keep = struct("roma_engine_config"), [None]  # type: Any, list[Any]
        for name, value in (("threads", threads), ("context", context), ("running", running), ("waiting", waiting), ("adapters", adapters), ("rank", rank)):
            setattr(c, name, count(name, value))
        c.sram_bytes = count("sram_bytes", sram_bytes, 2**64 - 1)
        for name, text in (("chip", chip), ("chat_template", template), ("isa", isa), ("kv", kv)):
            keep.append(c_path(text) if text is not None else ffi.NULL)
            setattr(c, name, keep[-1])
        c.no_verify, c.no_speculation = not verify, not speculate
        pointer = ffi.new("roma_engine **")
        check(lib.roma_engine_open(pointer, c_path(path), c), os.fspath(path))
        self._engine = _Engine(pointer[0])

    def close(self) -> None:
        """Cancels what is under way and frees everything. A second time nothing happens.

        >>> import roma
        >>> m = roma.Model(image)
        >>> m.close()
        >>> m.chat("Hi!")
        Traceback (most recent call last):
        ...
        roma.UsageError: the model is closed
        """
        self._engine.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_engine"):
            self.close()

    @property
    def name(self) -> str:
        """The model's name."""
        with self._engine.use() as e:
            return str(ffi.string(lib.roma_engine_name(e)).decode("utf-8", "replace"))

    @property
    def vocab(self) -> int:
        """Tokens of its vocabulary: the width of logits."""
        with self._engine.use() as e:
            return int(lib.roma_engine_vocab(e))

    @property
    def hidden(self) -> int:
        """The width of embeddings."""
        with self._engine.use() as e:
            return int(lib.roma_engine_hidden(e))

    @property
    def context(self) -> int:
        """Tokens of a request, prompt and answer together."""
        with self._engine.use() as e:
            return int(lib.roma_engine_context(e))

    # ---- queries ----

    def _prompt(self, q: Any, keep: list[Any], prompt: Prompt, raw: bool, special: bool = False, system: str | None = None, tools: Any = None,
                documents: Any = None, template_args: Mapping[str, Any] | None = None) -> None:
        """Fills the prompt of a query; what C reads later is kept in `keep`."""

        def kept(value: Any) -> Any:
            keep.append(value)
            return value

        def turns(messages: Messages) -> None:
            data = [(kept(c_text(m["role"])), m["content"].encode()) for m in messages]
            q.turns = kept(ffi.new("roma_turn[]", [(role, kept(ffi.new("char[]", text)), len(text)) for role, text in data]))
            q.n_turns = len(data)

        _check_prompt(prompt)
        before: Messages = [{"role": "system", "content": system}] if system is not None else []
        q.is_raw, q.has_special = raw, special
        if isinstance(prompt, str):
            turns([*before, {"role": "user", "content": prompt}])
        elif len(prompt) and isinstance(prompt[0], Mapping):
            messages: Any = [*before, *prompt]
            if _is_text(messages):
                turns(messages)
            else:
                q.messages = kept(c_text(json.dumps(messages)))
        else:
            if not len(prompt):
                raise InputError("the prompt is empty")
            q.ids = kept(ffi.from_buffer("int32_t[]", _as_int32(prompt, "a prompt is a text, a list of messages, or a list of token ids")))
            q.n_ids = len(prompt)
        for name, value in (("tools", tools), ("documents", documents)):
            if value is not None:
                setattr(q, name, kept(c_text(json.dumps(value))))
        arguments = [kept(c_text(f"{k}={json.dumps(v)}")) for k, v in (template_args or {}).items()]
        q.template_args, q.n_template_args = kept(ffi.new("char *[]", arguments)), len(arguments)

    def _adapters(self, keep: list[Any]) -> tuple[Any, int]:
        """Those of this model that are in use here and now."""
        mine = [a for a in _in_use.get() if a._engine is self._engine]
        names = [c_path(a.name) for a in mine]
        keep += names
        keep.append(listed := ffi.new("roma_engine_adapter[]", [(n, a.scale) for n, a in zip(names, mine)]))
        return listed, len(mine)

    def _query(self, keep: list[Any]) -> Any:
        q = struct("roma_query")
        q.adapters, q.n_adapters = self._adapters(keep)
        return q

    def _run(self, q: Any, keep: list[Any]) -> None:
        """A request whose arrays are what is wanted."""
        q.limit = 1
        with Stream(self, q, keep, 0) as s:
            for _ in s:
                pass

    # ---- answers ----

    def stream(self, prompt: Prompt, *, max_tokens: int | None = None, temperature: float = 0.0, top_p: float = 1.0, top_k: int = 0, min_p: float = 0.0,
               repeat_penalty: float = 1.0, seed: int | None = None, stop: str | Sequence[str] | None = None, raw: bool = False, system: str | None = None,
               tools: Any = None, documents: Any = None, template_args: Mapping[str, Any] | None = None) -> Stream:
        """Begins an answer and gives its text as it grows.

        The prompt is a text (of a user), a list of messages, or token ids. max_tokens: 512 where None; temperature 0: always the
        likeliest token; top_p, top_k, min_p: what is drawn among; repeat_penalty: divides the logits of the last 64 tokens; seed:
        of the draw, None: any; stop: texts that end the answer. raw: no chat template, the text is continued. system: a system
        message before the others. tools, documents, template_args: for the model's chat template.
        Errors: InputError, UsageError, ContextError, BusyError.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     "".join(m.stream("Who are you?", stop="Roma"))
        'I am '
        """
        keep: list[Any] = []
        q = self._query(keep)
        self._prompt(q, keep, prompt, raw, False, system, tools, documents, template_args)
        if max_tokens is not None and count("max_tokens", max_tokens) == 0:
            raise UsageError("an answer's limit must be at least 1 token")
        temperature, top_p = real("temperature", temperature), real("top_p", top_p)
        if seed is None:
            seed = secrets.randbits(64) if temperature > 0 else 0
        if not isinstance(stop, (str, Sequence, type(None))):
            raise TypeError(f"stop must be a text or a list of texts, not {stop!r}")
        stops = [stop] if isinstance(stop, str) else list(stop or [])
        q.limit, q.seed = count("max_tokens", max_tokens), count("seed", seed, 2**64 - 1)
        q.temperature, q.min_p, q.repeat_penalty = temperature, real("min_p", min_p), real("repeat_penalty", repeat_penalty)
        q.top_p, q.top_k = top_p, count("top_k", top_k)
        if top_p == 0:  # no share of the odds is left but the likeliest token's; the library's 0 is its default
            q.top_k = 1
        texts = [c_text(s) for s in stops]
        keep += texts
        keep.append(listed := ffi.new("char *[]", texts))
        q.stops, q.n_stops = listed, len(texts)
        return Stream(self, q, keep, seed)

    def chat(self, prompt: Prompt, *, max_tokens: int | None = None, temperature: float = 0.0, top_p: float = 1.0, top_k: int = 0, min_p: float = 0.0,
             repeat_penalty: float = 1.0, seed: int | None = None, stop: str | Sequence[str] | None = None, system: str | None = None, tools: Any = None,
             documents: Any = None, template_args: Mapping[str, Any] | None = None) -> Answer:
        """Answers a text or messages through the model's chat template; the settings are those of stream. Ctrl-C stops the answer.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     print(m.chat("Who are you?", max_tokens=40, temperature=0).text[:10])
        ...     str(m.chat([{"role": "user", "content": "Who are you?"}], max_tokens=3))
        I am Roma.
        'I am R'
        """
        with self.stream(prompt, max_tokens=max_tokens, temperature=temperature, top_p=top_p, top_k=top_k, min_p=min_p, repeat_penalty=repeat_penalty, seed=seed,
                         stop=stop, system=system, tools=tools, documents=documents, template_args=template_args) as s:
            return s.answer

    def generate(self, prompt: str | Sequence[int], *, max_tokens: int | None = None, temperature: float = 0.0, top_p: float = 1.0, top_k: int = 0, min_p: float = 0.0,
                 repeat_penalty: float = 1.0, seed: int | None = None, stop: str | Sequence[str] | None = None) -> Answer:
        """Continues a text or token ids, without a chat template; the settings are those of stream.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     str(m.generate("Once upon a", max_tokens=4))
        ' time, there was'
        """
        with self.stream(prompt, max_tokens=max_tokens, temperature=temperature, top_p=top_p, top_k=top_k, min_p=min_p, repeat_penalty=repeat_penalty, seed=seed,
                         stop=stop, raw=True) as s:
            return s.answer

    # ---- adapters ----

    def adapter(self, path: str | os.PathLike[str], scale: float = 1.0, *, any_base: bool = False) -> Adapter:
        """Opens an adapter file for `with`; scale: a factor on its own. any_base: also one that was made for other weights of the same shapes.

        Errors: MissingError, InputError, DamagedError; InputError at the answer, when adapters= and rank= of the model leave no room.

        >>> import roma
        >>> with roma.Model(image, rank=8) as m, m.adapter(adapter, 0.5):
        ...     len(str(m.chat("Who are you?"))) > 0
        True
        """
        name = c_path(path)
        with self._engine.use() as e:
            check(lib.roma_engine_adapter_open(e, name, name, any_base), os.fspath(path))
        return Adapter(self._engine, os.fspath(path), scale)

    # ---- tokens, logits, embeddings ----

    def _ids(self, q: Any) -> list[int]:
        n = ffi.new("size_t *")
        with self._engine.use() as e:
            check(lib.roma_engine_tokens(e, q, ffi.NULL, 0, n))
            ids = ffi.new("int32_t[]", n[0])
            check(lib.roma_engine_tokens(e, q, ids, n[0], n))
        return list(ffi.unpack(ids, n[0]))

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of a text, behind the model's beginning-of-text token where it has one. special: control tokens in the text count as such.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     m.detokenize(m.tokenize("Once upon a time"))
        'Once upon a time'
        """
        keep: list[Any] = []
        q = self._query(keep)
        self._prompt(q, keep, text, True, special)
        return self._ids(q)

    def detokenize(self, ids: Sequence[int], *, special: bool = False) -> str:
        """Text of token ids; control tokens are "" or, with special, their names. Bytes that are no UTF-8 become U+FFFD.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     m.detokenize(m.prompt("Hi!").ids)
        'user\\nHi!\\nassistant\\n'
        """
        text, data = ffi.new("char[]", 4096), b""
        array = _as_int32(ids, "token ids are a list of whole numbers")
        with self._engine.use() as e:
            for i in array:
                if not 0 <= i < lib.roma_engine_vocab(e):
                    raise InputError(f"token {i} is not in the vocabulary of {lib.roma_engine_vocab(e)}")
            of = lib.roma_engine_token_name if special else lib.roma_engine_token_text
            for i in array:
                data += bytes(ffi.unpack(text, min(4096, of(e, int(i), text, 4096))))
        return data.decode("utf-8", "replace")

    def prompt(self, prompt: str | Messages, *, system: str | None = None, tools: Any = None, documents: Any = None,
               template_args: Mapping[str, Any] | None = None) -> Rendered:
        """A prompt through the model's chat template: token ids, and the text that the model reads.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     print(m.prompt("Hi!").text)
        <|im_start|>user
        Hi!<|im_end|>
        <|im_start|>assistant
        <BLANKLINE>
        """
        keep: list[Any] = []
        q = self._query(keep)
        self._prompt(q, keep, prompt, False, False, system, tools, documents, template_args)
        ids = self._ids(q)
        return Rendered(ids, self.detokenize(ids, special=True))

    def _as_ids(self, prompt: str | Sequence[int]) -> Sequence[int]:
        _check_prompt(prompt)
        return self.tokenize(prompt) if isinstance(prompt, str) else prompt

    def logits(self, prompt: str | Sequence[int], *, every: bool = False) -> Floats:
        """Logits after a prompt, a text or token ids: an array of `vocab` FP32 values, which the engine fills. every: of each beginning
        of the prompt, an array (tokens, vocab); a token more costs one step.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     all_of_them, last = m.logits("Once upon a", every=True), m.logits("Once upon a")
        ...     m.detokenize([last.argmax()]), last.shape, bool((all_of_them[-1] == last).all())
        (' time', (1024,), True)
        """
        ids = self._as_ids(prompt)
        out = np.empty((len(ids) if every else 1, self.vocab), np.float32)
        for i, row in enumerate(out):
            keep: list[Any] = [ffi.from_buffer("float[]", row)]
            q = self._query(keep)
            self._prompt(q, keep, ids[: i + 1] if every else ids, True)
            q.prompt_logits = keep[0]
            self._run(q, keep)
        return out if every else np.asarray(out[0])

    def embeddings(self, prompt: str | Sequence[int]) -> Floats:
        """Each token of a prompt, a text or token ids, after the model's final norm: an array (tokens, hidden) of FP32, which the engine fills.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     m.embeddings("Once upon a time").shape == (len(m.tokenize("Once upon a time")), m.hidden)
        True
        """
        ids = self._as_ids(prompt)
        out = np.empty((len(ids), self.hidden), np.float32)
        keep: list[Any] = [ffi.from_buffer("float[]", out)]
        q = self._query(keep)
        self._prompt(q, keep, ids, True)
        q.prompt_rows = keep[0]
        self._run(q, keep)
        return out

    # ---- the cache in a file ----

    def save(self, path: str | os.PathLike[str], ids: Sequence[int], text: str = "") -> int:
        """Saves the cache of the longest beginning of these ids that the engine holds under the adapters in use, and a text with it; gives
        the number of ids. The file belongs to the image and to the adapters (docs/cache-format.md), and appears whole or not at all.
        Errors: InputError where the engine holds nothing of them; SystemRefusedError.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     asked = m.prompt("Who are you?")
        ...     ids = asked.ids + m.chat("Who are you?").ids
        ...     m.save(cache, ids, "a note") == len(ids)
        True
        """
        data, keep = text.encode(), []  # type: bytes, list[Any]
        array, held = ffi.from_buffer("int32_t[]", _as_int32(ids, "token ids are a list of whole numbers")), ffi.new("size_t *")
        with self._engine.use() as e:
            check(lib.roma_engine_cache_save(e, c_path(path), array, len(array), *self._adapters(keep), ffi.from_buffer(data), len(data), held))
        return int(held[0])

    def load(self, path: str | os.PathLike[str]) -> Saved:
        """Loads such a file: a prompt that begins with its ids is not computed again as far as they go.
        Errors: MissingError; InputError for another image's or other adapters'; DamagedError; ContextError; BusyError.

        >>> import roma
        >>> with roma.Model(image) as m:
        ...     asked = m.prompt("Who are you?")
        ...     held = m.save(cache, asked.ids + m.chat("Who are you?").ids, "a note")
        >>> with roma.Model(image) as m:
        ...     saved = m.load(cache)
        ...     saved.text, m.generate([*saved.ids, 5], max_tokens=1).shared_tokens == len(saved.ids)
        ('a note', True)
        """
        found: list[Saved] = []
        keep: list[Any] = []

        def loaded(_ctx: Any, c: Any) -> None:
            found.append(Saved(list(ffi.unpack(c.ids, c.n_ids)), bytes(ffi.unpack(c.text, c.text_len)).decode("utf-8", "replace") if c.text_len else ""))

        call = ffi.callback("void(void *, const roma_cache *)", loaded)
        with self._engine.use() as e:
            check(lib.roma_engine_cache_load(e, c_path(path), *self._adapters(keep), ffi.NULL, call), os.fspath(path))
        return found[0]
