#!/usr/bin/env python3
"""Reads both GGUF files back and writes the numbers that tests compare with (formats: README.md).

The values come from PyTorch on the file's (dequantised) weights, and are checked here against a
second forward pass in numpy float64 that shares no code with model.py.

    python3 fixtures.py            # writes logits.bin, greedy.txt, tokens.txt; prints samples
    python3 fixtures.py --check    # compares the files that are there, writes nothing
"""
import argparse
import os
import struct
import sys

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from gen_stories import documents
from model import CFG, Tiny
from train import evaluate, pack

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = ["tiny-f32.gguf", "tiny-q4.gguf"]
CONTINUE = 48
ENDS = (0, 2)     # <|endoftext|>, <|im_end|>


def chat(*turns):
    t = "".join("<|im_start|>%s\n%s<|im_end|>\n" % x for x in turns)
    return t + "<|im_start|>assistant\n"


LONG = chat(
    ("system", "You are a kind storyteller."), ("user", "Tell me a story about a fox and a kite."),
    ("assistant", "Once upon a time, there was a clever fox named Ruby. Ruby had a yellow kite that she loved very much. One windy "
     "day, Ruby took the kite up the hill. But a strong wind blew the kite away. Ruby was very sad. Just then, a kind goat named Hugo "
     "came by. \"Why are you sad?\" asked Hugo. \"I lost my kite,\" said Ruby. \"I will help you look for it,\" said Hugo. They looked "
     "everywhere. At last, they found the kite on top of a fence. \"Thank you, Hugo!\" said Ruby. From that day on, Ruby and Hugo were "
     "best friends."), ("user", "What does a cow say?"), ("assistant", "A cow says moo."),
    ("user", "Tell me a story about a dog and a drum."),
    ("assistant", "There once was a small dog called Finn. His favorite thing was a red drum. One day, Finn was playing in the garden "
     "with the drum. Soon Finn saw a quiet owl. Her name was Nora. \"Can I play with your drum?\" asked Nora. \"No, it is mine,\" said "
     "Finn. Nora was sad and walked away. Finn felt bad. It was no fun to play alone. So he went to Nora and said, \"I am sorry. We can "
     "play together.\" Nora smiled, and they played with the drum all day. Finn learned that it is good to share."),
    ("user", "What was the name of the owl?"))
PROMPTS = ["Once upon a time", chat(("user", "Tell me a story about a cat and a ball.")),
           "Lily was a curious girl. She had a red", chat(("user", "What color is the sky?")), LONG]
SAMPLES = PROMPTS[:4] + [chat(("user", "Tell me a story about an owl and a key.")), chat(("user", "Tell me a story about a girl named Lily.")),
                         chat(("user", "Tell me a story about a bear who makes soup.")), chat(("user", "Who are you?")),
                         chat(("user", "Count to seven."))]
STRINGS = ["", "Hello, world!", "Once upon a time", "  two  spaces\n\nand lines\t\ttabs ", "I'm we're they'll it's DON'T",
           "In 2024 there were 1234567 ducks.", "na\u00efve caf\u00e9 \u2014 \u00fcber", "\u4f60\u597d\uff0c\u4e16\u754c", "\U0001f600\U0001f680 ok",
           "a\u00a0b\u3000c", "<|im_start|>user\nHi!<|im_end|>\n", "x<|endoftext|>y", "<|im_start", "\u0645\u0631\u062d\u0628\u0627 \u0928",
           "tab\tend", "\r\nwin\r\n", "under_score-dash/slash\\back", "The the THE tHe", "   ", "\n", "e\u0301 combining", "12 345,67 \u00bd \u2167"]


def load(path):
    """name -> float32 array (dequantised), header checks on the way."""
    r = gguf.GGUFReader(path)
    return {t.name: gguf.quants.dequantize(np.array(t.data), t.tensor_type).astype(np.float32) for t in r.tensors}


