"""Small documents made by hand: Word files and PDFs, whole and damaged."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx(body: str, *, head: str = "") -> bytes:
    """A Word file around the XML of its body."""
    xml = f'<?xml version="1.0"?>{head}<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", xml)
    return out.getvalue()


def paragraph(text: str, style: str = "") -> str:
    """A paragraph, cut into runs as Word does."""
    look = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    middle = len(text) // 2
    runs = "".join(f'<w:r><w:t xml:space="preserve">{escape(t)}</w:t></w:r>' for t in (text[:middle], text[middle:]))
    return f"<w:p>{look}{runs}</w:p>"


def table(rows: list[list[str]]) -> str:
    """A table."""
    cells = ("".join(f"<w:tc>{paragraph(c)}</w:tc>" for c in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def pdf(pages: list[str]) -> bytes:
    """A PDF of one line a page. Any letters: each is a glyph of its own, named by a table of Unicode values."""
    letters = sorted({c for text in pages for c in text})
    code = {c: i + 1 for i, c in enumerate(letters)}
    table = "\n".join(f"<{i:04x}> <{ord(c):04x}>" for c, i in code.items())
    named = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def "
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(code)} beginbfchar\n{table}\nendbfchar endcmap end end"
    )
    kids = " ".join(f"{6 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type0 /BaseFont /F /Encoding /Identity-H /DescendantFonts [4 0 R] "
        "/ToUnicode 5 0 R >>",
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /F /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) "
        "/Supplement 0 >> /DW 1000 >>",
        f"<< /Length {len(named)} >>\nstream\n{named}\nendstream",
    ]
    for i, text in enumerate(pages):
        drawn = f"BT /F 12 Tf 50 700 Td <{''.join(f'{code[c]:04x}' for c in text)}> Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 3000 842] /Contents {7 + 2 * i} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    out = b"%PDF-1.7\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode("latin-1")
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    return out + f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
