"""Pictures of every kind come in upright, as 8-bit sRGB; everything else is refused with one sentence."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from tests.portrait.kit import encoded

from mien.errors import InputError, MienError
from mien.portrait.image import MAX_PIXELS, NEUTRAL, decode_picture, load_picture

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP")


def ramp(width: int = 160, height: int = 120) -> np.ndarray:
    """A picture whose four corners differ: red grows to the right, green downwards."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.dstack([x, y, np.full_like(x, 90)]).astype(np.uint8)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_the_same_picture(format: str) -> None:
    options: dict[str, Any] = {"quality": 95} if format in ("JPEG", "WEBP", "AVIF") else {}
    picture = decode_picture(encoded(ramp(), format, **options))
    assert picture.rgb.dtype == np.uint8 and picture.rgb.shape == (120, 160, 3)
    assert (picture.width, picture.height, picture.scale) == (160, 120, 1.0)
    assert np.abs(picture.rgb.astype(int) - ramp()).mean() < 12
    assert picture.matte is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_undone(format: str, orientation: int) -> None:
    undo: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: np.rot90,
    }  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if format == "WEBP" else {"quality": 98} if format == "JPEG" else {}
    picture = decode_picture(encoded(ramp(), format, exif=exif, **options))
    expected = undo[orientation](ramp())
    assert picture.rgb.shape == expected.shape == (picture.height, picture.width, 3)
    assert np.abs(picture.rgb.astype(int) - expected).mean() < 4


