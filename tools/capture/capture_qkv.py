#!/usr/bin/env python3
"""Exports what every attention head of a Hugging Face model sees on a text: queries, keys, values, as one safetensors file.

    pip install torch transformers numpy
    python capture_qkv.py --model meta-llama/Llama-3.2-1B --text book.txt --tokens 8192 --out captures.safetensors
    sublinear compare --queries 'captures.safetensors:q[5,0]' --keys 'captures.safetensors:k[5,0]' --values 'captures.safetensors:v[5,0]'

Tensors: q [layers, query heads, tokens, d], k and v [layers, key-value heads, tokens, d], queries and keys after rotary positions,
none multiplied by the scale; query head h reads key-value head h * (key-value heads) // (query heads). Metadata: format, model, tokens,
scale (the factor inside exp, one number a layer, joined by commas).

It registers an attention function with transformers' AttentionInterface (transformers 4.48 or newer), which keeps what it is given and then
calls the scaled-dot-product attention that the library itself uses; so it works with every model that takes attn_implementation.
--synthetic writes a small file of the same layout by formula, without a model: the format is tested with it.
"""

import argparse
import json
import struct
import sys

import numpy

DTYPES = {"float32": ("F32", numpy.float32), "float16": ("F16", numpy.float16)}


def write_safetensors(path, tensors, metadata):
    """Eight bytes of header length, a JSON header, the raw tensors: float16 or float32, little-endian."""
    names = {dtype: name for name, dtype in DTYPES.values()}
    header, at = {"__metadata__": metadata}, 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": names[tensor.dtype.type],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + tensor.nbytes],
        }
        at += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)))
        out.write(text)
        for tensor in tensors.values():
            out.write(numpy.ascontiguousarray(tensor).tobytes())


def capture(model_name, text, tokens, dtype):
    import torch
    from transformers import AttentionInterface, AutoModelForCausalLM, AutoTokenizer
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    layers = {}

    def keeping(module, query, key, value, attention_mask, **kwargs):
        scale = kwargs.get("scaling") or query.shape[-1] ** -0.5
        kept = (t[0].to(torch.float32).cpu().numpy().astype(dtype) for t in (query, key, value))
        layers[module.layer_idx] = (*kept, float(scale))
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)

    AttentionInterface.register("capture_qkv", keeping)
    tokenizer = AutoTokenizer.from_pretrained(model_name)
    model = AutoModelForCausalLM.from_pretrained(model_name, attn_implementation="capture_qkv").eval()
    ids = tokenizer(text, return_tensors="pt").input_ids[:, :tokens]
    if ids.shape[1] < tokens:
        sys.exit(f"capture_qkv: the text has {ids.shape[1]} tokens, {tokens} were asked for")
    with torch.no_grad():
        model(ids, use_cache=False)
    if not layers:
        sys.exit(f"capture_qkv: {model_name} did not call the registered attention function; does it take attn_implementation?")
    order = sorted(layers)
    if len({tuple(part.shape for part in layers[i][:3]) for i in order}) > 1:
        sys.exit(f"capture_qkv: layers of {model_name} differ in shape, which one array cannot hold")
    q, k, v = (numpy.stack([layers[i][part] for i in order]) for part in range(3))
    return q, k, v, [layers[i][3] for i in order]


def synthetic(dtype):
    """Two layers, four query heads, two key-value heads, 24 tokens, d = 8: entry i of a tensor is (i * step mod 17 - 8) / 8."""

    def tensor(heads, step):
        count = 2 * heads * 24 * 8
        return (((numpy.arange(count) * step) % 17 - 8) / 8).astype(dtype).reshape(2, heads, 24, 8)

    return tensor(4, 3), tensor(2, 5), tensor(2, 7), [8**-0.5] * 2


def main():
    parser = argparse.ArgumentParser(description="Exports queries, keys and values of every head as safetensors.")
    parser.add_argument("--model", help="name or folder of a causal model, as for from_pretrained")
    parser.add_argument("--text", help="a UTF-8 file")
    parser.add_argument("--tokens", type=int, default=4096, help="tokens read (default: 4096)")
    parser.add_argument("--dtype", choices=DTYPES, default="float16")
    parser.add_argument("--synthetic", action="store_true", help="no model: a small file by formula")
    parser.add_argument("--out", required=True, help="the safetensors file")
    options = parser.parse_args()
    dtype = DTYPES[options.dtype][1]
    if options.synthetic:
        q, k, v, scales = synthetic(dtype)
    elif options.model and options.text:
        with open(options.text, encoding="utf-8") as file:
            q, k, v, scales = capture(options.model, file.read(), options.tokens, dtype)
    else:
        parser.error("--model and --text are needed, or --synthetic")
    metadata = {
        "format": "sublinear-qkv-1",
        "model": options.model or "synthetic",
        "tokens": str(q.shape[2]),
        "scale": ",".join(repr(scale) for scale in scales),
    }
    write_safetensors(options.out, {"q": q, "k": k, "v": v}, metadata)
    print(f"{options.out}: {q.shape[0]} layers, {q.shape[1]} query heads, {k.shape[1]} key-value heads, {q.shape[2]} tokens, d = {q.shape[3]}")
    part = lambda name: f"'{options.out}:{name}[0,0]'"
    print(f"next: sublinear compare --queries {part('q')} --keys {part('k')} --values {part('v')} --scale {scales[0]!r}")


if __name__ == "__main__":
    main()
