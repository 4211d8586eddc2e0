"""Documents as passages: Markdown, text, PDF, Word, and lists of questions and answers as CSV, JSON or TOML.

Everything is bounded: sizes, pages, what a compressed file unpacks to. What is in a file never runs.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from mien.dialogue.think.passages import Passage
from mien.errors import InputError

MAX_FILE_BYTES: Final = 32 << 20
MAX_CHARACTERS: Final = 4_000_000
"""Of one document."""
MAX_PASSAGES: Final = 20_000
"""Of one document."""

_LONGEST_PASSAGE: Final = 700
_QUESTION_KEYS: Final = ("question", "questions", "q", "问题", "问", "提问", "title")
_ANSWER_KEYS: Final = ("answer", "a", "答案", "答", "回答", "response", "text")
_HEADING: Final = re.compile(r"(#{1,6})\s+(.+?)\s*#*\s*\Z")
_BOLD: Final = r"(?:\*\*|__)?"
_NUMBERED: Final = rf"\s*\d{{0,3}}\s*[:：.、]{_BOLD}\s*(.+?)\s*{_BOLD}\Z"
_ASKED: Final = re.compile(rf"\s*{_BOLD}(?:Q|Question|问题?|提问){_NUMBERED}", re.I)
_ANSWERED: Final = re.compile(rf"\s*{_BOLD}(?:A|Answer|答案?|回答){_NUMBERED}", re.I)


def read_document(path: Path, name: str) -> list[Passage]:
    """The passages of a file, in its order. name: what it is called in citations.

    Raises InputError for what cannot be read, naming the file and the fault.
    """
    try:
        raw = _bytes(path, name)
        passages: list[Passage] = []
        characters = 0
        for passage in READERS[path.suffix.lower()](raw, name):
            characters += len(passage.text) + len(passage.question)
            if len(passages) >= MAX_PASSAGES or characters > MAX_CHARACTERS:
                raise InputError(f"'{name}' is too long to answer from.", hint="Split it.", code="input.document")
            if passage.text.strip():
                passages.append(passage)
        return passages
    except OSError as error:
        raise InputError(f"'{name}' cannot be read: {error.strerror or error}.", code="input.document") from None


def _bytes(path: Path, name: str) -> bytes:
    with path.open("rb") as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise InputError(f"'{name}' has more than {MAX_FILE_BYTES >> 20} MB.", hint="Split it.", code="input.document")
    return raw


def _text(raw: bytes, name: str) -> str:
    """UTF-8, UTF-16 with its mark, or GB 18030."""
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise InputError(f"'{name}' is no text.", hint="Save it as UTF-8.", code="input.document")


def _markdown(raw: bytes, name: str) -> Iterator[Passage]:
    text = re.sub(r"<!--.*?-->|\A---\n.*?\n---\n", lambda m: "\n" * m[0].count("\n"), _text(raw, name), flags=re.S)
    lines = [(f"line {i}", line) for i, line in enumerate(text.split("\n"), 1)]
    yield from from_lines(lines, name)


def from_lines(lines: Iterable[tuple[str, str]], name: str) -> Iterator[Passage]:
    """Passages of lines (place, text): headings as Markdown has them, paragraphs between empty lines, "Q:" and "A:"."""
    headings: list[tuple[int, str]] = []
    block: list[str] = []
    place = ""
    asked = ""
    for where, line in [*lines, ("", "# ")]:
        heading = _HEADING.match(line) or (re.match(r"(#)(\s)", line) if where == "" else None)
        question, answer = _ASKED.match(line), _ANSWERED.match(line)
        ends = heading or question or (not line.strip() and not asked)
        if ends and block:
            yield _passage(block, name, headings, place, asked)
            block, asked = [], ""
        if heading:
            level = len(heading[1])
            headings = [*((n, h) for n, h in headings if n < level), (level, _unmarked(heading[2]))]
        elif question:
            asked, place = question[1], where
        elif answer and asked:
            block.append(answer[1])
        elif line.strip() and not re.fullmatch(r"[\s|:*_=-]+", line):
            if not block and not asked:
                place = where
            block.append(line)
            if sum(map(len, block)) > _LONGEST_PASSAGE and not asked:
                yield _passage(block, name, headings, place, asked)
                block = []
        elif not line.strip() and asked and block:
            yield _passage(block, name, headings, place, asked)
            block, asked = [], ""


def _passage(block: list[str], name: str, headings: list[tuple[int, str]], place: str, asked: str) -> Passage:
    text = _joined(block)
    title = headings[-1][1].strip() if headings else ""
    where = " › ".join(h for _, h in headings if h.strip())
    full = f"{where} ({place})" if where and place else where or place
    if not asked and title.endswith(("?", "？")):
        asked = title
    return Passage(name, full, text, _unmarked(asked))


def _joined(lines: list[str]) -> str:
    """Lines that were wrapped become one; items of a list and rows of a table end with a stop of their own."""
    whole = ""
    for line in lines:
        item = re.match(r"\s*(?:[-*+•·]|\d{1,3}[.)、])\s+(?=\S)|\s*\|", line)
        plain = _unmarked(re.sub(r"\A\s*(?:[-*+•·]\s+|>\s?)", "", line))
        if not plain:
            continue
        if item and whole and whole[-1] not in ".。!?！？;；:：,，":
            whole += "。" if ord(whole[-1]) > 0x2E80 else "."
        glue = "" if not whole or (ord(whole[-1]) > 0x2E80 and ord(plain[0]) > 0x2E80) else " "
        whole += glue + plain
    return whole


def _unmarked(line: str) -> str:
    """A line without Markdown's marks."""
    line = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", line.strip())
    line = re.sub(r"(\*\*|__|~~|`)", "", line)
    line = re.sub(r"(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)", "", line)
    if line.startswith("|"):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        line = (": " if len(cells) == 2 else ", ").join(cell for cell in cells if cell)
    return " ".join(line.split())


