"""roma-tiny in PyTorch: a plain LLaMA (GQA, RoPE, SwiGLU, RMSNorm, tied head) in Hugging Face row order."""
import torch
import torch.nn as nn
import torch.nn.functional as F

CFG = dict(vocab=1024, ctx=512, dim=128, layers=3, heads=4, kv_heads=2, ffn=384, theta=10000.0, eps=1e-5)


class Norm(nn.Module):
    def __init__(self, n, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(n)), eps

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight


def rope_tables(n, hd, theta):
    inv = theta ** (-torch.arange(0, hd, 2, dtype=torch.float64) / hd)
    a = torch.outer(torch.arange(n, dtype=torch.float64), inv)
    return a.cos().float(), a.sin().float()


def rope(x, cos, sin):
    """Half-split pairing: (i, i + hd/2)."""
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def linear(i, o):
    return nn.Linear(i, o, bias=False)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        d, self.h, self.kv = c["dim"], c["heads"], c["kv_heads"]
        self.hd = d // self.h
        self.attn_norm, self.ffn_norm = Norm(d, c["eps"]), Norm(d, c["eps"])
        self.wq, self.wk = linear(d, d), linear(d, self.kv * self.hd)
        self.wv, self.wo = linear(d, self.kv * self.hd), linear(d, d)
        self.gate, self.up, self.down = linear(d, c["ffn"]), linear(d, c["ffn"]), linear(c["ffn"], d)

    def forward(self, x, cos, sin):
        b, t, d = x.shape
        n = self.attn_norm(x)
        q = rope(self.wq(n).view(b, t, self.h, self.hd).transpose(1, 2), cos, sin)
        k = rope(self.wk(n).view(b, t, self.kv, self.hd).transpose(1, 2), cos, sin)
        v = self.wv(n).view(b, t, self.kv, self.hd).transpose(1, 2)
        g = self.h // self.kv
        k, v = k.repeat_interleave(g, 1), v.repeat_interleave(g, 1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.wo(y.transpose(1, 2).reshape(b, t, d))
        n = self.ffn_norm(x)
        return x + self.down(F.silu(self.gate(n)) * self.up(n))


class Tiny(nn.Module):
    def __init__(self, c=CFG):
        super().__init__()
        self.c = c
        self.embd = nn.Embedding(c["vocab"], c["dim"])
        self.blk = nn.ModuleList(Block(c) for _ in range(c["layers"]))
        self.norm = Norm(c["dim"], c["eps"])
        cos, sin = rope_tables(c["ctx"], c["dim"] // c["heads"], c["theta"])
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for n, p in self.named_parameters():
            if p.dim() == 2:
                s = 0.02 if "embd" in n else p.shape[1] ** -0.5
                if n.endswith(("wo.weight", "down.weight")):
                    s *= (2 * c["layers"]) ** -0.5
                nn.init.normal_(p, std=s)

    def forward(self, ids):
        x, t = self.embd(ids), ids.shape[1]
        for b in self.blk:
            x = b(x, self.cos[:t], self.sin[:t])
        return F.linear(self.norm(x), self.embd.weight)

    @torch.no_grad()
    def generate(self, ids, n, temp=0.0, stop=(), rng=None):
        out = list(ids)
        for _ in range(n):
            z = self(torch.tensor([out[-self.c["ctx"]:]]))[0, -1]
            if temp > 0:
                i = int(torch.multinomial(torch.softmax(z / temp, 0), 1, generator=rng))
            else:
                i = int(z.argmax())
            out.append(i)
            if i in stop:
                break
        return out[len(ids):]
