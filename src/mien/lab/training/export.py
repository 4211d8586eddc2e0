"""From trained weights to the ONNX files that the driver runs: state in, state out, one look-ahead a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien.face.listen.features import FEATURES
from mien.face.listen.heads import HEADS
from mien.face.listen.network import LOOK_AHEADS
from mien.lab.training.network import CONTEXT, LIKELIHOODS, Listener

_OPSET = 20
_IR = 9
Array = NDArray[np.float32]


def export(net: Listener, look_ahead: int, file: Path, about: Mapping[str, str]) -> None:
    """Write one of the network's answers. look_ahead: rows, one of :data:`LOOK_AHEADS`. about: the file's metadata.

    Inputs: features (1, rows, FEATURES), context (1, 2, width), memory (2, 1, width), zeros to begin with.
    Outputs: answers (1, rows, HEADS), context and memory to go on with.
    """
    model = onnx_model(net, look_ahead)
    helper.set_model_props(model, {"look_ahead": str(look_ahead), "width": str(net.width), **about})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(file))


def onnx_model(net: Listener, look_ahead: int) -> onnx.ModelProto:
    """The graph, built by hand so that it needs no tracer and stays the same from version to version."""
    width, weights = net.width, {k: v.detach().numpy().astype(np.float32) for k, v in net.state_dict().items()}
    index = LOOK_AHEADS.index(look_ahead)
    constants = {
        "inlet_w": weights["inlet.weight"].T, "inlet_b": weights["inlet.bias"],
        "context_w": weights["context.weight"], "context_b": weights["context.bias"],
        "norm_w": weights["norm.weight"], "norm_b": weights["norm.bias"],
        "answer_w": weights["answer.weight"][index * HEADS : (index + 1) * HEADS].T,
        "answer_b": weights["answer.bias"][index * HEADS : (index + 1) * HEADS],
        **_gru(weights, 0, width), **_gru(weights, 1, width),
    }  # fmt: skip
    nodes = [
        *_linear("features", "inlet", "first_raw"),
        helper.make_node("Gelu", ["first_raw"], ["first"]),
        helper.make_node("Concat", ["context", "first"], ["window"], axis=1),
        helper.make_node("Slice", ["window", "minus_context", "far", "time"], ["context_out"]),
        helper.make_node("Transpose", ["window"], ["window_t"], perm=[0, 2, 1]),
        helper.make_node("Conv", ["window_t", "context_w", "context_b"], ["seen_t"]),
        helper.make_node("Gelu", ["seen_t"], ["seen_g"]),
        helper.make_node("Transpose", ["seen_g"], ["seen"], perm=[0, 2, 1]),
        helper.make_node("Add", ["first", "seen"], ["both"]),
        helper.make_node("LayerNormalization", ["both", "norm_w", "norm_b"], ["normed"], axis=-1, epsilon=1e-5),
        helper.make_node("Transpose", ["normed"], ["rows_0"], perm=[1, 0, 2]),
        helper.make_node("Split", ["memory"], ["memory_0", "memory_1"], axis=0, num_outputs=2),
        *_recurrent(0, width),
        *_recurrent(1, width),
        helper.make_node("Concat", ["last_0", "last_1"], ["memory_out"], axis=0),
        helper.make_node("Transpose", ["rows_2"], ["told"], perm=[1, 0, 2]),
        helper.make_node("Add", ["told", "normed"], ["hidden"]),
        *_linear("hidden", "answer", "said"),
        helper.make_node("Split", ["said", "parts"], ["measures", "odds"], axis=-1),
        helper.make_node("Sigmoid", ["odds"], ["likely"]),
        helper.make_node("Concat", ["measures", "likely"], ["answers"], axis=-1),
    ]
    initializers = [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()]
    for name, value in (("minus_context", -CONTEXT), ("far", 2**31 - 1), ("time", 1)):
        initializers.append(numpy_helper.from_array(np.array([value], np.int64), name))
    parts = np.array([LIKELIHOODS.start, HEADS - LIKELIHOODS.start], np.int64)
    initializers.append(numpy_helper.from_array(parts, "parts"))
    graph = helper.make_graph(
        nodes, "listener", _values(("", FEATURES), width), _values(("_out", HEADS), width), initializers
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)


def _values(kind: tuple[str, int], width: int) -> list[onnx.ValueInfoProto]:
    suffix, size = kind
    name = "answers" if suffix else "features"
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "rows", size]),
        helper.make_tensor_value_info(f"context{suffix}", TensorProto.FLOAT, [1, CONTEXT, width]),
        helper.make_tensor_value_info(f"memory{suffix}", TensorProto.FLOAT, [2, 1, width]),
    ]


def _linear(source: str, name: str, target: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("MatMul", [source, f"{name}_w"], [f"{name}_mul"]),
        helper.make_node("Add", [f"{name}_mul", f"{name}_b"], [target]),
    ]


def _recurrent(layer: int, width: int) -> list[onnx.NodeProto]:
    gru = helper.make_node(
        "GRU",
        [f"rows_{layer}", f"gru_w{layer}", f"gru_r{layer}", f"gru_b{layer}", "", f"memory_{layer}"],
        [f"gru_y{layer}", f"last_{layer}"],
        hidden_size=width,
        linear_before_reset=1,
    )
    squeeze = helper.make_node("Squeeze", [f"gru_y{layer}", "time"], [f"rows_{layer + 1}"])
    return [gru, squeeze]


def _gru(weights: Mapping[str, Array], layer: int, width: int) -> dict[str, Array]:
    w, r, wb, rb = (weights[f"memory.{kind}_l{layer}"] for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    order = _gates(width)
    return {
        f"gru_w{layer}": w[order][None], f"gru_r{layer}": r[order][None],
        f"gru_b{layer}": np.concatenate([wb[order], rb[order]])[None],
    }  # fmt: skip


def imported(files: Mapping[int, Path]) -> Listener:
    """The network that :func:`export` wrote: files by look-ahead, one for each of :data:`LOOK_AHEADS`."""
    stored = {
        la: {t.name: numpy_helper.to_array(t) for t in onnx.load(str(files[la])).graph.initializer} for la in files
    }
    first = stored[LOOK_AHEADS[0]]
    net = Listener(first["norm_w"].shape[0])
    weights = {
        "inlet.weight": first["inlet_w"].T, "inlet.bias": first["inlet_b"],
        "context.weight": first["context_w"], "context.bias": first["context_b"],
        "norm.weight": first["norm_w"], "norm.bias": first["norm_b"],
        "answer.weight": np.concatenate([stored[la]["answer_w"].T for la in LOOK_AHEADS]),
        "answer.bias": np.concatenate([stored[la]["answer_b"] for la in LOOK_AHEADS]),
        **_torch_gru(first, 0, net.width), **_torch_gru(first, 1, net.width),
    }  # fmt: skip
    net.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    return net


def _torch_gru(stored: Mapping[str, Array], layer: int, width: int) -> dict[str, Array]:
    order = np.argsort(_gates(width))
    biases = stored[f"gru_b{layer}"][0]
    return {
        f"memory.weight_ih_l{layer}": stored[f"gru_w{layer}"][0][order],
        f"memory.weight_hh_l{layer}": stored[f"gru_r{layer}"][0][order],
        f"memory.bias_ih_l{layer}": biases[: 3 * width][order],
        f"memory.bias_hh_l{layer}": biases[3 * width :][order],
    }


def _gates(width: int) -> NDArray[np.intp]:
    """PyTorch orders a GRU's gates reset, update, new; ONNX update, reset, hidden."""
    return np.asarray(np.r_[width : 2 * width, 0:width, 2 * width : 3 * width])


def same_answers(net: Listener, look_ahead: int, file: Path) -> float:
    """Largest difference between the file's answers and the network's own over ten seconds of noise."""
    import onnxruntime

    features = torch.randn(1, 500, FEATURES, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        wanted = net(features)[0, :, LOOK_AHEADS.index(look_ahead)].numpy()
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    state = {
        "context": np.zeros((1, CONTEXT, net.width), np.float32),
        "memory": np.zeros((2, 1, net.width), np.float32),
    }
    told = session.run(["answers"], {"features": features.numpy(), **state})[0]
    return float(np.abs(told[0] - wanted).max())
