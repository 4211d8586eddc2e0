"""Small networks that sherpa-onnx takes for voices: they hum at a pitch per letter. Made here, of nothing but sines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

RATE = 16_000
LETTERS = " abcdefghijklmnopqrstuvwxyz.,?!'。，！？大家好欢迎来到我们的节目今天气非常喜北京用拍照"
PER_TOKEN = 1_600
"""Samples that a letter takes at speed 1: 0.1 s."""


HOP = 256
MELS = 100
SPEAKERS = ("af_maple", "bm_low", "zf_001", "zm_010")

_INT, _REAL = TensorProto.INT64, TensorProto.FLOAT


def make_vits(folder: Path, *, speakers: int = 1, language: str = "Chinese, English") -> Path:
    """A VITS that reads letters. folder: made."""
    folder.mkdir(parents=True)
    _tokens(folder)
    inputs = [("input", _INT, [1, "n"]), ("input_lengths", _INT, [1]), ("scales", _REAL, [3]), ("sid", _INT, [1])]
    nodes = [_node("Gather", "scales one", "length_scale"), *_long("length_scale"), *_hum("input", "sid")]
    about = {
        "sample_rate": RATE, "n_speakers": speakers, "language": language, "comment": "coqui", "frontend": "characters",
        "add_blank": 0, "use_eos_bos": 0, "punctuation": "", "voice": "",
    }  # fmt: skip
    _save(folder / "model.onnx", inputs, nodes, about)
    return folder


def make_kokoro(folder: Path) -> Path:
    """A Kokoro of four speakers who hum at their own pitches."""
    folder.mkdir(parents=True)
    _tokens(folder)
    _lexicons(folder, "lexicon-us-en.txt", "lexicon-zh.txt")
    _espeak_data(folder)
    style = np.zeros((len(SPEAKERS), 510, 4), np.float32)
    style[:, :, 0] = np.arange(len(SPEAKERS))[:, None]
    (folder / "voices.bin").write_bytes(style.tobytes())
    inputs = [("tokens", _INT, [1, "n"]), ("style", _REAL, [1, 4]), ("speed", _REAL, [1])]
    nodes = [
        _node("Reciprocal", "speed", "length_scale"),
        _node("Gather", "style zero", "who_row", axis=1),
        _node("Reshape", "who_row flat", "who_is"),
        _node("Cast", "who_is", "sid", to=_INT),
        *_long("length_scale"),
        *_hum("tokens", "sid"),
    ]
    about = {
        "model_type": "kokoro", "language": "multi-lang, e.g., English, Chinese", "has_espeak": 1, "sample_rate": RATE,
        "version": 2, "voice": "en-us", "style_dim": "510,1,4", "n_speakers": len(SPEAKERS),
        "speaker_names": ",".join(SPEAKERS),
    }  # fmt: skip
    _save(folder / "model.onnx", inputs, nodes, about)
    return folder


def make_matcha(folder: Path) -> Path:
    """A Matcha of one Chinese voice, and the vocoder that passes its sound on."""
    folder.mkdir(parents=True)
    _tokens(folder)
    _lexicons(folder, "lexicon.txt")
    inputs = [
        ("x", _INT, [1, "n"]), ("x_length", _INT, [1]), ("noise_scale", _REAL, [1]), ("length_scale", _REAL, [1]),
    ]  # fmt: skip
    about = {
        "sample_rate": 22_050, "n_speakers": 1, "jieba": 1, "has_espeak": 0, "use_eos_bos": 0, "pad_id": 0,
        "language": "Chinese", "comment": "icefall",
    }  # fmt: skip
    nodes = [*_long("length_scale"), *_hum("x", "nobody")]
    _save(folder / "model-steps-3.onnx", inputs, nodes, about)
    passed_on = [_node("Identity", "mel", "output")]
    _save(folder / "vocos-22khz-univ.onnx", [("mel", _REAL, [1, 1, "t"])], passed_on, {"model_type": "hifigan"})
    return folder


def make_zipvoice(folder: Path) -> Path:
    """A ZipVoice whose answer is as long as its text asks for, and a vocoder that hums."""
    folder.mkdir(parents=True)
    _tokens(folder)
    _lexicons(folder, "lexicon.txt")
    _espeak_data(folder)
    inputs = [
        ("tokens", _INT, [1, "n"]), ("prompt_tokens", _INT, [1, "p"]), ("prompt_features_len", _INT, [1]),
        ("speed", _REAL, [1]),
    ]  # fmt: skip
    nodes = [
        _node("Shape", "tokens", "token_shape"),
        _node("Gather", "token_shape one", "tokens_count"),
        _node("Cast", "tokens_count", "tokens_real", to=_REAL),
        _node("Mul", "tokens_real frames_each", "frames_slow"),
        _node("Div", "frames_slow speed", "frames_real"),
        _node("Cast", "frames_real", "frames", to=_INT),
        _node("Add", "frames prompt_features_len", "all_frames"),
        _node("Concat", "one all_frames mels", "shape", axis=0),
        _node("Expand", "nothing shape", "output"),
    ]
    _save(folder / "encoder.int8.onnx", inputs, nodes, {"use_espeak": 1, "use_pinyin": 1})
    inputs = [
        ("t", _REAL, [1]), ("x", _REAL, [1, "f", MELS]), ("text_condition", _REAL, [1, "f", MELS]),
        ("speech_condition", _REAL, [1, "f", MELS]), ("guidance_scale", _REAL, [1]),
    ]  # fmt: skip
    about = {"feat_dim": MELS, "sample_rate": 24_000, "version": 1, "num_mels": MELS, "hop_length": HOP}
    _save(folder / "decoder.int8.onnx", inputs, [_node("Add", "x text_condition", "output")], about)
    about_vocoder = {"model_type": "vocos", "sample_rate": 24_000}
    _save(folder / "vocos_24khz.onnx", [("mel", _REAL, [1, MELS, "f"])], _vocos(), about_vocoder, ("output", "x", "y"))
    return folder


def _vocos() -> list[onnx.NodeProto]:
    """Frames (1, mels, f) → magnitude, cosine and sine (1, bins, f) of one steady tone."""
    return [
        _node("Shape", "mel", "mel_shape"),
        _node("Gather", "mel_shape two", "frames"),
        _node("Concat", "one bins frames", "shape", axis=0),
        _node("Expand", "tone shape", "output"),
        _node("Expand", "ones shape", "x"),
        _node("Expand", "nothing shape", "y"),
    ]


def _long(scale: str) -> list[onnx.NodeProto]:
    """Samples a token takes."""
    return [_node("Mul", f"{scale} per_token", "long"), _node("Cast", "long", "repeat", to=_INT)]


def _hum(tokens: str, who: str) -> list[onnx.NodeProto]:
    """Tokens (1, n), samples a token "repeat" (1,), speaker (1,) → sound (1, 1, n · repeat): a sine for each token."""
    return [
        _node("Cast", tokens, "pitch", to=_REAL),
        _node("Cast", who, "who", to=_REAL),
        _node("Mul", "who who_step", "who_hertz"),
        _node("Mul", "pitch step", "over"),
        _node("Add", "over lowest", "some_hertz"),
        _node("Add", "some_hertz who_hertz", "hertz"),
        _node("Unsqueeze", "hertz last_axis", "column"),
        _node("Concat", "one_one repeat", "shape", axis=0),
        _node("Expand", "column shape", "wide"),
        _node("Reshape", "wide flat", "each"),
        _node("Shape", "each", "size"),
        _node("Squeeze", "size", "count"),
        _node("Range", "zero_int count unit", "index"),
        _node("Cast", "index", "at", to=_REAL),
        _node("Mul", "at turn", "radians"),
        _node("Mul", "radians each", "phase"),
        _node("Sin", "phase", "wave"),
        _node("Mul", "wave loud", "quiet"),
        _node("Reshape", "quiet as_sound", "output"),
    ]


def _constants() -> dict[str, NDArray[Any]]:
    tone = np.zeros((1, 513, 1), np.float32)
    tone[0, 8] = 200  # every fourth bin is in phase from hop to hop
    return {
        "one": np.array([1], np.int64), "two": np.array([2], np.int64), "zero": np.array([0], np.int64),
        "nobody": np.array([0], np.int64), "mels": np.array([MELS], np.int64),
        "per_token": np.array([PER_TOKEN], np.float32), "step": np.array(6, np.float32),
        "lowest": np.array(120, np.float32), "who_step": np.array([90], np.float32),
        "bins": np.array([513], np.int64), "tone": tone, "ones": np.ones((1, 1, 1), np.float32),
        "frames_each": np.array([PER_TOKEN / HOP], np.float32),
        "nothing": np.zeros((1, 1, 1), np.float32), "last_axis": np.array([2], np.int64),
        "one_one": np.array([1, 1], np.int64), "flat": np.array([-1], np.int64), "zero_int": np.array(0, np.int64),
        "unit": np.array(1, np.int64), "loud": np.array(0.4, np.float32),
        "turn": np.array(2 * np.pi / RATE, np.float32), "as_sound": np.array([1, 1, -1], np.int64),
    }  # fmt: skip


def _node(kind: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def _save(
    path: Path,
    inputs: Sequence[tuple[str, int, Any]],
    nodes: list[onnx.NodeProto],
    about: Mapping[str, object],
    results: Sequence[str] = ("output",),
) -> None:
    used = {name for node in nodes for name in node.input}
    constants = [numpy_helper.from_array(value, name) for name, value in _constants().items() if name in used]
    outputs = [helper.make_tensor_value_info(name, _REAL, None) for name in results]
    graph = helper.make_graph(
        nodes, "hum", [helper.make_tensor_value_info(*given) for given in inputs], outputs, constants
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for key, value in about.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.save(model, str(path))


def _tokens(folder: Path) -> None:
    (folder / "tokens.txt").write_text("".join(f"{c} {i}\n" for i, c in enumerate(LETTERS)), "utf-8")


def _lexicons(folder: Path, *names: str) -> None:
    """A word for each letter or hanzi, split between the files."""
    letters = [c for c in LETTERS if c.isalpha()]
    for number, name in enumerate(names):
        mine = [c for c in letters if len(names) == 1 or c.isascii() == (number == 0)]
        (folder / name).write_text("".join(f"{c} {c}\n" for c in mine), "utf-8")


def _espeak_data(folder: Path) -> None:
    import espeakng_loader

    (folder / "espeak-ng-data").symlink_to(espeakng_loader.get_data_path())
