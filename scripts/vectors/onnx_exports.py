#!/usr/bin/python3
"""
Two tiny decoders as other people's exporters write them, for src/onnx/exports.test.ts:

- genai.onnx: as ONNX Runtime GenAI's model builder (microsoft/onnxruntime-genai, src/python/py/models/builder.py) with int4
  weights: fused operators of com.microsoft, constants as nodes, names of values built from module paths.
- optimum.onnx: as torch.onnx writes a Llama of transformers for Hugging Face's Optimum, with past: plain operators, anonymous
  `onnx::MatMul_…` weights, shapes computed in the graph, and mask and rotations computed under layer 0 and used by all.

Written by the reference library, so that its encoding of the file is tried too. Weights are of a seeded generator that numpy
keeps as it is. Run it from anywhere; it rewrites tests/vectors/onnx/.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "vectors" / "onnx"
CONTRIB = "com.microsoft"


class Graph:
    """Nodes and initializers in the order in which they are added."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        self.nodes, self.initializers, self.inputs, self.outputs = [], [], [], []

    def node(self, op, inputs, name, outputs=None, domain="", **attributes):
        outputs = outputs or [f"{name}/output_0"]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, domain=domain, **attributes))
        return outputs[0]

    def initializer(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def normal(self, *dims):
        return (self.random.standard_normal(dims) * 0.3).astype(np.float32)

    def input(self, name, dtype, shape):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def output(self, name, dtype, shape):
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def save(self, file, name, producer, version, opsets):
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.initializers)
        imports = [helper.make_opsetid(domain, number) for domain, number in opsets]
        model = helper.make_model(
            graph, producer_name=producer, producer_version=version, ir_version=8, opset_imports=imports
        )
        (FOLDER / file).write_bytes(model.SerializeToString())


def rotations(length, size):
    angles = np.outer(np.arange(length), 10000.0 ** (-np.arange(0, size, 2) / size))
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


# ---------------------------------------------------------------------------------------------------------------- GenAI


