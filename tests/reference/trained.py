#!/usr/bin/env python3
"""usage: trained.py DRIVER [--count N] [--merges N] [--name NAME] [--out FILE]

For every pre-tokenizer a BPE trained on the spot by Hugging Face `tokenizers` with the expression that its family was published with
(pretokenizers.py), written as a GGUF file that holds a tokenizer and nothing else: the same ids of random strings. Beside them a
SentencePiece BPE of the kind that Gemma has, without the first space. DRIVER is build/tests/text/tokenize_lines; needs
tokenizers==0.23.3 and gguf==0.19.0."""
import argparse
import os
import random
import struct
import subprocess
import sys
import tempfile

import gguf
import tokenizers
from tokenizers import Tokenizer, models, normalizers, trainers

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pretokenizers import PUBLISHED, set_up
from tokenizer_texts import strings

NORMAL, CONTROL, BYTE, UNKNOWN = 1, 3, 6, 2


def alphabet():
    """The 256 characters of the byte alphabet."""
    return tokenizers.pre_tokenizers.ByteLevel.alphabet()


def bpe(name, texts, merges):
    whole = PUBLISHED[name][2]
    t = Tokenizer(models.BPE())
    set_up(t, name)
    trainer = trainers.BpeTrainer(vocab_size=257 + merges, initial_alphabet=alphabet(), special_tokens=["<|end|>"], show_progress=False)
    t.train_from_iterator(texts, trainer)
    state = __import__("json").loads(t.to_str())
    vocab, pairs = state["model"]["vocab"], [tuple(m) for m in state["model"]["merges"]]
    t.model = models.BPE(vocab, pairs, ignore_merges=whole)
    t.add_special_tokens(["<|end|>"])
    return t, vocab, pairs


def spm(texts, merges):
    t = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    special = ["<pad>", "<eos>", "<bos>", "<unk>"] + ["<0x%02X>" % b for b in range(256)]
    # Words are learnt by themselves, and runs of spaces, as SentencePiece does.
    t.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex("▁*[^▁]+|▁+"), "isolated")
    trainer = trainers.BpeTrainer(vocab_size=len(special) + 200 + merges, special_tokens=special, limit_alphabet=200, show_progress=False)
    t.train_from_iterator(texts, trainer)
    state = __import__("json").loads(t.to_str())
    vocab, pairs = state["model"]["vocab"], [tuple(m) for m in state["model"]["merges"]]
    t = Tokenizer(models.BPE(vocab, pairs, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    t.normalizer = normalizers.Replace(" ", "▁")
    return t, vocab, pairs


def write(path, name, vocab, pairs):
    """A GGUF file of the tokenizer alone."""
    tokens = [k for k, _ in sorted(vocab.items(), key=lambda kv: kv[1])]
    w = gguf.GGUFWriter(path, "llama")
    w.add_token_list(tokens)
    if name == "gemma":
        first = {}
        for i, (a, b) in enumerate(pairs):
            first.setdefault(a + b, i)
        w.add_tokenizer_model("llama")
        w.add_token_scores([-float(first.get(t, len(pairs))) for t in tokens])
        kinds = {"<unk>": UNKNOWN, "<pad>": CONTROL, "<eos>": CONTROL, "<bos>": CONTROL}
        w.add_token_types([kinds.get(t, NORMAL) for t in tokens])  # bytes too are normal here: their text says what they are
        w.add_unk_token_id(tokens.index("<unk>"))
        w.add_add_space_prefix(False)
    else:
        w.add_tokenizer_model("gpt2")
        w.add_tokenizer_pre(name)
        w.add_token_types([CONTROL if t == "<|end|>" else NORMAL for t in tokens])
        w.add_token_merges([" ".join(p) for p in pairs])
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


class Ours:
    def __init__(self, driver, path):
        self.p = subprocess.Popen([driver, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ids(self, text):
        data = text.encode()
        self.p.stdin.write(struct.pack("<cBI", b"t", 0, len(data)) + data)
        self.p.stdin.flush()
        n, = struct.unpack("<I", self.p.stdout.read(4))
        return list(struct.unpack(f"<{n}I", self.p.stdout.read(4 * n)))

    def close(self):
        self.p.stdin.close()
        return self.p.wait()


def scrambled(r, count):
    """Short strings over few characters of every kind, where the expressions' corners lie."""
    few = list("aAbZ1 279\t\n\r'.,!/$+<^`~-") + list("éÉßǅªʰ中あ가ไ्́̈\u0345²½¼٣Ⅷ\u00a0\u3000\u2028\u0085«…。！＋") + ["'s", "'LL", "\u017f", "\u0e33", "\u2e52", "\u166d",
           "\U000111c9", "\U00011DE2", "\U00010400", "\U0001e900", "😀", "\u200d", "\x00", "\x7f", "  ", "\r\n", "123", "//", "ab", "AB", "м", "г"]
    return ["".join(r.choice(few) for _ in range(r.randint(1, 14))) for _ in range(count)]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("driver")
    a.add_argument("--count", type=int, default=10000)
    a.add_argument("--merges", type=int, default=2000)
    a.add_argument("--name", action="append")
    a.add_argument("--out")
    a = a.parse_args()
    corpus = strings(6000, 101, ["<x>"]) + scrambled(random.Random(7), 2000)
    texts = strings(a.count - a.count // 3, 11, ["<x>"]) + scrambled(random.Random(13), a.count // 3)
    lines, wrong = [], 0
    with tempfile.TemporaryDirectory() as folder:
        for name in a.name or [*PUBLISHED, "gemma"]:
            t, vocab, pairs = spm(corpus, a.merges) if name == "gemma" else bpe(name, corpus, a.merges)
            path = os.path.join(folder, name + ".gguf")
            write(path, name, vocab, pairs)
            ours, differ = Ours(a.driver, path), []
            for text, want in zip(texts, t.encode_batch(texts, add_special_tokens=False)):
                got = ours.ids(text)
                if got != want.ids:
                    differ.append((text, got, want.ids))
            ours.close()
            wrong += len(differ)
            lines.append(f"{name:16} {len(vocab)} tokens, {len(pairs)} merges, {len(texts)} strings, {len(differ)} differ")
            tokens = {i: k for k, i in vocab.items()}
            for text, got, want in differ[:5]:
                print(f"  {text!r}\n    ours {[tokens[i] for i in got]}\n    want {[tokens[i] for i in want]}")
            print(lines[-1], flush=True)
    lines.append(f"{wrong} differences (tokenizers {tokenizers.__version__})")
    print(lines[-1])
    if a.out:
        with open(a.out, "w") as f:
            f.write("\n".join(lines) + "\n")
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
