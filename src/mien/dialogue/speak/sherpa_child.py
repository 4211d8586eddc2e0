"""The process in which sherpa-onnx runs, alone: where a model or a text does not suit it, it ends its process.

Started by path (``python sherpa_child.py``). Reads frames of a 4-byte little-endian length and that many bytes from
standard input: first a JSON object that says how to load the model (and the recording to clone as the next frame, if
it says so), then one JSON object per text. Answers with frames whose first byte names them:

``R`` ready (JSON: rate, speakers) · ``A`` sound (float32) · ``D`` done. What fails is told on standard error.

It ends when its input closes, which happens whenever the parent closes it, ends or is killed.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from typing import Any, BinaryIO

LONGEST_FRAME = 64 << 20


def send(out: BinaryIO, payload: bytes) -> None:
    """Write one frame."""
    out.write(struct.pack("<I", len(payload)) + payload)
    out.flush()


def receive(source: BinaryIO) -> bytes | None:
    """Read one frame; None when the pipe has closed or what comes is no frame."""
    head = source.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "little")
    if size > LONGEST_FRAME:
        return None
    payload = source.read(size)
    return payload if len(payload) == size else None


def load(settings: dict[str, Any]) -> Any:
    """sherpa-onnx's synthesiser for a model. Raises ValueError for files that do not fit together."""
    import sherpa_onnx

    kind = {
        "vits": sherpa_onnx.OfflineTtsVitsModelConfig,
        "matcha": sherpa_onnx.OfflineTtsMatchaModelConfig,
        "kokoro": sherpa_onnx.OfflineTtsKokoroModelConfig,
        "zipvoice": sherpa_onnx.OfflineTtsZipvoiceModelConfig,
    }[settings["family"]]
    part = kind(**settings["files"])
    model = sherpa_onnx.OfflineTtsModelConfig(**{settings["family"]: part}, num_threads=settings["threads"])
    config = sherpa_onnx.OfflineTtsConfig(model=model, rule_fsts=settings["rules"], max_num_sentences=1)
    if not config.validate():
        raise ValueError("sherpa-onnx finds its files incomplete")
    return sherpa_onnx.OfflineTts(config)


def speak(synthesizer: Any, job: dict[str, Any], recording: list[float] | None, out: BinaryIO) -> None:
    """Speak a text, sending sound as it comes; ``D`` ends it."""
    import numpy as np
    import sherpa_onnx

    config = sherpa_onnx.GenerationConfig()
    config.sid, config.speed = job["speaker"], job["speed"]
    config.extra = job["extra"]
    if recording is not None:
        config.reference_audio, config.reference_sample_rate = recording, job["recording_rate"]
        config.reference_text, config.num_steps = job["recording_text"], 4

    def tell(samples: Any, _progress: float) -> int:
        send(out, b"A" + np.ascontiguousarray(samples, np.float32).tobytes())
        return 1

    synthesizer.generate(job["text"], config, tell)
    send(out, b"D")


def main() -> None:
    """Serve texts until the input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair: it closes the pipe
    source, out = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints must not mix with the frames
    first = receive(source)
    if first is None:
        return
    settings = json.loads(first)
    recording = None
    if settings.get("recording"):
        import numpy as np

        recording = np.frombuffer(receive(source) or b"", np.float32).tolist()
    synthesizer = load(settings)
    ready = {"rate": synthesizer.sample_rate, "speakers": synthesizer.num_speakers}
    send(out, b"R" + json.dumps(ready).encode())
    while (frame := receive(source)) is not None:
        speak(synthesizer, json.loads(frame), recording, out)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
        os._exit(1)
