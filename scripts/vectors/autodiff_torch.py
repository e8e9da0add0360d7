"""Golden losses, gradients and updates of small models, by PyTorch in float64.

    python3 scripts/vectors/autodiff_torch.py    (PyTorch 1.13 made those that are committed)

Writes tests/vectors/autodiff/<model>.safetensors, which src/onnx/autodiff/torch.test.ts reads. Weights and inputs are
float32, so that both sides begin with the same numbers, and so are the constants that a graph has in float32: the epsilon of a
normalization, the rates and betas (powers of two), the turns of rotary positions. What follows is computed in float64.

In each file: `weights/<name>`; `feeds/<name>`, three batches, one for each step; `loss` and `gradients/<name>` of the first
batch; `<optimizer>/losses` of three steps and `<optimizer>/weights/<name>` after them. AdamW clips all gradients together.
"""

import json
import math
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "vectors" / "autodiff"
STEPS = 3
EPSILON = float(np.float32(1e-5))

OPTIMIZERS = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.125),
    "momentum": lambda weights: torch.optim.SGD(weights, lr=0.125, momentum=0.875),
    "nesterov": lambda weights: torch.optim.SGD(weights, lr=0.125, momentum=0.875, nesterov=True),
    "adamw": lambda weights: torch.optim.AdamW(
        weights, lr=2**-6, betas=(0.875, 0.984375), eps=2**-17, weight_decay=0.125
    ),
}
CLIP = {"adamw": 0.25}


def normal(generator, *dims, deviation=0.5):
    drawn = torch.randn(*dims, generator=generator, dtype=torch.float64) * deviation
    return drawn.float().double()


def labels(generator, classes, *dims):
    return torch.randint(classes, (STEPS, *dims), generator=generator)


def linear_stack(generator, widths):
    weights = {}
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        weights[f"fc{i}.weight"] = normal(generator, outputs, inputs)
        weights[f"fc{i}.bias"] = normal(generator, outputs)
    return weights


def run_stack(w, x, layers, activation):
    for i in range(layers):
        x = F.linear(x, w[f"fc{i}.weight"], w[f"fc{i}.bias"])
        x = activation(x) if i < layers - 1 else x
    return x


def mlp(generator):
    weights = linear_stack(generator, [6, 8, 4])
    feeds = {
        "input": normal(generator, STEPS, 4, 6, deviation=1),
        "training.labels": labels(generator, 4, 4),
    }
    return weights, feeds, lambda w, x: F.cross_entropy(
        run_stack(w, x["input"], 2, torch.tanh), x["training.labels"]
    )


def binary(generator):
    weights = linear_stack(generator, [6, 8, 2])
    feeds = {
        "input": normal(generator, STEPS, 4, 6, deviation=1),
        "training.target": torch.rand(STEPS, 4, 2, generator=generator).double(),
    }
    return weights, feeds, lambda w, x: F.binary_cross_entropy_with_logits(
        run_stack(w, x["input"], 2, F.relu), x["training.target"]
    )


def fedavg_cnn(generator):
    weights = {
        "conv0.weight": normal(generator, 2, 1, 5, 5, deviation=0.3),
        "conv0.bias": normal(generator, 2),
        "conv1.weight": normal(generator, 3, 2, 5, 5, deviation=0.2),
        "conv1.bias": normal(generator, 3),
        **linear_stack(generator, [12, 8, 4]),
    }
    feeds = {
        "input": normal(generator, STEPS, 4, 1, 8, 8, deviation=1),
        "training.labels": labels(generator, 4, 4),
    }

    def loss(w, x):
        h = x["input"]
        for i in range(2):
            h = F.conv2d(h, w[f"conv{i}.weight"], w[f"conv{i}.bias"], padding=2)
            h = F.max_pool2d(F.relu(h), 2)
        return F.cross_entropy(run_stack(w, h.flatten(1), 2, F.relu), x["training.labels"])

    return weights, feeds, loss


def residual_block(generator):
    weights = {}
    for i in range(2):
        weights[f"conv{i}.weight"] = normal(generator, 4, 4, 3, 3, deviation=0.3)
        weights[f"norm{i}.scale"] = 1 + normal(generator, 4)
        weights[f"norm{i}.bias"] = normal(generator, 4)
    weights = {name: value.float().double() for name, value in weights.items()}
    weights |= linear_stack(generator, [4, 4])
    feeds = {
        "input": normal(generator, STEPS, 4, 4, 4, 4, deviation=1),
        "training.labels": labels(generator, 4, 4),
    }

    def unit(w, x, i):
        h = F.conv2d(x, w[f"conv{i}.weight"], padding=1)
        return F.group_norm(h, 2, w[f"norm{i}.scale"], w[f"norm{i}.bias"], EPSILON)

    def loss(w, x):
        h = F.relu(unit(w, x["input"], 0))
        h = F.relu(unit(w, h, 1) + x["input"])
        return F.cross_entropy(run_stack(w, h.mean((2, 3)), 1, None), x["training.labels"])

    return weights, feeds, loss


