"""A small FP32 evaluation of LLaMA-family GGUF models in PyTorch.

It is the yardstick of this project: weights are dequantised to FP32 by the
`gguf` package, every operation is plain FP32 (RoPE angles in FP64), and
nothing of our engine is used.  Architectures: llama (also Mistral and
SmolLM2), qwen2, qwen3.

Everything an arithmetic choice may change goes through `Hooks`; the hooks of
this file change nothing.
"""
import math

import gguf
import numpy as np
import torch
import torch.nn.functional as F


# ------------------------------------------------------------------ tokenizer

def hf_tokenizer(path_or_reader):
    """Byte-level BPE tokenizer from the GGUF's own vocabulary and merges.

    SmolLM2's pre-tokenizer ("smollm") splits digits one by one before the
    byte-level split; loaders that leave that out give other ids.
    """
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    r = path_or_reader
    if not isinstance(r, gguf.GGUFReader):
        r = gguf.GGUFReader(r)
    model = r.fields["tokenizer.ggml.model"].contents()
    pre = r.fields["tokenizer.ggml.pre"].contents()
    if model != "gpt2":
        raise SystemExit(f"tokenizer model {model!r}: only gpt2 (byte-level BPE) is done here")
    tokens = r.fields["tokenizer.ggml.tokens"].contents()
    types = r.fields["tokenizer.ggml.token_type"].contents()
    merges = r.fields["tokenizer.ggml.merges"].contents()
    bpe = models.BPE(vocab={t: i for i, t in enumerate(tokens)},
                     merges=[tuple(m.split(" ", 1)) for m in merges],
                     ignore_merges=(pre == "llama-bpe"))
    tok = Tokenizer(bpe)
    if pre in ("smollm", "starcoder", "refact", "command-r"):
        tok.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True),
             pre_tokenizers.ByteLevel(add_prefix_space=False)])
    elif pre in ("llama-bpe", "qwen2"):
        digits = r"\p{N}{1,3}" if pre == "llama-bpe" else r"\p{N}"
        rx = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|" + digits +
              r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
        tok.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(Regex(rx), "isolated"),
             pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    elif pre in ("gpt-2", "default"):
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        raise SystemExit(f"pre-tokenizer {pre!r} is not done here")
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens([AddedToken(t, special=True, normalized=False)
                            for t, k in zip(tokens, types) if k == 3])
    return tok


def encode_file(gguf_path, text_path, special=False):
    """Token ids of a text; a BOS only where the model's own settings ask for it."""
    r = gguf.GGUFReader(gguf_path)
    tok = hf_tokenizer(r)
    with open(text_path, encoding="utf-8", newline="") as f:
        text = f.read()
    tok.encode_special_tokens = not special
    ids = tok.encode(text, add_special_tokens=False).ids
    add = r.fields.get("tokenizer.ggml.add_bos_token")
    if add is not None and add.contents():
        ids = [r.fields["tokenizer.ggml.bos_token_id"].contents()] + ids
    return ids


def windows_of(ids, ctx, n=None):
    """[n, ctx] array of consecutive windows; an incomplete last one is dropped."""
    have = len(ids) // ctx
    n = have if n is None else n
    if n > have:
        raise SystemExit(f"the text has {have} windows of {ctx}, {n} were asked for")
    return np.asarray(ids[:n * ctx], dtype=np.int32).reshape(n, ctx)


