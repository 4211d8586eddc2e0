"""Pictures in: any JPEG, PNG, WebP, AVIF, GIF or BMP becomes upright 8-bit sRGB, and its alpha a matte.

Everything else is refused with one sentence, before memory is spent on it.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.types import ByteArray, FloatArray

if TYPE_CHECKING:
    from PIL import Image

FORMATS: Final = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP")
MAX_FILE_BYTES: Final = 256 << 20
MAX_PIXELS: Final = 8192 * 8192
MAX_JPEG_PIXELS: Final = 4 * MAX_PIXELS
"""JPEG can be decoded at half size without ever holding the whole, so it may be larger."""
MIN_SIDE: Final = 64
NEUTRAL: Final = 128
"""Grey that shows where the file is transparent."""
CONVERT: Final = "Save it as JPEG or PNG and try again."

_SIGNATURES: Final = (
    (b"%PDF", "a PDF document"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (b"OggS", "an Ogg file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"8BPS", "a Photoshop document"),
    (b"fLaC", "a sound file"),
    (b"ID3", "a sound file"),
)
_BRANDS: Final = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "a HEIC picture"),
    **dict.fromkeys((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"M4V ", b"qt  "), "a video"),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the eye sees it.

    rgb: uint8, (h, w, 3), sRGB, upright. matte: float32, (h, w), 0…1, from the file's alpha; None when it has none.
    sha256: of the file's bytes. filename: without folders. width, height: of the source after EXIF orientation;
    larger than rgb by 1/scale where a huge JPEG was decoded smaller.
    """

    rgb: ByteArray
    matte: FloatArray | None
    sha256: str
    filename: str
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Pixels of rgb per pixel of the source."""
        return float(self.rgb.shape[1] / self.width)


def load_picture(source: Path | bytes, filename: str = "") -> Picture:
    """Read a picture.

    source: a file, or its content. Raises InputError with what is wrong and what mends it.
    """
    data = source if isinstance(source, bytes) else read_source(source)
    label = filename or ("" if isinstance(source, bytes) else Path(source).name)
    return decode_picture(data, label)


def read_source(path: Path) -> bytes:
    """The bytes of a picture file, bounded. Raises InputError."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder, not a picture.", hint="Name one picture file.")
        if not path.exists():
            raise InputError(f"There is no file {path}.", hint="Check the path.")
        if not path.is_file():
            raise InputError(f"{path} is not a regular file.", hint="Name one picture file.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path.name} is larger than {MAX_FILE_BYTES >> 20} MB.", hint="Save a smaller picture.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be read: {reason}.", hint="Check the path and its permissions.") from None


def decode_picture(data: bytes, filename: str = "") -> Picture:
    """Decode the content of a picture file. Raises InputError."""
    label = filename or "The picture"
    _check_kind(data, label)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = _open(data, label)
        _check_size(opened, label)
        upright, size = _decode(opened, label)
    rgb, matte = _split(upright)
    return Picture(rgb, matte, hashlib.sha256(data).hexdigest(), filename, *size)


def _check_kind(data: bytes, label: str) -> None:
    if not data:
        raise InputError(f"{label} is empty (0 bytes).", hint="Copy or download it again.")
    if len(data) > MAX_FILE_BYTES:
        raise InputError(f"{label} is larger than {MAX_FILE_BYTES >> 20} MB.", hint="Save a smaller picture.")
    kind = next((name for start, name in _SIGNATURES if data.startswith(start)), "")
    if data[4:8] == b"ftyp":
        kind = _BRANDS.get(data[8:12], "")
    elif data[:4] == b"RIFF" and data[8:12] != b"WEBP":
        kind = "a sound or video file"
    elif b"<svg" in data[:1024].lower() or (data[:5] == b"<?xml" and b"svg" in data[:4096].lower()):
        kind = "an SVG drawing"
    if kind:
        raise InputError(f"{label} is {kind}, which cannot be read as a portrait.", hint=CONVERT)


def _open(data: bytes, label: str) -> Image.Image:
    from PIL import AvifImagePlugin, Image, UnidentifiedImageError, WebPImagePlugin

    del AvifImagePlugin, WebPImagePlugin  # imported so that Pillow knows the formats
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        count = re.search(r"\((\d+) pixels\)", str(error))
        raise _too_large(label, f" ({int(count[1]) // 10**6} million pixels)" if count else "") from None
    except UnidentifiedImageError:
        hint = "JPEG, PNG, WebP and AVIF can be read. " + CONVERT
        raise InputError(f"{label} is not a picture that can be read.", hint=hint) from None
    except Exception as error:  # Pillow's readers raise whatever a damaged header leads them to.
        raise _damaged(label, error) from None


