"""The mark is found again, by its key alone, in what was done to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.stage.watermark.kit import busy, flat, luma

from mien.stage.watermark.detect import READ, SURE, Evidence, Found
from mien.stage.watermark.embed import Watermark
from mien.types import ByteArray

PAYLOAD = 0xCAFE1234


def look(*pictures: ByteArray, key: str = "key") -> Found:
    evidence = Evidence()
    for picture in pictures:
        evidence.add(luma(picture))
    return evidence.look([key])[key]


@pytest.fixture(scope="module")
def marked() -> ByteArray:
    return Watermark(PAYLOAD, "key")(0, busy())


def scaled(factor: float) -> Callable[[ByteArray], Any]:
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return lambda picture: cv2.resize(picture, None, fx=factor, fy=factor, interpolation=way)


def jpeg(picture: ByteArray, quality: int = 70) -> Any:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def filled(picture: ByteArray) -> Any:
    return cv2.resize(picture[20:372, 31:383], (400, 400), interpolation=cv2.INTER_CUBIC)


ATTACKS: dict[str, Callable[[ByteArray], Any]] = {
    "nothing": lambda p: p,
    "half its size": scaled(0.5),
    "a size nobody thought of": scaled(0.713),
    "larger": scaled(1.9),
    "5 % cropped": lambda p: p[6:386, 14:394],
    "12 % cropped": lambda p: p[33:385, 17:369],
    "cropped and filled": filled,
    "squeezed": lambda p: cv2.resize(p, (400, 388)),
    "brighter": lambda p: np.clip(p * 1.2 + 10, 0, 255).astype(np.uint8),
    "darker": lambda p: (p * 0.6).astype(np.uint8),
    "jpeg": jpeg,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_found_and_read_after(name: str, marked: ByteArray) -> None:
    found = look(np.ascontiguousarray(ATTACKS[name](marked)))
    assert found.marked and found.payload == PAYLOAD, found


def test_scale_and_place_are_told(marked: ByteArray) -> None:
    found = look(np.ascontiguousarray(scaled(0.75)(marked[40:, 24:])))
    assert found.scale == pytest.approx(0.75, rel=0.01)
    assert abs(found.shift[0] - 24) <= 1 and abs(found.shift[1] - 40) <= 1


def test_nothing_is_found_without_a_mark_or_with_another_key(marked: ByteArray) -> None:
    evidence = Evidence()
    evidence.add(luma(marked))
    wrong = evidence.look(f"wrong {k}" for k in range(25))
    assert len(wrong) == 25 and not any(found.marked for found in wrong.values())
    assert max(found.z for found in wrong.values()) < SURE - 1
    assert not look(busy()).marked and not look(flat()).marked


def test_a_weak_mark_is_proved_by_all_its_waves_together() -> None:
    """Where the pilots alone might be chance, the carriers that agree with what was read settle it."""
    mark = Watermark(PAYLOAD, "key")
    weak = [look(jpeg(scaled(0.5)(mark(0, busy(seed, 230, 230))), 25)) for seed in range(1, 9)]
    settled = [found for found in weak if found.z < SURE and found.payload == PAYLOAD]
    assert settled and all(found.marked and found.read >= READ for found in settled)
    assert all(found.payload in (PAYLOAD, None) for found in weak)


def test_several_pictures_tell_what_one_does_not() -> None:
    mark = Watermark(PAYLOAD, "key")
    pictures = [jpeg(scaled(0.5)(mark(0, busy(seed, 200, 200))), 25) for seed in range(1, 9)]
    assert look(*pictures).z > 1.4 * max(look(picture).z for picture in pictures[:3])


def test_nothing_to_look_at_is_no_mark() -> None:
    assert not Evidence().look(["key"])["key"].marked
    assert not look(busy(1, 24, 24)).marked


def test_through_x264_as_a_film(tmp_path: Path) -> None:
    import av

    from mien.apps.trust.reading import gather

    mark, file = Watermark(PAYLOAD, "key"), tmp_path / "film.mp4"
    with av.open(str(file), "w") as out:
        stream: Any = out.add_stream("libx264", rate=25, options={"crf": "28", "preset": "veryfast"})
        stream.width = stream.height = 400
        stream.pix_fmt = "yuv420p"
        for k in range(8):
            picture = np.roll(busy(), k, axis=1)
            frame = av.VideoFrame.from_ndarray(mark(k, picture), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    found = gather(file).look(["key", "other"])
    assert found["key"].marked and found["key"].payload == PAYLOAD
    assert not found["other"].marked
