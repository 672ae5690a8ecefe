"""The pre-tokenizers and normalizers that families of byte-level BPE were published with (`tokenizer.json`), under the names that GGUF files
have for them, as Hugging Face `tokenizers` takes them. Falcon 3's is the one that GGUF files of that name are read with."""
from tokenizers import Regex, normalizers, pre_tokenizers

CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|" + REST
QWEN2 = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|" + REST
QWEN35 = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
CASED = lambda suffix, digits: (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{suffix}|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{suffix}|{digits}|"
                                r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TEKKEN, GPT4O = CASED("", r"\p{N}"), CASED(CONTRACTION + "?", r"\p{N}{1,3}")
DEEPSEEK_LETTERS = (
    "A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373\u0376\u0377"
    "\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F\u0531-\u0556"
    "\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77\u1D79-\u1D9A"
    "\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4"
    "\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102"
    "\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149"
    "\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F"
    "\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\U00010400-\U0001044F"
    "\U000104B0-\U000104D3\U000104D8-\U000104FB\U00010C80-\U00010CB2\U00010CC0-\U00010CF2\U000118A0-\U000118DF"
    "\U0001E900-\U0001E943")


def split(*patterns):
    """Splits, one after the other, then bytes."""
    parts = [pre_tokenizers.Split(Regex(p), "isolated") if isinstance(p, str) else p for p in patterns]
    return pre_tokenizers.Sequence(parts + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def digits():
    return pre_tokenizers.Digits(individual_digits=True)


def gpt2():
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def single_digits():
    return pre_tokenizers.Sequence([digits(), gpt2()])


def falcon():
    return pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), gpt2(), pre_tokenizers.Digits(individual_digits=False),
                                    pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])


CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
# name: pre-tokenizer, whether text is brought to form C, whether a piece that is a token is that token
PUBLISHED = {
    "gpt-2": (gpt2, False, False), "mpt": (gpt2, True, False),
    "smollm": (single_digits, False, False), "starcoder": (single_digits, False, False), "refact": (single_digits, False, False),
    "command-r": (single_digits, True, False),
    "llama-bpe": (lambda: split(LLAMA3), False, True), "falcon3": (lambda: split(LLAMA3), False, True), "smaug-bpe": (lambda: split(LLAMA3), False, False),
    "qwen2": (lambda: split(QWEN2), True, False), "qwen35": (lambda: split(QWEN35), False, False),
    "tekken": (lambda: split(TEKKEN), False, True), "gpt-4o": (lambda: split(GPT4O), False, False),
    "deepseek-llm": (lambda: split("[\r\n]", rf"\s?[{DEEPSEEK_LETTERS}]+", "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", r"\s+$", CJK, digits()), False, False),
    "deepseek-coder": (lambda: split("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, digits()), False, False),
    "falcon": (falcon, False, False),
}


def set_up(tokenizer, name):
    make, composed, _ = PUBLISHED[name]
    tokenizer.pre_tokenizer = make()
    if composed:
        tokenizer.normalizer = normalizers.NFC()