def _check_size(opened: Image.Image, label: str) -> None:
    width, height = opened.size
    if min(width, height) < MIN_SIDE:
        hint = f"Use a picture with at least 100 pixels on each side ({MIN_SIDE} is the least)."
        raise InputError(f"{label} is too small ({width} × {height} pixels).", hint=hint)
    limit = MAX_JPEG_PIXELS if opened.format in ("JPEG", "MPO") else MAX_PIXELS
    if width * height > limit or max(width, height) > 32768:
        raise _too_large(label, f" ({width} × {height} pixels)")


def _decode(opened: Image.Image, label: str) -> tuple[Image.Image, tuple[int, int]]:
    """The first frame, upright, in mode RGB or RGBA, and the size that the source has when upright."""
    from PIL import ImageOps

    width, height = opened.size
    try:
        if width * height > MAX_PIXELS:
            opened.draft("RGB", (width // 2, height // 2))
        opened.load()
        plain = _to_srgb(opened)
    except MemoryError:
        raise _too_large(label) from None
    except Exception as error:  # Damaged data ends in many kinds of exceptions inside Pillow.
        raise _damaged(label, error) from None
    plain.info["exif"] = opened.info.get("exif", b"")
    try:
        turned = ImageOps.exif_transpose(plain)
        quarter = opened.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except Exception:  # A broken EXIF block says nothing about the pixels: show them as they are.
        turned, quarter = plain, False
    return turned, (height, width) if quarter else (width, height)


def _to_srgb(opened: Image.Image) -> Image.Image:
    """8-bit RGB or RGBA in the sRGB colour space."""
    image = opened
    if image.mode.startswith("I") or image.mode == "F":
        image = _from_deep_grey(image)
    has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    profile = opened.info.get("icc_profile")
    if image.mode == "P" or (image.mode != "RGBA" and has_alpha):
        image = image.convert("RGBA" if has_alpha else "RGB")
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colour = image.convert("RGB") if image.mode in ("RGBA", "1", "HSV", "YCbCr") else image
    if profile:
        colour = _apply_profile(colour, profile)
    if colour.mode != "RGB":
        colour = colour.convert("RGB")
    if alpha is not None:
        colour = colour.copy() if colour is opened else colour
        colour.putalpha(alpha)
    return colour


def _from_deep_grey(image: Image.Image) -> Image.Image:
    from PIL import Image as PillowImage

    values = np.asarray(image).astype(np.float64)
    peak = float(values.max(initial=0))
    full = 255.0 if peak <= 255 else 65535.0 if peak <= 65535 else peak
    return PillowImage.fromarray(np.clip(np.rint(values * 255 / full), 0, 255).astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "RGB" and "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except Exception:  # A profile that does not fit the pixels is common; the plain conversion is the better guess.
        return image
    return image if converted is None else converted


def _split(image: Image.Image) -> tuple[ByteArray, FloatArray | None]:
    """Colours over neutral grey, and the alpha where any of it is not opaque."""
    pixels = np.asarray(image)
    if pixels.shape[2] == 3:
        return np.ascontiguousarray(pixels), None
    alpha = pixels[..., 3]
    if int(alpha.min()) == 255:
        return np.ascontiguousarray(pixels[..., :3]), None
    matte: NDArray[np.float32] = alpha.astype(np.float32) / np.float32(255)
    rgb = pixels[..., :3] * matte[..., None] + NEUTRAL * (1 - matte[..., None])
    return np.rint(rgb).astype(np.uint8), matte


def _too_large(label: str, size: str = "") -> InputError:
    return InputError(f"{label} is too large{size}.", hint="Use a picture of at most 8192 × 8192 pixels.")


def _damaged(label: str, error: Exception) -> InputError:
    detail = "" if isinstance(error, struct.error | AssertionError) else _first_line(error)
    return InputError(f"{label} is damaged or cut short{detail}.", hint="Copy or download it again.")


def _first_line(error: Any) -> str:
    text = next(iter(str(error).splitlines()), "").strip().rstrip(".")
    return f" ({text[:120]})" if text else ""