def _pdf(raw: bytes, name: str) -> Iterator[Passage]:
    from mien.dialogue.think.pdf import pages

    for number, text in enumerate(pages(raw, name), 1):
        lines = [(f"page {number}", line) for line in text.replace("\r", "\n").split("\n")]
        yield from from_lines(lines, name)


def _word(raw: bytes, name: str) -> Iterator[Passage]:
    from mien.dialogue.think.docx import paragraphs

    yield from from_lines((("", line) for line in paragraphs(raw, name)), name)


def _csv(raw: bytes, name: str) -> Iterator[Passage]:
    text = _text(raw, name)
    lines = text.split("\n", 1)[0]
    separator = max(",\t;", key=lines.count)
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        head = [cell.strip().lower() for cell in next(rows, [])]
        asks = [i for i, cell in enumerate(head) if cell in _QUESTION_KEYS]
        tells = next((i for i, cell in enumerate(head) if cell in _ANSWER_KEYS), -1)
        if not asks or tells < 0:
            raise _no_list(name, "its first row must name the columns question and answer")
        for row in rows:
            if tells < len(row):
                asked = "\n".join(row[i].strip() for i in asks if i < len(row) and row[i].strip())
                if tells == len(head) - 1:  # an answer with separators that nobody quoted
                    row[tells] = separator.join(row[tells:])
                yield Passage(name, f"line {rows.line_num}", row[tells].strip(), asked)
    except csv.Error as error:
        raise _no_list(name, str(error)) from None


def _json(raw: bytes, name: str) -> Iterator[Passage]:
    text = _text(raw, name)
    try:
        if name.lower().endswith(".jsonl"):
            content: object = [json.loads(line) for line in text.split("\n") if line.strip()]
        else:
            content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_list(name, f"it is not valid JSON ({error})") from None
    yield from _entries(content, name)


def _toml(raw: bytes, name: str) -> Iterator[Passage]:
    try:
        content = tomllib.loads(_text(raw, name))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _no_list(name, f"it is not valid TOML ({error})") from None
    yield from _entries(content, name)


def _entries(content: object, name: str) -> Iterator[Passage]:
    """Entries of ``[{"question": …, "answer": …}]``, of the first list in an object, or of ``{question: answer}``."""
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        if not lists and content and all(isinstance(value, str) for value in content.values()):
            content = [{"question": key, "answer": value} for key, value in content.items()]
        else:
            content = [entry for listed in lists for entry in listed]
    if not isinstance(content, list) or not content:
        raise _no_list(name, "it holds no list of entries with question and answer")
    for number, entry in enumerate(content, 1):
        asked, told = _of(entry, _QUESTION_KEYS), _of(entry, _ANSWER_KEYS)
        if not asked or not told:
            raise _no_list(name, f"entry {number} has no question or no answer")
        yield Passage(name, f"entry {number}", told, asked)


def _of(entry: Any, keys: tuple[str, ...]) -> str:
    if not isinstance(entry, dict):
        return ""
    known = {str(key).lower(): value for key, value in entry.items()}
    for key in keys:
        value = known.get(key)
        listed = value if isinstance(value, list) else [value]
        if words := [v.strip() for v in listed if isinstance(v, str) and v.strip()]:
            return "\n".join(words)
    return ""


def _no_list(name: str, why: str) -> InputError:
    return InputError(
        f"'{name}' is no list of questions and answers: {why[:200]}.",
        hint="See docs/thinking.md for how such lists look.",
        code="input.document",
    )


READERS: Final[dict[str, Callable[[bytes, str], Iterator[Passage]]]] = {
    ".md": _markdown, ".markdown": _markdown, ".txt": _markdown, ".pdf": _pdf, ".docx": _word, ".csv": _csv,
    ".tsv": _csv, ".json": _json, ".jsonl": _json, ".toml": _toml,
}  # fmt: skip
"""Ending of a file's name → what reads it."""
