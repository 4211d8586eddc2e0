"""Pages of PDF files as pictures, and of PPTX files where LibreOffice is there to turn them into PDF."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from mien.apps.studio.assets import office
from mien.errors import InputError, MissingError
from mien.pdfium import LOCK
from mien.types import ByteArray

_PATIENCE: Final = 180.0
"""Seconds that LibreOffice may take."""
_LARGEST: Final = 4096


def page(path: Path, number: int, width: int) -> ByteArray:
    """A page, about ``width`` pixels wide, uint8 (h, width, 3). number: from 1.

    Raises InputError for what is no document or has no such page, MissingError for slides without LibreOffice.
    """
    if is_pdf(path):
        return _drawn(path, path.name, number, width)
    with tempfile.TemporaryDirectory(prefix="mien-slides-") as folder:
        return _drawn(_converted(path, Path(folder)), path.name, number, width)


def is_pdf(path: Path) -> bool:
    """Whether a file is a PDF, whatever its name says. Raises InputError."""
    try:
        with path.open("rb") as stream:
            return b"%PDF-" in stream.read(1024)
    except OSError as error:
        raise InputError(f"'{path.name}' cannot be read: {error.strerror or error}.") from None


def _drawn(path: Path, name: str, number: int, width: int) -> ByteArray:
    import pypdfium2

    with LOCK:
        try:
            with pypdfium2.PdfDocument(path) as document:
                if not 1 <= number <= len(document):
                    raise InputError(f"'{name}' has {len(document)} pages, so no page {number}.", hint="Name another.")
                sheet = document[number - 1]
                wide, high = sheet.get_size()
                scale = min(width / wide, _LARGEST / high)
                drawn = sheet.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
                return np.ascontiguousarray(drawn.to_numpy()[..., :3])
        except pypdfium2.PdfiumError as error:
            raise InputError(f"'{name}' cannot be read as a PDF.", hint="Export the slides anew.") from error


def _converted(path: Path, folder: Path) -> Path:
    """The slides as a PDF."""
    program = office()
    if program is None:
        raise MissingError(
            f"'{path.name}' is a presentation, which LibreOffice would have to read, and it is not here.",
            hint="Export it as PDF, or install LibreOffice.",
            code="missing.libreoffice",
        )
    command = [
        program, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", "pdf",
        "--outdir", str(folder), str(path.absolute()),
    ]  # fmt: skip
    try:
        subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603  a list, no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"LibreOffice could not read '{path.name}'.", hint="Export it as PDF.") from error
    made = folder / f"{path.stem}.pdf"
    if not made.is_file():
        raise InputError(f"LibreOffice could not read '{path.name}'.", hint="Export it as PDF.")
    return made