def genai():
    layers, vocab, hidden, heads, kv_heads, size, wide, context, block = 2, 16, 32, 2, 1, 16, 32, 16, 32
    g = Graph(1)
    g.input("input_ids", TensorProto.INT64, ["batch_size", "sequence_length"])
    g.input("attention_mask", TensorProto.INT64, ["batch_size", "total_sequence_length"])
    for i in range(layers):
        for part in ("key", "value"):
            past = ["batch_size", kv_heads, "past_sequence_length", size]
            g.input(f"past_key_values.{i}.{part}", TensorProto.FLOAT, past)
    g.output("logits", TensorProto.FLOAT, ["batch_size", "sequence_length", vocab])
    for i in range(layers):
        for part in ("key", "value"):
            total = ["batch_size", kv_heads, "total_sequence_length", size]
            g.output(f"present.{i}.{part}", TensorProto.FLOAT, total)

    def constant(value):
        name = f"/model/constants/INT64/{value}"
        array = np.array(value, dtype=np.int64)
        known = [output for node in g.nodes for output in node.output]
        if name not in known:
            g.node(
                "Constant", [], name.replace("constants", "constant_nodes"), [name], value=numpy_helper.from_array(array)
            )
        return name

    def matmul_q4(x, path, rows, columns):
        """Blocks of `block` along the input, two 4-bit numbers to a byte, symmetric around 8."""
        weight = g.normal(columns, rows // block, block)
        scale = np.abs(weight).max(axis=2) / 7
        levels = np.clip(np.rint(weight / scale[..., None]) + 8, 0, 15).astype(np.uint8)
        packed = levels[..., 0::2] | (levels[..., 1::2] << 4)
        initializer = path.replace("/", ".")[1:] + ".MatMul.weight"
        inputs = [
            x,
            g.initializer(f"{initializer}_Q4", packed),
            g.initializer(f"{initializer}_scales", scale.astype(np.float32).reshape(-1)),
        ]
        outputs = ["logits"] if path == "/lm_head" else [f"{path}/MatMul/output_0"]
        return g.node(
            "MatMulNBits", inputs, f"{path}/MatMul_Q4", outputs, CONTRIB,
            accuracy_level=0, bits=4, block_size=block, K=rows, N=columns,
        )  # fmt: skip

    def norm(path, root, skip, first=False, last=False):
        weight = g.initializer(path.replace("/", ".")[1:] + ".weight", 1 + g.normal(hidden))
        out = f"{path}/output_0"
        if first:
            g.node(
                "SimplifiedLayerNormalization", [root, weight], f"{path}/LayerNorm", [out],
                axis=-1, epsilon=1e-5, stash_type=1,
            )  # fmt: skip
            return out, root
        outputs = [out] if last else [out, "", "", f"{path}/output_3"]
        name = f"{path}/SkipLayerNorm"
        g.node("SkipSimplifiedLayerNormalization", [root, skip, weight], name, outputs, CONTRIB, epsilon=1e-5)
        return out, f"{path}/output_3"

    mask = "/model/attn_mask_reformat/attn_mask_subgraph"
    total = g.node("ReduceSum", ["attention_mask", constant([1])], f"{mask}/ReduceSum", keepdims=0)
    last = g.node("Sub", [total, constant([1])], f"{mask}/Sub")
    last = g.node("Cast", [last], f"{mask}/Sub/Cast", to=TensorProto.INT32)
    shape = g.node("Shape", ["attention_mask"], f"{mask}/Shape")
    length = g.node("Gather", [shape, constant(1)], f"{mask}/Gather", axis=0)
    length = g.node("Cast", [length], f"{mask}/Gather/Cast", to=TensorProto.INT32)
    embedding = g.initializer("model.embed_tokens.weight", g.normal(vocab, hidden))
    root = g.node("Gather", [embedding, "input_ids"], "/model/embed_tokens/Gather")
    cos, sin = rotations(context, size)
    g.initializer("cos_cache", cos)
    g.initializer("sin_cache", sin)
    skip = None
    for i in range(layers):
        at = f"/model/layers.{i}"
        x, root = norm(f"{at}/input_layernorm", root, skip, first=i == 0)
        qkv = matmul_q4(x, f"{at}/attn/qkv_proj", hidden, (heads + 2 * kv_heads) * size)
        attended = g.node(
            "GroupQueryAttention",
            [qkv, "", "", f"past_key_values.{i}.key", f"past_key_values.{i}.value", last, length, "cos_cache", "sin_cache"],
            f"{at}/attn/GroupQueryAttention",
            [f"{at}/attn/GroupQueryAttention/output_0", f"present.{i}.key", f"present.{i}.value"],
            CONTRIB, num_heads=heads, kv_num_heads=kv_heads, scale=size**-0.5, do_rotary=1, rotary_interleaved=0,
            local_window_size=-1, softcap=0.0,
        )  # fmt: skip
        skip = matmul_q4(attended, f"{at}/attn/o_proj", heads * size, hidden)
        x, root = norm(f"{at}/post_attention_layernorm", root, skip)
        gate = matmul_q4(x, f"{at}/mlp/gate_proj", hidden, wide)
        up = matmul_q4(x, f"{at}/mlp/up_proj", hidden, wide)
        active = g.node("Sigmoid", [gate], f"{at}/mlp/act_fn/Sigmoid")
        active = g.node("Mul", [gate, active], f"{at}/mlp/act_fn/Mul")
        inner = g.node("Mul", [active, up], f"{at}/mlp/Mul")
        skip = matmul_q4(inner, f"{at}/mlp/down_proj", wide, hidden)
    x, _ = norm(f"/model/layers.{layers}/final_norm_layernorm", root, skip, last=True)
    matmul_q4(x, "/lm_head", hidden, vocab)
    g.save("genai.onnx", "main_graph", "onnxruntime-genai", "0.9.0", [("", 14), (CONTRIB, 1)])


# -------------------------------------------------------------------------------------------------------------- Optimum


def optimum():
    layers, vocab, hidden, heads, kv_heads, size, wide = 2, 11, 8, 2, 1, 4, 12
    g = Graph(2)
    g.input("input_ids", TensorProto.INT64, ["batch_size", "sequence_length"])
    g.input("attention_mask", TensorProto.INT64, ["batch_size", "past_sequence_length + 1"])
    g.input("position_ids", TensorProto.INT64, ["batch_size", "sequence_length"])
    for i in range(layers):
        for part in ("key", "value"):
            past = ["batch_size", kv_heads, "past_sequence_length", size]
            g.input(f"past_key_values.{i}.{part}", TensorProto.FLOAT, past)
    g.output("logits", TensorProto.FLOAT, ["batch_size", "sequence_length", vocab])
    for i in range(layers):
        for part in ("key", "value"):
            total = ["batch_size", kv_heads, "past_sequence_length + 1", size]
            g.output(f"present.{i}.{part}", TensorProto.FLOAT, total)
    counts, known, matrices = {}, {}, [0]

    def emit(scope, op, inputs, output=None, **attributes):
        """Named as torch.onnx does: module path, operator, and a number from the second on."""
        number = counts.get((scope, op), 0)
        counts[scope, op] = number + 1
        name = f"{scope}/{op}" + (f"_{number}" if number else "")
        return g.node(op, inputs, name, [output or f"{name}_output_0"], **attributes)

    def once(scope, key, make):
        """The exporter removes nodes that say the same twice in one module."""
        if (scope, key) not in known:
            known[scope, key] = make()
        return known[scope, key]

    def constant(scope, value, dtype=np.int64):
        tensor = numpy_helper.from_array(np.array(value, dtype=dtype))
        return once(scope, tensor.SerializeToString(), lambda: emit(scope, "Constant", [], value=tensor))

    def linear(scope, x, rows, columns, output=None):
        matrices[0] += 1
        weight = g.initializer(f"onnx::MatMul_{1000 + 7 * matrices[0]}", g.normal(rows, columns))
        return emit(scope, "MatMul", [x, weight], output)

    def length_of(scope, x, axis):
        shape = once(scope, ("Shape", x), lambda: emit(scope, "Shape", [x]))
        at = constant(scope, axis)
        return once(scope, ("Gather", shape, at), lambda: emit(scope, "Gather", [shape, at], axis=0))

    def joined(scope, *parts):
        ends = [
            once(scope, ("end", part), lambda part=part: emit(scope, "Unsqueeze", [part, constant(scope, [0])]))
            if isinstance(part, str)
            else constant(scope, [part])
            for part in parts
        ]
        return once(scope, tuple(ends), lambda: emit(scope, "Concat", ends, axis=0))

    def norm(scope, parameter, x):
        square = emit(scope, "Pow", [x, constant(scope, 2, np.float32)])
        mean = emit(scope, "ReduceMean", [square], axes=[-1])
        spread = emit(scope, "Sqrt", [emit(scope, "Add", [mean, constant(scope, 1e-6, np.float32)])])
        normal = emit(scope, "Mul", [x, emit(scope, "Div", [constant(scope, 1, np.float32), spread])])
        return emit(scope, "Mul", [g.initializer(parameter, 1 + g.normal(hidden)), normal])

    def causal_mask(scope, ids, past):
        """[batch, 1, sequence, total]: the lowest float where a later or a padded token is."""
        sequence, total = length_of(scope, ids, 1), length_of(scope, "attention_mask", 1)
        before = length_of(scope, past, 2)
        lowest = constant(scope, np.finfo(np.float32).min, np.float32)
        full = emit(scope, "Expand", [lowest, joined(scope, sequence, total)])
        shift = emit(scope, "Add", [before, constant(scope, 1)])
        later = emit(scope, "Trilu", [full, shift], upper=1)
        later = emit(scope, "Unsqueeze", [later, constant(scope, [0, 1])])
        there = emit(scope, "Unsqueeze", ["attention_mask", constant(scope, [1, 2])])
        padded = emit(scope, "Equal", [there, constant(scope, 0)])
        return emit(scope, "Where", [padded, lowest, later])

    def turns(scope):
        """cos and sin [batch, 1, sequence, size]."""
        frequencies = (10000.0 ** (-np.arange(0, size, 2) / size)).astype(np.float32)
        places = emit(scope, "Cast", [emit(scope, "Unsqueeze", ["position_ids", constant(scope, [2])])], to=TensorProto.FLOAT)
        angles = emit(scope, "Mul", [places, constant(scope, frequencies, np.float32)])
        both = emit(scope, "Concat", [angles, angles], axis=-1)
        return [emit(scope, "Unsqueeze", [emit(scope, op, [both]), constant(scope, [1])]) for op in ("Cos", "Sin")]

    def rotate(scope, x, cos, sin):
        low = emit(scope, "Slice", [x, *(constant(scope, [at]) for at in (0, size // 2, 3, 1))])
        high = emit(scope, "Slice", [x, *(constant(scope, [at]) for at in (size // 2, 2**63 - 1, 3, 1))])
        turned = emit(scope, "Concat", [emit(scope, "Neg", [high]), low], axis=-1)
        return emit(scope, "Add", [emit(scope, "Mul", [x, cos]), emit(scope, "Mul", [turned, sin])])

    def repeat(scope, x):
        """Each head of keys or values for its group of queries."""
        batch, total = length_of(scope, x, 0), length_of(scope, x, 2)
        groups = emit(scope, "Unsqueeze", [x, constant(scope, [2])])
        groups = emit(scope, "Expand", [groups, joined(scope, batch, kv_heads, heads // kv_heads, total, size)])
        return emit(scope, "Reshape", [groups, joined(scope, batch, heads, total, size)])

    def attention(scope, i, x, mask, cos, sin):
        batch, sequence = length_of(scope, x, 0), length_of(scope, x, 1)

        def heads_of(projection, count):
            flat = linear(f"{scope}/{projection}", x, hidden, count * size)
            split = emit(scope, "Reshape", [flat, joined(scope, batch, sequence, count, size)])
            return emit(scope, "Transpose", [split], perm=[0, 2, 1, 3])

        query, key, value = heads_of("q_proj", heads), heads_of("k_proj", kv_heads), heads_of("v_proj", kv_heads)
        query, key = rotate(scope, query, cos, sin), rotate(scope, key, cos, sin)
        key = emit(scope, "Concat", [f"past_key_values.{i}.key", key], f"present.{i}.key", axis=2)
        value = emit(scope, "Concat", [f"past_key_values.{i}.value", value], f"present.{i}.value", axis=2)
        turned = emit(scope, "Transpose", [repeat(scope, key)], perm=[0, 1, 3, 2])
        scores = emit(scope, "Div", [emit(scope, "MatMul", [query, turned]), constant(scope, size**0.5, np.float32)])
        weights = emit(scope, "Softmax", [emit(scope, "Add", [scores, mask])], axis=-1)
        attended = emit(scope, "Transpose", [emit(scope, "MatMul", [weights, repeat(scope, value)])], perm=[0, 2, 1, 3])
        attended = emit(scope, "Reshape", [attended, joined(scope, batch, sequence, heads * size)])
        return linear(f"{scope}/o_proj", attended, heads * size, hidden)

    def mlp(scope, x):
        gate = linear(f"{scope}/gate_proj", x, hidden, wide)
        active = emit(f"{scope}/act_fn", "Mul", [gate, emit(f"{scope}/act_fn", "Sigmoid", [gate])])
        inner = emit(scope, "Mul", [active, linear(f"{scope}/up_proj", x, hidden, wide)])
        return linear(f"{scope}/down_proj", inner, wide, hidden)

    embedding = g.initializer("model.embed_tokens.weight", g.normal(vocab, hidden))
    x = emit("/model/embed_tokens", "Gather", [embedding, "input_ids"])
    mask = cos = sin = None
    for i in range(layers):
        at, parameters = f"/model/layers.{i}", f"model.layers.{i}"
        normal = norm(f"{at}/input_layernorm", f"{parameters}.input_layernorm.weight", x)
        if i == 0:
            mask = causal_mask(f"{at}/self_attn", "input_ids", "past_key_values.0.key")
            cos, sin = turns(f"{at}/self_attn/rotary_emb")
        x = emit(at, "Add", [x, attention(f"{at}/self_attn", i, normal, mask, cos, sin)])
        normal = norm(f"{at}/post_attention_layernorm", f"{parameters}.post_attention_layernorm.weight", x)
        x = emit(at, "Add", [x, mlp(f"{at}/mlp", normal)])
    linear("/lm_head", norm("/model/norm", "model.norm.weight", x), hidden, vocab, "logits")
    g.save("optimum.onnx", "main_graph", "pytorch", "2.4.0", [("", 14)])


FOLDER.mkdir(parents=True, exist_ok=True)
genai()
optimum()
for file in sorted(FOLDER.glob("*.onnx")):
    print(file.name, file.stat().st_size, "bytes", len(onnx.load(file).graph.node), "nodes")
