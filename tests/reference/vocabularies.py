#!/usr/bin/env python3
"""usage: vocabularies.py ROMA FOLDER [--out FILE]

Vocabularies as GGUF files, each with texts (.inp) and the ids that its own tokenizer gives them (.out), through `roma tokenize`: the same
ids, or a refusal that names the kind; then Llama 2's with its byte tokens typed as plain ones, as some files have them. FOLDER is vendor/llama.cpp/models of PyPI's source archive of llama-cpp-python 0.3.36."""
import argparse
import glob
import os
import struct
import subprocess
import sys
import tempfile

REFUSED = {"bert-bge": "WordPiece", "gemma-4": "gemma4"}  # what has no implementation, and the word that says so


def tokenize(roma, path, text, *more):
    r = subprocess.run([roma, "tokenize", path, "-f", "-", *more], input=text.encode(), capture_output=True)
    return r.returncode, r.stdout.decode().split(), r.stderr.decode().strip()


def untyped(roma, path):
    """Texts whose ids differ where the byte tokens <0x00> to <0xFF> are of type NORMAL instead of BYTE."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    at = data.index(b"tokenizer.ggml.token_type") + len(b"tokenizer.ggml.token_type")
    for i in range(struct.unpack_from("<Q", data, at + 8)[0]):
        if struct.unpack_from("<i", data, at + 16 + 4 * i)[0] == 6:
            struct.pack_into("<i", data, at + 16 + 4 * i, 1)
    with tempfile.NamedTemporaryFile() as f:
        f.write(data)
        f.flush()
        cases = {"line one\nline two": "1196 697 13 1220 1023", "🎉": "29871 243 162 145 140"}
        return [t for t, ids in cases.items() if tokenize(roma, f.name, t)[:2] != (0, ids.split())]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("roma")
    a.add_argument("folder")
    a.add_argument("--out")
    a = a.parse_args()
    lines, wrong, n = [], 0, 0
    for texts in sorted(glob.glob(os.path.join(a.folder, "ggml-vocab-*.gguf.inp"))):
        path, n = texts[:-len(".inp")], n + 1
        name = os.path.basename(path)[len("ggml-vocab-"):-len(".gguf")]
        with open(texts, encoding="utf-8", newline="") as f:
            texts = f.read().split("\n__ggml_vocab_test__\n")
        with open(path + ".out") as f:
            want = [line.split() for line in f.read().split("\n")]
        if name in REFUSED:
            code, _, said = tokenize(a.roma, path, "a")
            good = code == 2 and REFUSED[name] in said
            lines.append(f"{name:16} {'refused: ' + said.split(': ', 2)[-1] if good else 'DIFFERENT: not refused by name'}")
            wrong += not good
            continue
        differ = [t for t, ids in zip(texts, want) if tokenize(a.roma, path, t) [:2] != (0, ids)]
        wrong += len(differ)
        lines.append(f"{name:16} {len(texts)} texts, {len(differ)} differ" + "".join(f"\n    {t[:60]!r}" for t in differ[:5]))
    differ = untyped(a.roma, os.path.join(a.folder, "ggml-vocab-llama-spm.gguf"))
    wrong += len(differ)
    lines.append(f"llama-spm, bytes as plain tokens: 2 texts, {len(differ)} differ")
    lines.append(f"{n} vocabularies, {wrong} differences")
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if a.out:
        with open(a.out, "w") as f:
            f.write(text)
    return wrong != 0 or n != 15


if __name__ == "__main__":
    sys.exit(main())
