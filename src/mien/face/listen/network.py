"""The network that listens: an ONNX file that this project trained, run on one thread with its state carried along."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import InputError, MissingError
from mien.face.listen.features import FEATURES
from mien.face.listen.heads import HEADS
from mien.types import FloatArray

LOOK_AHEADS: Final = (0, 3, 8)
"""Rows of look-ahead that there is a file for: 0 and 60 ms for live use, 160 ms for recordings."""
_BLOCK: Final = 256
_CONTEXT: Final = 2


class Network:
    """One stream through the network. Chunked equals whole to 1e-5.

    look_ahead: rows, one of :data:`LOOK_AHEADS`. file: another model's ONNX file, such as a personal one.
    """

    def __init__(self, look_ahead: int, file: Path | None = None) -> None:
        self._session = _session(file) if file else _shipped(look_ahead)
        meta = self._session.get_modelmeta().custom_metadata_map
        self.look_ahead = int(meta["look_ahead"])
        width = int(meta["width"])
        self._context = np.zeros((1, _CONTEXT, width), np.float32)
        self._memory = np.zeros((2, 1, width), np.float32)

    def run(self, features: FloatArray) -> FloatArray:
        """Answers to the next rows. features: float32 (n, FEATURES). Returns float32 (n, HEADS)."""
        told = [np.zeros((0, HEADS), np.float32)]
        for at in range(0, len(features), _BLOCK):
            block = np.ascontiguousarray(features[None, at : at + _BLOCK], np.float32)
            answers, self._context, self._memory = self._session.run(
                None, {"features": block, "context": self._context, "memory": self._memory}
            )
            told.append(answers[0])
        return np.concatenate(told)


def weights(look_ahead: int) -> str:
    """File name of the shipped model of this look-ahead."""
    return f"audio2face-{look_ahead * 20}ms.onnx"


@cache
def _shipped(look_ahead: int) -> Any:
    with as_file(files("mien.face.listen").joinpath("weights", weights(look_ahead))) as file:
        return _session(file)


@cache
def _session(file: Path) -> Any:
    """An inference session, shared by streams: it holds no state."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingError(
            "Moving a face by any voice needs onnxruntime.",
            hint="Install it with: pip install onnxruntime.",
            code="missing.backend",
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base of their own
        raise InputError(
            f"'{file.name}' is not a model that can be run.", hint="Make one with: mien train audio2face."
        ) from error
    return _checked(session, file)


def _checked(session: Any, file: Path) -> Any:
    shapes = {v.name: v.shape[-1] for v in (*session.get_inputs(), *session.get_outputs()) if v.shape}
    meta = session.get_modelmeta().custom_metadata_map
    if (
        shapes.get("features") != FEATURES
        or shapes.get("answers") != HEADS
        or not all(meta.get(name, "").isdecimal() for name in ("look_ahead", "width"))
    ):
        raise InputError(
            f"'{file.name}' is a model of another kind or version.", hint="Make one with: mien train audio2face."
        )
    return session
