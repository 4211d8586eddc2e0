"""The small networks that read a portrait, run by LiteRT on one thread each."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.types import FloatArray

THREADS: Final = 1
"""Each net takes a few milliseconds; more threads cost more than they give on two cores."""


class Network:
    """One ``.tflite`` file, ready to run. Safe to share between threads (calls take turns)."""

    def __init__(self, path: Path | None = None, content: bytes | None = None) -> None:
        from ai_edge_litert.interpreter import Interpreter

        source: dict[str, Any] = {"model_content": content} if content is not None else {"model_path": str(path)}
        with _quiet():
            self._interpreter = Interpreter(num_threads=THREADS, **source)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._outputs = self._interpreter.get_output_details()
        self._lock = threading.Lock()

    @property
    def side(self) -> int:
        """Width and height of the square picture that the net takes, pixels."""
        return int(self._input["shape"][1])

    def __call__(self, picture: NDArray[np.floating[Any]]) -> list[FloatArray]:
        """Run once. picture: float, (side, side, 3), scaled as the net wants it. Returns the outputs, flattened."""
        with self._lock:
            self._interpreter.set_tensor(self._input["index"], np.ascontiguousarray(picture[None], np.float32))
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(o["index"]).reshape(-1).copy() for o in self._outputs]


@functools.cache
def network(name: str) -> Network:
    """The net of that name in :mod:`mien.models`, loaded once.

    Raises MissingError or NetworkError when the file is not here and cannot be had.
    """
    from mien import models

    return Network(path=Path(models.path(name)))


_quiet_lock = threading.Lock()
_said = False


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep LiteRT's one line of self-praise ("INFO: Created … delegate") off standard error; it has no switch for it.

    Only for the first net of a process, for some milliseconds. Faults come as exceptions, so none is lost.
    """
    global _said  # noqa: PLW0603
    with _quiet_lock:
        if _said:
            yield
            return
        _said = True
        try:
            kept = os.dup(2)
        except OSError:  # the process has no standard error
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
