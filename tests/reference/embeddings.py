#!/usr/bin/env python3
"""/v1/embeddings of `roma serve` against transformers: the mean over a prompt of `last_hidden_state`, which stands behind the final norm,
divided by its length, on the dequantised weights of one GGUF file, without and with PEFT adapters.

usage: embeddings.py ROMA MODEL.gguf [NAME=PEFT_FOLDER]... [--write FILE.json]

Prompts go to both sides as ids, those of Hugging Face's tokenizer made from the file, and, but for the one with marks of a chat, once more to
the server as text, which must give the same numbers. Prints the least and the median cosine of each model; next to them what the reference would say of a wrong answer:
another prompt, the rows before the norm, the last row alone, and the base in the place of an adapter. Exit code 1 under 0.999.
--write: what tests/cli/test_serve.py compares with: ids, and PyTorch's vector.
"""
import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import peft
import torch
import transformers

import hf_base

LEAST = 0.999
TEXTS = [
    "Once upon a time", "The", "The capital of France is Paris.", "Who are you?", "Tell me a story about a cat and a ball.",
    "Water boils at 100 degrees; it freezes at 0.", "def add(a, b):\n    return a + b\n", "#include <stdio.h>\nint main(void) { return 0; }",
    "La mer est calme ce matin.", "Der Hund schläft unter dem Tisch.", "数字は 3.14159 です。", "naïve café – “quoted” … 😀", "1234567890 " * 8,
    "        \n\n\n\t\t  spaces", "a a a a a a a a a a a a a a a a", "{\"name\": \"Ada\", \"born\": 1815, \"tags\": [\"maths\", null]}",
    "SELECT name FROM users WHERE age > 30 ORDER BY name;", "HELLO WORLD, THIS IS LOUD!", "x = (-b + sqrt(b^2 - 4ac)) / 2a",
    "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\n", "The quick brown fox jumps over the lazy dog. " * 4,
    "It was a dark night. The rain fell on the roof, and nobody slept. " * 8, "the of and to in is that for it as with on be at by this",
    "Lily had a red ball. She took the ball to the park. Then a big dog came by, and Lily was happy. " * 12,
]


class Server:
    def __init__(self, roma, image, loras):
        words = [w for name, path in loras for w in ("--lora", f"{name}={path}")]
        self.p = subprocess.Popen([roma, "serve", image, "--name", "base", *words, "--port", "0"], stdout=subprocess.PIPE, text=True)
        while "listening" not in (line := self.p.stdout.readline()):
            if not line:
                sys.exit("the server did not start")
        self.port = int(re.search(r":(\d+)( |,|$)", line).group(1))

    def embed(self, model, inputs):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        c.request("POST", "/v1/embeddings", json.dumps({"model": model, "input": inputs}))
        r = c.getresponse()
        answer = json.loads(r.read())
        if r.status != 200:
            sys.exit(f"{r.status}: {answer}")
        return np.array([d["embedding"] for d in answer["data"]])


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


@torch.inference_mode()
def of_transformers(model, ids):
    """Three vectors of length 1 of a prompt: the mean behind the norm, the mean before the norm, the last row behind the norm."""
    before, inner = [], model.get_base_model().model if isinstance(model, peft.PeftModel) else model.model
    hook = inner.norm.register_forward_pre_hook(lambda _, x: before.append(x[0]))
    rows = inner(torch.tensor([ids])).last_hidden_state[0].double().numpy()
    hook.remove()
    return unit(np.stack([rows.mean(0), before[0][0].double().numpy().mean(0), rows[-1]]))


def compare(name, got, ref, base):
    """A line of figures; the least cosine."""
    same, other = (got * ref[:, 0]).sum(1), got @ ref[:, 0].T - 2 * np.eye(len(got))
    long = (ref[:, 0] * ref[:, 2]).sum(1) < 1 - 1e-9  # of one token the last row is the mean

    def most(rows):
        return float((got * rows).sum(1)[long].max())

    wrong = f"at most, of another prompt {other.max():.4f}, of rows before the norm {most(ref[:, 1]):.4f}, of the last row {most(ref[:, 2]):.4f}"
    if base is not None:
        wrong += f", of the base {most(base[:, 0]):.4f}"
    print(f"{name:12} {len(got)} prompts: cosine least {same.min():.6f} (prompt {same.argmin()}), median {np.median(same):.6f}; {wrong}", flush=True)
    return float(same.min())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("roma")
    parser.add_argument("gguf")
    parser.add_argument("adapters", nargs="*")
    parser.add_argument("--write")
    o = parser.parse_args()
    torch.set_num_threads(2)
    adapters = [a.split("=", 1) for a in o.adapters]
    base, tok = hf_base.load(o.gguf)
    ids = [tok.encode(t, add_special_tokens=False).ids for t in TEXTS]
    print(f"{os.path.basename(o.gguf)}, torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}; prompts of {min(map(len, ids))} to {max(map(len, ids))} tokens")
    with tempfile.TemporaryDirectory() as folder:
        roma, image = os.path.abspath(o.roma), os.path.join(folder, "base.roma")
        subprocess.run([roma, "build", o.gguf, "-o", image], check=True, stdout=subprocess.DEVNULL)
        loras = [(name, os.path.join(folder, name + ".lora.roma")) for name, _ in adapters]
        for (name, path), (_, peft_folder) in zip(loras, adapters):
            subprocess.run([roma, "adapter", "build", peft_folder, "--base", image, "-o", path], check=True, stdout=subprocess.DEVNULL)
        server = Server(roma, image, loras)
        try:
            reference = np.stack([of_transformers(base, i) for i in ids])
            got = server.embed("base", ids)
            least = [compare("base", got, reference, None)]
            plain = [i for i, t in enumerate(TEXTS) if "<|" not in t]  # marks in a client's text are text to the server
            texts = sum(np.array_equal(server.embed("base", TEXTS[i])[0], got[i]) for i in plain)
            print(f"{'base':12} {texts} of {len(plain)} prompts without marks give the same numbers as text")
            for name, peft_folder in adapters:
                model = peft.PeftModel.from_pretrained(hf_base.load(o.gguf)[0], peft_folder).eval()
                least.append(compare(name, server.embed(name, ids), np.stack([of_transformers(model, i) for i in ids]), reference))
        finally:
            server.p.terminate()
            server.p.wait()
    if o.write:
        with open(o.write, "w", encoding="utf-8") as f:
            rows = [json.dumps({"ids": i, "vector": [round(x, 5) for x in r[0]]}, separators=(",", ":")) for i, r in zip(ids, reference.tolist())]
            f.write("[\n" + ",\n".join(rows) + "\n]\n")
    return not (min(least) >= LEAST and texts == len(plain))


if __name__ == "__main__":
    sys.exit(main())
