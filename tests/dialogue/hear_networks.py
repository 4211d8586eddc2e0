"""Small networks that sherpa-onnx takes for ears: they write "low" for low tones and "high" for high ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_INT, _LONG, _REAL = TensorProto.INT32, TensorProto.INT64, TensorProto.FLOAT
_MELS = 80
_LOUD = 2.5  # how much more energy in one half of the bands makes a word


def make_sense_voice(folder: Path, tags: tuple[str, str] = ("<|en|>", "<|HAPPY|>")) -> Path:
    """A SenseVoice: whole utterances, tags before the words. folder: made."""
    folder.mkdir(parents=True)
    words = ["<blk>", "▁low", "▁high", *tags, "<|Speech|>", "<|withitn|>"]
    _tokens(folder, words)
    said = np.zeros((1, 4, len(words)), np.float32)
    said[0, range(4), range(3, 7)] = 100
    constants = {"weights": _weights(7, len(words)), "bias": _bias(len(words)), "tags": said}
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["scores"]),
        helper.make_node("Add", ["scores", "bias"], ["words"]),
        helper.make_node("Concat", ["tags", "words"], ["logits"], axis=1),
    ]
    inputs: list[tuple[str, int, Any]] = [("x", _REAL, [1, "t", 7 * _MELS])]
    inputs += [(name, _INT, [1]) for name in ("x_length", "language", "text_norm")]
    about = {
        "model_type": "sense_voice_ctc", "vocab_size": len(words), "lfr_window_size": 7, "lfr_window_shift": 6,
        "normalize_samples": 0, "with_itn": 14, "without_itn": 15, "lang_auto": 0, "lang_zh": 3, "lang_en": 4,
        "lang_yue": 7, "lang_ja": 11, "lang_ko": 12, "neg_mean": ",".join(["0"] * 7 * _MELS),
        "inv_stddev": ",".join(["1"] * 7 * _MELS), "comment": "small",
    }  # fmt: skip
    _save(folder / "model.int8.onnx", inputs, nodes, ["logits"], constants, about)
    return folder


def make_streaming(folder: Path) -> Path:
    """A streaming transducer (LSTM): a word whenever the tone changes."""
    folder.mkdir(parents=True)
    words = ["<blk>", "▁LOW", "▁HIGH", "<unk>"]
    _tokens(folder, words)
    count = len(words)
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("MatMul", ["mean", "weights"], ["scores"]),
        helper.make_node("Add", ["scores", "bias"], ["encoder_out"]),
        helper.make_node("Identity", ["state0"], ["next_state0"]),
        helper.make_node("Identity", ["state1"], ["next_state1"]),
    ]
    inputs = [("x", _REAL, ["n", 9, _MELS]), ("state0", _REAL, [1, "n", 4]), ("state1", _REAL, [1, "n", 4])]
    about: dict[str, object] = {
        "model_type": "lstm", "T": 9, "decode_chunk_len": 4, "num_encoder_layers": 1, "rnn_hidden_size": 4,
        "d_model": 4,
    }  # fmt: skip
    constants = {"weights": _weights(1, count), "bias": _bias(count)}
    _save(folder / "encoder.onnx", inputs, nodes, ["encoder_out", "next_state0", "next_state1"], constants, about)
    again = np.zeros((count, count), np.float32)
    np.fill_diagonal(again, -1000)
    again[0] = 0
    nodes = [
        helper.make_node("Gather", ["y", "last"], ["word"], axis=1),
        helper.make_node("Gather", ["again", "word"], ["decoder_out"]),
    ]
    constants = {"again": again, "last": np.array(1, np.int64)}
    about = {"context_size": 2, "vocab_size": count}
    _save(folder / "decoder.onnx", [("y", _LONG, ["n", 2])], nodes, ["decoder_out"], constants, about)
    inputs = [("encoder_out", _REAL, ["n", count]), ("decoder_out", _REAL, ["n", count])]
    nodes = [helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])]
    _save(folder / "joiner.onnx", inputs, nodes, ["logit"], {}, {"joiner_dim": count})
    return folder


def _weights(frames: int, words: int) -> NDArray[np.float32]:
    """Features of some frames → scores: of the second word low bands over high ones, of the third the reverse."""
    bands = np.where(np.arange(_MELS) < _MELS // 2, 1.0, -1.0) / (_MELS // 2)
    weights = np.zeros((frames * _MELS, words), np.float32)
    weights[:, 1] = np.tile(bands, frames) / frames
    weights[:, 2] = -weights[:, 1]
    return weights


def _bias(words: int) -> NDArray[np.float32]:
    bias = np.full(words, -1000, np.float32)
    bias[:3] = _LOUD, 0, 0
    return bias


def _tokens(folder: Path, words: Sequence[str]) -> None:
    (folder / "tokens.txt").write_text("".join(f"{w} {i}\n" for i, w in enumerate(words)), "utf-8")


def _save(
    path: Path,
    inputs: Sequence[tuple[str, int, Any]],
    nodes: list[onnx.NodeProto],
    results: Sequence[str],
    constants: Mapping[str, NDArray[Any]],
    about: Mapping[str, object],
) -> None:
    graph = helper.make_graph(
        nodes, "ear", [helper.make_tensor_value_info(*given) for given in inputs],
        [helper.make_tensor_value_info(name, _REAL, None) for name in results],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for key, value in about.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.save(model, str(path))