def scored(ctx):
    """Positions whose next token is scored: ctx/2 .. ctx-2."""
    return slice(ctx // 2, ctx - 1)


# ---------------------------------------------------------------------- hooks

def attention_fp32(q, k, v, mask):
    """q [B,H,T,D], k and v [B,HKV,S,D], mask [T,S] (True = may look)."""
    B, H, T, D = q.shape
    hkv = k.shape[1]
    qg = q.reshape(B, hkv, H // hkv, T, D)
    s = torch.matmul(qg, k.unsqueeze(2).transpose(-1, -2)) * (1.0 / math.sqrt(D))
    s = s.masked_fill(~mask, float("-inf"))
    p = torch.softmax(s, dim=-1)
    return torch.matmul(p, v.unsqueeze(2)).reshape(B, H, T, D)


class Hooks:
    """Plain FP32; subclasses model an arithmetic choice."""

    def act(self, x, name):                 # input of a linear layer
        return x

    def normed(self, x, g, eps, name):      # RMSNorm whose result feeds linears
        inv = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)
        return self.act(x * inv * g, name)

    def attention(self, q, k, v, mask):     # after RoPE
        return attention_fp32(q, k, v, mask)


# ---------------------------------------------------------------------- model

class Model:
    def __init__(self, path):
        r = gguf.GGUFReader(path)
        self.reader = r

        def key(name, default=None):
            f = r.fields.get(f"{self.arch}.{name}")
            return default if f is None else f.contents()

        self.arch = r.fields["general.architecture"].contents()
        if self.arch not in ("llama", "qwen2", "qwen3"):
            raise SystemExit(f"architecture {self.arch!r} is not done here")
        self.n_layer = key("block_count")
        self.d = key("embedding_length")
        self.n_head = key("attention.head_count")
        self.n_kv = key("attention.head_count_kv", self.n_head)
        self.head_dim = key("attention.key_length", self.d // self.n_head)
        self.eps = key("attention.layer_norm_rms_epsilon")
        self.rot = key("rope.dimension_count", self.head_dim)
        base = key("rope.freq_base", 10000.0)
        self.neox = self.arch != "llama"
        kind = key("rope.scaling.type", "none")
        factor = key("rope.scaling.factor", key("rope.scale_linear", 1.0))
        if kind not in ("none", "linear"):
            raise SystemExit(f"rope scaling {kind!r} is not done here")

        self.w = {}
        for t in r.tensors:
            shape = tuple(int(s) for s in reversed(t.shape))
            a = gguf.dequantize(t.data, t.tensor_type).astype(np.float32).reshape(shape)
            self.w[t.name] = torch.from_numpy(np.ascontiguousarray(a))
        self.vocab = self.w["token_embd.weight"].shape[0]
        freq = base ** (-torch.arange(0, self.rot, 2, dtype=torch.float64) / self.rot)
        if "rope_freqs.weight" in self.w:
            freq = freq / self.w["rope_freqs.weight"].double()
        if kind == "linear" and factor:
            freq = freq / factor
        self.freq = freq

    def rope(self, x, pos):
        ang = pos.double()[:, None] * self.freq[None, :]
        c, s = ang.cos().float(), ang.sin().float()
        xr, rest = x[..., :self.rot], x[..., self.rot:]
        if self.neox:
            a, b = xr[..., :self.rot // 2], xr[..., self.rot // 2:]
            y = torch.cat([a * c - b * s, b * c + a * s], -1)
        else:
            a, b = xr[..., 0::2], xr[..., 1::2]
            y = torch.stack([a * c - b * s, b * c + a * s], -1).flatten(-2)
        return torch.cat([y, rest], -1) if rest.shape[-1] else y

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def headnorm(self, x, g):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * g

    @torch.inference_mode()
    def forward(self, ids, hooks=None, positions=slice(None)):
        """ids [B,T] -> logits [B, scored positions, vocab]."""
        hk = hooks or Hooks()
        w = self.w
        ids = torch.as_tensor(np.asarray(ids), dtype=torch.long)
        B, T = ids.shape
        pos = torch.arange(T)
        mask = torch.ones(T, T, dtype=torch.bool).tril()
        x = w["token_embd.weight"][ids]

        def heads(y, n):
            return y.view(B, T, n, self.head_dim).transpose(1, 2)

        for i in range(self.n_layer):
            p = f"blk.{i}."
            h = hk.normed(x, w[p + "attn_norm.weight"], self.eps, p + "attn_in")
            q = heads(self.linear(h, p + "attn_q"), self.n_head)
            k = heads(self.linear(h, p + "attn_k"), self.n_kv)
            v = heads(self.linear(h, p + "attn_v"), self.n_kv)
            if p + "attn_q_norm.weight" in w:
                q = self.headnorm(q, w[p + "attn_q_norm.weight"])
                k = self.headnorm(k, w[p + "attn_k_norm.weight"])
            a = hk.attention(self.rope(q, pos), self.rope(k, pos), v, mask)
            a = a.transpose(1, 2).reshape(B, T, self.n_head * self.head_dim)
            x = x + self.linear(hk.act(a, p + "attn_output"), p + "attn_output")
            h = hk.normed(x, w[p + "ffn_norm.weight"], self.eps, p + "ffn_in")
            f = F.silu(self.linear(h, p + "ffn_gate")) * self.linear(h, p + "ffn_up")
            x = x + self.linear(hk.act(f, p + "ffn_down"), p + "ffn_down")
        x = x[:, positions]
        h = hk.normed(x, w["output_norm.weight"], self.eps, "output")
        head = w.get("output.weight", w["token_embd.weight"])
        return F.linear(h, head)


# -------------------------------------------------------------------- measure

class Tally:
    """Running means of KL(reference || other), both losses, equal top tokens."""

    def __init__(self):
        self.kl, self.nll_ref, self.nll, self.top = [], [], [], []

    def add(self, ref_logp, logits, target):
        """ref_logp, logits [N,vocab]; target [N]."""
        lq = torch.log_softmax(logits.float(), -1)
        kl = (ref_logp.exp() * (ref_logp - lq)).sum(-1, dtype=torch.float64)
        self.kl.append(kl)
        t = target.long()[:, None]
        self.nll_ref.append(-ref_logp.gather(1, t)[:, 0].double())
        self.nll.append(-lq.gather(1, t)[:, 0].double())
        self.top.append(ref_logp.argmax(-1) == lq.argmax(-1))

    def result(self):
        kl, a, b = (torch.cat(v) for v in (self.kl, self.nll_ref, self.nll))
        top = torch.cat(self.top).double()
        n = kl.numel()
        d = b - a
        return dict(n=n, kl=kl.mean().item(), kl_se=(kl.std() / math.sqrt(n)).item(),
                    ppl_ref=math.exp(a.mean().item()), ppl=math.exp(b.mean().item()),
                    dppl=100 * math.expm1(d.mean().item()),
                    dppl_se=100 * (d.std() / math.sqrt(n)).item(),
                    top1=100 * top.mean().item())