def transposed(generator):
    weights = {
        "up.weight": normal(generator, 3, 4, 3, 3, deviation=0.3),
        "up.bias": normal(generator, 4),
        "out.weight": normal(generator, 4, 1, 3, 2, deviation=0.3),
        "out.bias": normal(generator, 2),
    }
    feeds = {
        "input": normal(generator, STEPS, 2, 3, 4, 4, deviation=1),
        "training.target": normal(generator, STEPS, 2, 2, 8, 8, deviation=1),
    }

    def loss(w, x):
        h = F.conv_transpose2d(
            x["input"], w["up.weight"], w["up.bias"], stride=2, padding=1, output_padding=1
        )
        y = F.conv_transpose2d(
            torch.tanh(h), w["out.weight"], w["out.bias"], padding=(2, 1), dilation=(2, 2), groups=2
        )
        return F.mse_loss(y, x["training.target"])

    return weights, feeds, loss


VOCABULARY, HIDDEN, HEADS, SEQUENCE = 12, 8, 2, 4


def causal_attention(query, key, value):
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    seen = torch.ones(SEQUENCE, SEQUENCE).tril().bool()
    return scores.masked_fill(~seen, -math.inf).softmax(-1) @ value


def split_heads(x):
    return x.unflatten(-1, (-1, HIDDEN // HEADS)).transpose(1, 2)


def projection(generator, name, inputs, outputs, biased):
    weights = {f"{name}.MatMul.weight": normal(generator, inputs, outputs, deviation=0.4)}
    if biased:
        weights[f"{name}.Add.bias"] = normal(generator, outputs)
    return weights


def project(w, x, name):
    y = x @ w[f"{name}.MatMul.weight"]
    bias = w.get(f"{name}.Add.bias")
    return y if bias is None else y + bias


def norm_weights(generator, name, biased):
    weights = {f"{name}.weight": (1 + normal(generator, HIDDEN)).float().double()}
    if biased:
        weights[f"{name}.bias"] = normal(generator, HIDDEN)
    return weights


def token_feeds(generator, masked):
    ids = torch.randint(VOCABULARY, (STEPS, 2, SEQUENCE + 1), generator=generator)
    feeds = {"input_ids": ids[..., :-1], "training.labels": ids[..., 1:]}
    if masked:
        mask = torch.ones(STEPS, 2, SEQUENCE, dtype=torch.float64)
        mask[:, 1, 2:] = 0
        feeds["training.mask"] = mask
    return feeds


def gpt(generator):
    layer = "model.layers.0"
    weights = {
        "model.embed_tokens.weight": normal(generator, VOCABULARY, HIDDEN),
        "model.embed_positions.weight": normal(generator, SEQUENCE, HIDDEN),
        **norm_weights(generator, f"{layer}.input_layernorm", True),
        **norm_weights(generator, f"{layer}.post_attention_layernorm", True),
        **norm_weights(generator, "model.layers.1.final_norm_layernorm", True),
        **projection(generator, "lm_head", HIDDEN, VOCABULARY, False),
    }
    for part in "qkvo":
        weights |= projection(generator, f"{layer}.attn.{part}_proj", HIDDEN, HIDDEN, True)
    weights |= projection(generator, f"{layer}.mlp.fc1", HIDDEN, 16, True)
    weights |= projection(generator, f"{layer}.mlp.fc2", 16, HIDDEN, True)

    def loss(w, x):
        def norm(h, name):
            return F.layer_norm(h, (HIDDEN,), w[f"{name}.weight"], w[f"{name}.bias"], EPSILON)

        h = F.embedding(x["input_ids"], w["model.embed_tokens.weight"]) + w["model.embed_positions.weight"]
        n = norm(h, f"{layer}.input_layernorm")
        q, k, v = (split_heads(project(w, n, f"{layer}.attn.{part}_proj")) for part in "qkv")
        attended = causal_attention(q, k, v).transpose(1, 2).flatten(2)
        h = h + project(w, attended, f"{layer}.attn.o_proj")
        n = norm(h, f"{layer}.post_attention_layernorm")
        wide = F.gelu(project(w, n, f"{layer}.mlp.fc1"), approximate="tanh")
        h = h + project(w, wide, f"{layer}.mlp.fc2")
        logits = project(w, norm(h, "model.layers.1.final_norm_layernorm"), "lm_head")
        return F.cross_entropy(logits.flatten(0, 1), x["training.labels"].flatten())

    return weights, token_feeds(generator, False), loss


def rotary_tables():
    """As transformers has them: every step in float32."""
    half = HIDDEN // HEADS // 2
    steps = np.arange(half, dtype=np.float32) / np.float32(half)
    frequencies = np.float32(1) / np.power(10_000.0, steps.astype(np.float64)).astype(np.float32)
    angles = np.outer(np.arange(SEQUENCE, dtype=np.float32), frequencies).astype(np.float32)
    exact = angles.astype(np.float64)
    return tuple(torch.from_numpy(turn(exact).astype(np.float32)).double() for turn in (np.cos, np.sin))


def rotate(x):
    cos, sin = rotary_tables()
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def llama(generator):
    """Two heads share one of keys and values; the head is the embedding; the second half of a sentence is masked."""
    layer = "model.layers.0"
    size = HIDDEN // HEADS
    weights = {
        "model.embed_tokens.weight": normal(generator, VOCABULARY, HIDDEN),
        **norm_weights(generator, f"{layer}.input_layernorm", False),
        **norm_weights(generator, f"{layer}.post_attention_layernorm", False),
        **norm_weights(generator, "model.layers.1.final_norm_layernorm", False),
        **projection(generator, f"{layer}.attn.q_proj", HIDDEN, HIDDEN, False),
        **projection(generator, f"{layer}.attn.k_proj", HIDDEN, size, False),
        **projection(generator, f"{layer}.attn.v_proj", HIDDEN, size, False),
        **projection(generator, f"{layer}.attn.o_proj", HIDDEN, HIDDEN, False),
        **projection(generator, f"{layer}.mlp.gate_proj", HIDDEN, 12, False),
        **projection(generator, f"{layer}.mlp.up_proj", HIDDEN, 12, False),
        **projection(generator, f"{layer}.mlp.down_proj", 12, HIDDEN, False),
    }

    def loss(w, x):
        def norm(h, name):
            return h * (h.pow(2).mean(-1, keepdim=True) + EPSILON).rsqrt() * w[f"{name}.weight"]

        h = F.embedding(x["input_ids"], w["model.embed_tokens.weight"])
        n = norm(h, f"{layer}.input_layernorm")
        q, k, v = (split_heads(project(w, n, f"{layer}.attn.{part}_proj")) for part in "qkv")
        keys, values = (part.repeat_interleave(HEADS, 1) for part in (rotate(k), v))
        attended = causal_attention(rotate(q), keys, values).transpose(1, 2).flatten(2)
        h = h + project(w, attended, f"{layer}.attn.o_proj")
        n = norm(h, f"{layer}.post_attention_layernorm")
        gated = F.silu(project(w, n, f"{layer}.mlp.gate_proj")) * project(w, n, f"{layer}.mlp.up_proj")
        h = h + project(w, gated, f"{layer}.mlp.down_proj")
        logits = norm(h, "model.layers.1.final_norm_layernorm") @ w["model.embed_tokens.weight"].T
        each = F.cross_entropy(logits.flatten(0, 1), x["training.labels"].flatten(), reduction="none")
        mask = x["training.mask"].flatten()
        return (each * mask).sum() / mask.sum()

    return weights, token_feeds(generator, True), loss


MODELS = {
    "mlp": mlp,
    "binary": binary,
    "fedavg-cnn": fedavg_cnn,
    "residual-block": residual_block,
    "transposed": transposed,
    "gpt": gpt,
    "llama": llama,
}


def batch(feeds, step):
    return {name: value[step] for name, value in feeds.items()}


def leaves(weights):
    return {name: value.clone().requires_grad_() for name, value in weights.items()}


def trained(weights, feeds, loss_of, optimizer):
    w = leaves(weights)
    stepper = OPTIMIZERS[optimizer](w.values())
    losses = []
    for step in range(STEPS):
        stepper.zero_grad()
        loss = loss_of(w, batch(feeds, step))
        loss.backward()
        if optimizer in CLIP:
            torch.nn.utils.clip_grad_norm_(w.values(), CLIP[optimizer])
        stepper.step()
        losses.append(loss.item())
    return losses, w


def vectors(make, seed):
    generator = torch.Generator().manual_seed(seed)
    weights, feeds, loss_of = make(generator)
    result = {f"weights/{name}": value.float() for name, value in weights.items()}
    for name, value in feeds.items():
        result[f"feeds/{name}"] = value if value.dtype == torch.int64 else value.float()
    w = leaves(weights)
    loss = loss_of(w, batch(feeds, 0))
    loss.backward()
    result["loss"] = loss.detach().reshape(1)
    result |= {f"gradients/{name}": value.grad for name, value in w.items()}
    for optimizer in OPTIMIZERS:
        losses, after = trained(weights, feeds, loss_of, optimizer)
        result[f"{optimizer}/losses"] = torch.tensor(losses, dtype=torch.float64)
        result |= {f"{optimizer}/weights/{name}": value.detach() for name, value in after.items()}
    return result


DTYPES = {torch.float64: "F64", torch.int64: "I64", torch.float32: "F32"}


def write_safetensors(path, tensors):
    """The widest first, so that all are aligned."""
    header, data = {}, b""
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        part = tensor.contiguous().numpy().tobytes()
        header[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(part)],
        }
        data += part
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for seed, (name, make) in enumerate(MODELS.items()):
        write_safetensors(FOLDER / f"{name}.safetensors", vectors(make, seed))
