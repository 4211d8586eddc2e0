"""Picture files, fitted into a box."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import InputError
from mien.types import ByteArray

MOST_PIXELS: Final = 120_000_000


def read_picture(path: Path | bytes, width: int, height: int, *, fit: str = "cover") -> ByteArray:
    """A picture for a box of width × height pixels, uint8 (h, w, 3), or (h, w, 4) where it has transparent parts.

    path: of a file, or what is in one. fit: "cover" fills the box and loses what is over; "contain" is as large as fits
    in, so one side may be shorter. Turned as its EXIF data say. Raises InputError.
    """
    from PIL import Image, ImageOps

    what = "The picture" if isinstance(path, bytes) else f"The picture {path.name}"
    try:
        with Image.open(io.BytesIO(path) if isinstance(path, bytes) else path) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise InputError(f"{what} has over {MOST_PIXELS // 10**6} million pixels.")
            opened.draft("RGB", (2 * width, 2 * height))
            turned = ImageOps.exif_transpose(opened)
            turned = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
            return np.asarray(_in_box(turned, width, height, fit))
    except InputError:
        raise
    except Exception as error:  # Pillow's decoders raise many kinds for damaged files
        raise InputError(f"{what} cannot be read.", hint="Use a PNG, JPEG, WebP or AVIF file.") from error


def fitted(pixels: ByteArray, width: int, height: int, *, fit: str = "cover") -> ByteArray:
    """Pixels for a box of width × height, uint8 (h, w, 3 or 4).

    fit: "cover" fills the box and loses what is over; "contain" is as large as fits in, so one side may be shorter;
    "stretch" fills it and loses its shape.
    """
    from PIL import Image

    return np.asarray(_in_box(Image.fromarray(pixels), width, height, fit))


def _in_box(picture: Any, width: int, height: int, fit: str) -> Any:
    from PIL import Image, ImageOps

    if width * height > MOST_PIXELS:
        raise InputError(f"A box of {width}x{height} pixels is too large.", hint="Make its place smaller.")
    if fit == "cover":
        return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
    if fit == "stretch":
        return picture.resize((width, height), Image.Resampling.LANCZOS)
    return ImageOps.contain(picture, (width, height), Image.Resampling.LANCZOS)