def test_broken_exif_does_not_stop_a_good_picture() -> None:
    assert decode_picture(encoded(ramp(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f")).rgb.shape == (
        120,
        160,
        3,
    )


def test_grey_palette_and_one_bit() -> None:
    grey = ramp()[..., 0]
    assert np.array_equal(decode_picture(encoded(grey, "PNG")).rgb, np.dstack([grey] * 3))
    assert decode_picture(encoded(ramp(), "PNG", mode="P")).rgb.shape == (120, 160, 3)
    black_or_white = decode_picture(encoded(grey, "PNG", mode="1")).rgb
    assert set(np.unique(black_or_white)) == {0, 255}


def test_sixteen_bits_keep_their_brightness() -> None:
    deep = (ramp()[..., 0].astype(np.uint16) * 257).astype(np.uint16)
    picture = decode_picture(encoded(deep, "PNG"))
    assert np.abs(picture.rgb[..., 0].astype(int) - ramp()[..., 0]).max() <= 1


def test_cmyk_jpeg_keeps_its_colours() -> None:
    picture = decode_picture(encoded(ramp(), "JPEG", mode="CMYK", quality=95))
    assert np.abs(picture.rgb.astype(int) - ramp()).mean() < 6


def test_alpha_becomes_the_matte_over_neutral_grey() -> None:
    alpha = np.zeros((120, 160), np.uint8)
    alpha[:, 80:] = 255
    alpha[:, 70:80] = 128
    picture = decode_picture(encoded(np.dstack([ramp(), alpha]), "PNG"))
    assert picture.matte is not None and picture.matte.dtype == np.float32
    assert np.allclose(picture.matte, alpha / 255)
    assert np.all(picture.rgb[:, :70] == NEUTRAL)
    assert np.array_equal(picture.rgb[:, 80:], ramp()[:, 80:])


def test_opaque_alpha_is_no_matte_and_palette_transparency_is_one() -> None:
    assert decode_picture(encoded(np.dstack([ramp(), np.full((120, 160), 255, np.uint8)]), "PNG")).matte is None
    palette = Image.fromarray(ramp()).convert("P")
    out = io.BytesIO()
    palette.save(out, "PNG", transparency=int(np.asarray(palette)[0, 0]))
    matte = decode_picture(out.getvalue()).matte
    assert matte is not None and matte[0, 0] == 0 and matte.max() == 1


def test_wide_gamut_is_converted_to_srgb() -> None:
    """A profile with swapped primaries would show red as green if it were ignored; a plain sRGB one changes nothing."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = bytearray(srgb)
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    for tag in (b"sRGB built-in", "sRGB built-in".encode("utf-16-be")):
        place = bytes(swapped).find(tag)
        if place >= 0:
            swapped[place : place + len(tag)] = tag.replace(b"s", b"x", 1).replace(b"R", b"x", 1)
    red_picture = np.full((100, 100, 3), (200, 40, 40), np.uint8)
    plain = decode_picture(encoded(red_picture, "PNG", icc_profile=srgb)).rgb[50, 50]
    turned = decode_picture(encoded(red_picture, "PNG", icc_profile=bytes(swapped))).rgb[50, 50]
    assert tuple(plain) == (200, 40, 40)
    assert turned[1] > turned[0] + 100


def test_damaged_profile_is_ignored() -> None:
    assert decode_picture(encoded(ramp(), "PNG", icc_profile=b"not a profile")).rgb.shape == (120, 160, 3)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP"])
def test_animation_gives_its_first_frame(format: str) -> None:
    frames = [Image.new("RGB", (80, 80), colour) for colour in ("red", "blue", "green")]
    out = io.BytesIO()
    frames[0].save(out, format, save_all=True, append_images=frames[1:], duration=100)
    red, green, blue = decode_picture(out.getvalue()).rgb[40, 40]
    assert red > 200 and green < 60 and blue < 60


def test_file_facts(tmp_path: Path) -> None:
    file = tmp_path / "me.png"
    file.write_bytes(encoded(ramp(), "PNG"))
    by_path, by_bytes = load_picture(file), load_picture(file.read_bytes(), "me.png")
    assert by_path.filename == by_bytes.filename == "me.png"
    assert by_path.sha256 == by_bytes.sha256 and len(by_path.sha256) == 64


def test_huge_jpeg_is_decoded_smaller() -> None:
    side = 9000
    picture = decode_picture(encoded(np.full((side, side), 120, np.uint8), "JPEG"))
    assert (picture.width, picture.height) == (side, side)
    assert picture.scale == 0.5 and picture.rgb.shape == (side // 2, side // 2, 3)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


BAD = {
    "empty": (b"", "empty"),
    "text": (b"hello, this is not a picture at all" * 9, "not a picture"),
    "zeros": (b"\0" * 5000, "not a picture"),
    "pdf": (b"%PDF-1.7 ...", "PDF"),
    "svg": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 99, "HEIC"),
    "mp4": (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + b"\0" * 99, "video"),
    "webm": (b"\x1aE\xdf\xa3" + b"\0" * 99, "video"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 99, "sound"),
    "zip": (b"PK\x03\x04" + b"\0" * 99, "zip"),
    "tiff": (b"II*\x00" + b"\0" * 99, "TIFF"),
    "bomb": (png_that_claims(20_000, 20_000), "too large .400 million pixels"),
    "wide": (png_that_claims(2_000_000, 64), "too large"),
    "tiny": (png_that_claims(10, 10), "too small"),
    "lying png": (png_that_claims(3000, 3000), "damaged"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals_say_what_is_wrong(name: str) -> None:
    data, word = BAD[name]
    with pytest.raises(InputError, match=word) as caught:
        decode_picture(data, "me.png")
    assert caught.value.hint
    assert caught.value.exit_status == 3


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7])
def test_truncated_files_are_refused(format: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    data = encoded(noise, format)
    with pytest.raises(InputError):
        decode_picture(data[: int(len(data) * share)], "cut." + format.lower())


def test_lying_jpeg_headers_are_refused_or_show_grey() -> None:
    jpeg = bytearray(encoded(ramp(), "JPEG"))
    start = jpeg.index(b"\xff\xc0")
    jpeg[start + 5 : start + 9] = struct.pack(">HH", 65000, 65000)
    with pytest.raises(InputError, match="too large"):
        decode_picture(bytes(jpeg))
    jpeg[start + 5 : start + 9] = struct.pack(">HH", 1000, 1000)  # JPEG ends where its data end; the rest stays grey
    rest = decode_picture(bytes(jpeg)).rgb[200:]
    assert rest.std() < 4


def test_paths_that_are_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        load_picture(tmp_path)
    with pytest.raises(InputError, match="no file"):
        load_picture(tmp_path / "none.png")
    with pytest.raises(InputError):
        load_picture(Path("me\0.png"))


@settings(max_examples=60, deadline=None)
@given(
    format=st.sampled_from(FORMATS),
    flips=st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), min_size=1, max_size=8),
)
def test_flipped_bytes_never_surprise(format: str, flips: list[tuple[int, int]]) -> None:
    data = bytearray(encoded(ramp(96, 80), format))
    for place, change in flips:
        data[place % len(data)] ^= change
    try:
        picture = decode_picture(bytes(data))
    except MienError:
        return
    assert picture.rgb.dtype == np.uint8 and picture.rgb.shape[2] == 3
    assert picture.rgb.shape[0] * picture.rgb.shape[1] <= MAX_PIXELS