def torch_model(w):
    """model.py on the weights of a GGUF file: Q and K rows back to the half-split order."""
    m, sd = Tiny(), {}
    back = dict(attn_q="wq", attn_k="wk", attn_v="wv", attn_output="wo", ffn_gate="gate", ffn_up="up", ffn_down="down")
    for n, a in w.items():
        p = n.split(".")
        if p[0] == "blk":
            if p[2] in ("attn_q", "attn_k"):
                h = CFG["heads"] if p[2] == "attn_q" else CFG["kv_heads"]
                a = a.reshape(h, a.shape[0] // h // 2, 2, a.shape[1]).swapaxes(1, 2).reshape(a.shape)
            n = "blk.%s.%s.weight" % (p[1], back.get(p[2], p[2]))
        else:
            n = {"token_embd.weight": "embd.weight", "output_norm.weight": "norm.weight"}[n]
        sd[n] = torch.from_numpy(np.ascontiguousarray(a))
    m.load_state_dict(sd)
    return m.eval()


def numpy_logits(w, ids):
    """Independent of model.py: float64, neighbouring RoPE pairs as the file has them; logits of the last position."""
    w = {k: v.astype(np.float64) for k, v in w.items()}
    h, kv, hd = CFG["heads"], CFG["kv_heads"], CFG["dim"] // CFG["heads"]
    x, t = w["token_embd.weight"][ids], len(ids)
    norm = lambda x, g: x / np.sqrt((x * x).mean(-1, keepdims=True) + CFG["eps"]) * g
    ang = np.arange(t)[:, None] * CFG["theta"] ** (-2.0 * np.arange(hd // 2) / hd)
    z = np.exp(1j * ang)[:, None, :]

    def rot(x):
        c = (x[..., 0::2] + 1j * x[..., 1::2]) * z
        return np.stack((c.real, c.imag), -1).reshape(x.shape)

    for i in range(CFG["layers"]):
        p = lambda n: w["blk.%d.%s.weight" % (i, n)]
        a = norm(x, p("attn_norm"))
        q = rot((a @ p("attn_q").T).reshape(t, h, hd))
        k = rot((a @ p("attn_k").T).reshape(t, kv, hd))
        v = (a @ p("attn_v").T).reshape(t, kv, hd)
        o = np.empty((t, h, hd))
        for j in range(h):
            s = q[:, j] @ k[:, j // (h // kv)].T / hd ** 0.5
            s[np.triu_indices(t, 1)] = -np.inf
            s = np.exp(s - s.max(-1, keepdims=True))
            o[:, j] = s / s.sum(-1, keepdims=True) @ v[:, j // (h // kv)]
        x = x + o.reshape(t, -1) @ p("attn_output").T
        a = norm(x, p("ffn_norm"))
        g = a @ p("ffn_gate").T
        x = x + (g / (1 + np.exp(-g)) * (a @ p("ffn_up").T)) @ p("ffn_down").T
    return norm(x[-1], w["output_norm.weight"]) @ w["token_embd.weight"].T


def esc(s):
    return s.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def logits_bin(ids, logits):
    out = struct.pack("<8sIII", b"ROMALOG1", len(ids), len(FILES), CFG["vocab"])
    for i, p in enumerate(ids):
        out += struct.pack("<I%dI" % len(p), len(p), *p)
        for f in range(len(FILES)):
            out += logits[f][i].astype("<f4").tobytes()
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--dir", default=HERE)
    ap.add_argument("--check", action="store_true")
    a = ap.parse_args()
    torch.set_num_threads(1)
    tok = Tokenizer.from_file(os.path.join(a.dir, "tokenizer.json"))
    ids = [tok.encode(p).ids for p in PROMPTS]
    val, _, _ = pack(tok, documents(300, 1, val=True))
    logits, greedy, kl = [], [], []
    for f in FILES:
        w = load(os.path.join(a.dir, f))
        assert "output.weight" not in w
        m = torch_model(w)
        with torch.no_grad():
            z = [m(torch.tensor([p]))[0, -1].numpy() for p in ids]
            kl.append(torch.log_softmax(m(torch.from_numpy(val[:8 * 512]).view(8, 512)), -1))
        diff = max(np.abs(numpy_logits(w, p) - y).max() for p, y in zip(ids, z))
        print("%s: validation loss %.4f, largest |logit| %.2f, largest difference to numpy float64 %.1e"
              % (f, evaluate(m, val), max(np.abs(y).max() for y in z), diff))
        assert diff <= 1e-4
        logits.append(z)
        greedy.append([m.generate(p, CONTINUE, stop=ENDS) for p in ids])
        # the gap between the two best logits says how much rounding a greedy test can bear
        gap = 1e9
        with torch.no_grad():
            for p, g in zip(ids, greedy[-1]):
                y = m(torch.tensor([(p + g)[:-1]]))[0, len(p) - 1:].topk(2).values
                gap = min(gap, float((y[:, 0] - y[:, 1]).min()))
        print("    smallest gap between first and second token on the greedy paths %.4f" % gap)
        rng = torch.Generator().manual_seed(7)
        if not a.check:
            for p in SAMPLES:
                for temp in (0.0, 0.7):
                    o = m.generate(tok.encode(p).ids, 200, temp=temp, stop=ENDS, rng=rng)
                    print("  [%s, %.1f] %s >>> %s" % (f, temp, esc(p), tok.decode(o, skip_special_tokens=False)))
    p, q = kl
    print("KL(f32 || q4) %.5f nats a token, same first token %.2f %%"
          % (float((p.exp() * (p - q)).sum(-1).mean()), 100 * float((p.argmax(-1) == q.argmax(-1)).float().mean())))
    g = "# prompt / ids / per file: continuation ids, text, end token or -; escapes \\n \\r \\t \\\\\n"
    for i, p in enumerate(PROMPTS):
        g += "prompt %s\nids %s\n" % (esc(p), " ".join(map(str, ids[i])))
        for f, c in zip(FILES, greedy):
            out, end = (c[i][:-1], c[i][-1]) if c[i][-1] in ENDS else (c[i], "-")
            g += "%s %s\ntext %s\nend %s\n" % (f, " ".join(map(str, out)), esc(tok.decode(out, skip_special_tokens=False)), end)
    t = "# text / ids; escapes \\n \\r \\t \\\\; special tokens are recognised in the text\n"
    for s in STRINGS:
        e = tok.encode(s).ids
        assert tok.decode(e, skip_special_tokens=False) == s
        t += "text %s\nids %s\n" % (esc(s), " ".join(map(str, e)))
    bad = False
    for name, data in (("logits.bin", logits_bin(ids, logits)), ("greedy.txt", g.encode()), ("tokens.txt", t.encode())):
        path = os.path.join(a.dir, name)
        if not a.check:
            with open(path, "wb") as f:
                f.write(data)
            continue
        with open(path, "rb") as f:
            old = f.read()
        same = old == data
        if not same and name == "logits.bin":     # another CPU may round the last bits differently
            x, y = (np.frombuffer(b[20:], "<f4") for b in (old, data))
            same = len(x) == len(y) and np.abs(np.nan_to_num(x - y)).max() <= 1e-4
        print(name, "agrees" if same else "DIFFERS")
        bad |= not same
    return bad


if __name__ == "__main__":
    sys.exit(main())
