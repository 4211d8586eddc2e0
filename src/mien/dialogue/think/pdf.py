"""Text of PDF files, read by PDFium (pypdfium2, Apache-2.0 and BSD-3-Clause, 8 MB)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mien.errors import InputError
from mien.pdfium import LOCK

MAX_PAGES: Final = 2_000


def pages(raw: bytes, name: str) -> Iterator[str]:
    """The text of each page. Raises InputError for what is damaged, locked, too long, or only pictures."""
    import pypdfium2

    with LOCK:
        try:
            document = pypdfium2.PdfDocument(raw)
        except pypdfium2.PdfiumError as error:
            locked = "password" in str(error).lower()
            why = "is locked by a password" if locked else "is damaged or no PDF"
            raise InputError(f"'{name}' {why}.", hint="Save it anew without one.", code="input.document") from None
        try:
            if len(document) > MAX_PAGES:
                raise InputError(f"'{name}' has more than {MAX_PAGES} pages.", hint="Split it.", code="input.document")
            texts = [_text_of(document, i) for i in range(len(document))]
        finally:
            document.close()
    if not any(text.strip() for text in texts):
        raise InputError(
            f"'{name}' holds pictures of text and no text.",
            hint="Let a program recognise its text (OCR) first.",
            code="input.document",
        )
    yield from texts


def _text_of(document: object, index: int) -> str:
    import pypdfium2

    try:
        page = document[index]  # type: ignore[index]
        try:
            return str(page.get_textpage().get_text_range())
        finally:
            page.close()
    except pypdfium2.PdfiumError:  # one page that is damaged
        return ""
