"""What PyTorch makes of the recipe of bench/learn, from the same weights and with the same windows.

    npx tsx bench/learn/exportRecipe.ts DIR
    python3 scripts/vectors/decoder_torch.py DIR    (PyTorch 1.13 made what is committed)

Writes bench/learn/data/torch.json: the loss of every 25th update before it, in nats, and the bits per character of the text held
out, which the bench compares its own with. All in float32 on the CPU, as PyTorch does it by itself: nothing is taken from our
graphs but names. Debian's PyTorch multiplies with the reference BLAS; with OpenBLAS in its place (LD_PRELOAD) it takes a sixth
of the time.
"""

import json
import math
import os
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

OUT = Path(__file__).resolve().parents[2] / "bench" / "learn" / "data" / "torch.json"
DTYPES = {"F32": np.float32, "U8": np.uint8}


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[start:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors


def rotary(spec, sequence):
    half = spec["hidden"] // spec["heads"] // 2
    inverse = spec["positions"]["theta"] ** (-torch.arange(half, dtype=torch.float64) / half)
    angles = torch.outer(torch.arange(sequence, dtype=torch.float64), inverse)
    return angles.cos().float(), angles.sin().float()


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def rms_norm(x, scale, epsilon):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * scale


def decoder(spec, w, ids, turns):
    batch, sequence = ids.shape
    heads, kv_heads, size = spec["heads"], spec["kvHeads"], spec["hidden"] // spec["heads"]
    mask = torch.full((sequence, sequence), -math.inf).triu(1)
    embedding = w["model.embed_tokens.weight"]
    x = F.embedding(ids, embedding)

    def part(layer, which, count, h):
        flat = h @ w[f"{layer}.attn.{which}_proj.MatMul.weight"]
        return flat.view(batch, sequence, count, size).transpose(1, 2)

    for i in range(spec["layers"]):
        layer = f"model.layers.{i}"
        h = rms_norm(x, w[f"{layer}.input_layernorm.weight"], spec["epsilon"])
        query = rotate(part(layer, "q", heads, h), *turns)
        key = rotate(part(layer, "k", kv_heads, h), *turns).repeat_interleave(heads // kv_heads, 1)
        value = part(layer, "v", kv_heads, h).repeat_interleave(heads // kv_heads, 1)
        shares = F.softmax(query @ key.transpose(-1, -2) / math.sqrt(size) + mask, -1)
        seen = (shares @ value).transpose(1, 2).reshape(batch, sequence, heads * size)
        x = x + seen @ w[f"{layer}.attn.o_proj.MatMul.weight"]
        h = rms_norm(x, w[f"{layer}.post_attention_layernorm.weight"], spec["epsilon"])
        gate = F.silu(h @ w[f"{layer}.mlp.gate_proj.MatMul.weight"])
        up = h @ w[f"{layer}.mlp.up_proj.MatMul.weight"]
        x = x + (gate * up) @ w[f"{layer}.mlp.down_proj.MatMul.weight"]
    last = f"model.layers.{spec['layers']}.final_norm_layernorm.weight"
    return rms_norm(x, w[last], spec["epsilon"]) @ embedding.T


def bits_per_character(spec, w, held_out, batch, sequence, turns):
    """Windows one after the other: every character but the first is predicted once, from up to `sequence` before it."""
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(held_out) - 1, sequence):
            window = held_out[start : start + sequence + 1].long()
            length = len(window) - 1
            logits = decoder(spec, w, window[None, :-1], [turn[:length] for turn in turns])
            total += F.cross_entropy(logits[0].double(), window[1:], reduction="sum").item()
    return total / (len(held_out) - 1) / math.log(2)


def main():
    folder = Path(sys.argv[1])
    recipe = json.loads((folder / "recipe.json").read_text())
    tensors = read_safetensors(folder / "start.safetensors")
    spec, sequence, batch = recipe["spec"], recipe["sequence"], recipe["batch"]
    w = {
        name[len("weights/") :]: value.requires_grad_()
        for name, value in tensors.items()
        if name.startswith("weights/")
    }
    options = recipe["optimizer"]
    optimizer = torch.optim.AdamW(
        list(w.values()),
        betas=(options["beta1"], options["beta2"]),
        eps=options["epsilon"],
        weight_decay=options["weightDecay"],
    )
    turns = rotary(spec, sequence)
    losses = []
    start = time.time()
    for update, (window, rate) in enumerate(zip(tensors["windows"].long(), recipe["rates"])):
        for group in optimizer.param_groups:
            group["lr"] = rate
        logits = decoder(spec, w, window[:, :-1], turns)
        loss = F.cross_entropy(logits.reshape(-1, spec["vocab"]), window[:, 1:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(w.values()), recipe["clip"])
        optimizer.step()
        losses.append(loss.item())
        if update % 25 == 0:
            print(update, f"{loss.item() / math.log(2):.4f} bits, {time.time() - start:.0f} s", flush=True)
    seconds = time.time() - start
    bits = bits_per_character(spec, w, tensors["held_out"], batch, sequence, turns)
    result = {
        "recipe": recipe["hash"],
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "seconds": round(seconds),
        "bitsPerCharacter": round(bits, 5),
        "losses": [round(loss, 4) for loss in losses[::25]],
    }
    OUT.write_text(json.dumps(result) + "\n")
    print(result)


if __name__ == "__main__":
    main()
