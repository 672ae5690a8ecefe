#!/usr/bin/env python3
"""Small 4-bit folders of a random two-layer model, written by the packages that people use, each with what that package makes of its
weights: the folders under tests/import/packed.

usage: packed_folders.py OUT bitsandbytes|gptqmodel|llmcompressor

Each of the three wants an environment of its own (torch 2.13.0; bitsandbytes 0.50.2 and transformers 5.24; gptqmodel 7.6.0 with
GPTQMODEL_CPU_WORKERS=2; llmcompressor 0.14.0.1).  expected.txt has a line for each matrix: its name, the type that the package
dequantises to (bitsandbytes: FP32, asked for), the SHA-256 of those values, rows of outputs one behind the other.
"""
import hashlib
import json
import os
import shutil
import sys

os.environ.setdefault("GPTQMODEL_CPU_WORKERS", "2")
os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM  # noqa: E402

TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def base(folder, dtype):
    """The random model, with a tokenizer that some of the packages ask for."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    torch.manual_seed(5)
    config = LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=32,
                         vocab_size=64, max_position_embeddings=256, tie_word_embeddings=False)
    LlamaForCausalLM(config).to(dtype).save_pretrained(folder)
    vocab = {"<s>": 0, "</s>": 1, **{chr(0x21 + i): 2 + i for i in range(62)}}
    tok = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tok.pre_tokenizer, tok.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tok, bos_token="<s>", eos_token="</s>", pad_token="</s>").save_pretrained(folder)
    return folder


def keep(made, out, weights):
    """The files that count, and what the package makes of the matrices."""
    os.makedirs(out, exist_ok=True)
    config = json.load(open(os.path.join(made, "config.json"), encoding="utf-8"))
    quant = config.get("quantization_config", {})
    if "meta" in quant:                                           # it has paths of the machine; gptqmodel wants to know who wrote it
        quant["meta"] = {"quantizer": quant["meta"]["quantizer"]}
    with open(os.path.join(out, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    shutil.copy(os.path.join(made, "model.safetensors"), out)
    with open(os.path.join(out, "expected.txt"), "w", encoding="ascii") as f:
        for name, w in sorted(weights.items()):
            data = w.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
            f.write(f"{name} {TYPES[w.dtype]} {hashlib.sha256(data).hexdigest()}\n")


def bitsandbytes_folders(out, work):
    import bitsandbytes
    from transformers import BitsAndBytesConfig
    plain = base(os.path.join(work, "float"), torch.bfloat16)
    for kind in ("nf4", "fp4"):
        for double in (False, True):
            made = os.path.join(work, f"{kind}-{double}")
            config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type=kind, bnb_4bit_use_double_quant=double,
                                        bnb_4bit_compute_dtype=torch.bfloat16)
            AutoModelForCausalLM.from_pretrained(plain, quantization_config=config, device_map="cpu").save_pretrained(made)
            weights = {}
            for name, m in AutoModelForCausalLM.from_pretrained(made, device_map="cpu").named_modules():
                if isinstance(m, bitsandbytes.nn.Linear4bit):
                    m.weight.quant_state.dtype = torch.float32
                    weights[name] = bitsandbytes.functional.dequantize_4bit(m.weight.data, m.weight.quant_state)
            keep(made, os.path.join(out, kind + ("-double" if double else "")), weights)


def gptqmodel_folders(out, work):
    from gptqmodel import BACKEND, GPTQModel, QuantizeConfig
    from gptqmodel.quantization import FORMAT, METHOD
    from gptqmodel.quantization.awq.utils.packing_utils import dequantize_gemm
    plain = base(os.path.join(work, "float"), torch.float16)
    g = torch.Generator().manual_seed(1)
    data = [{"input_ids": torch.randint(0, 64, (48,), generator=g).tolist(), "attention_mask": [1] * 48} for _ in range(4)]
    asked = {
        "gptq": dict(format="gptq", sym=True, desc_act=False),
        "gptq-asym": dict(format="gptq", sym=False, desc_act=False),
        "gptq-act": dict(format="gptq", sym=True, desc_act=True),
        "gptq-v2-act": dict(format="gptq_v2", sym=False, desc_act=True),
        "gptq-v2": dict(format="gptq_v2", sym=False, desc_act=False),
        "gptq-8": dict(format="gptq", sym=True, desc_act=False, bits=8),
        "gptq-3": dict(format="gptq", sym=False, desc_act=False, bits=3),
        "gptq-3-act": dict(format="gptq_v2", sym=False, desc_act=True, bits=3),
        "awq": dict(quant_method=METHOD.AWQ, format=FORMAT.GEMM),
    }
    for name, settings in asked.items():
        made = os.path.join(work, name)
        awq = name == "awq"
        m = GPTQModel.load(plain, QuantizeConfig(**{"bits": 4, "group_size": 32, **settings}), device="cpu")
        m.quantize(data, batch_size=1, **({"backend": BACKEND.AWQ_TORCH} if awq else {}))
        m.save(made)
        m = GPTQModel.load(made, device="cpu", dtype=torch.float16, backend=BACKEND.AWQ_TORCH if awq else BACKEND.TORCH)
        weights = {}
        for module, q in m.model.named_modules():
            if awq and hasattr(q, "qweight"):
                weights[module] = dequantize_gemm(q.qweight, q.qzeros, q.scales, 4, 32).T
            elif hasattr(q, "qweight"):
                weights[module] = q.dequantize_weight().T
        keep(made, os.path.join(out, name), weights)


def llmcompressor_folders(out, work):
    from llmcompressor import oneshot
    from llmcompressor.modifiers.quantization import QuantizationModifier
    from transformers import AutoTokenizer, CompressedTensorsConfig
    plain = base(os.path.join(work, "float"), torch.bfloat16)
    for symmetric in (True, False):
        name = "pack-sym" if symmetric else "pack-asym"
        made = os.path.join(work, name)
        scheme = dict(num_bits=4, type="int", symmetric=symmetric, strategy="group", group_size=32)
        oneshot(model=LlamaForCausalLM.from_pretrained(plain, dtype=torch.bfloat16), tokenizer=AutoTokenizer.from_pretrained(plain), output_dir=made,
                recipe=QuantizationModifier(config_groups={"group_0": dict(targets=["Linear"], weights=scheme)}, ignore=["lm_head"]))
        m = AutoModelForCausalLM.from_pretrained(made, quantization_config=CompressedTensorsConfig(run_compressed=False), dtype=torch.bfloat16)
        weights = {n: q.weight for n, q in m.named_modules() if isinstance(q, torch.nn.Linear) and n != "lm_head"}
        keep(made, os.path.join(out, name), weights)


if __name__ == "__main__":
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        globals()[sys.argv[2] + "_folders"](sys.argv[1], folder)
