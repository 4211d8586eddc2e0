"""How the page's files are served."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'live' is not installed")

from starlette.testclient import TestClient

from mien import config
from mien.apps.server.app import create_app
from mien.apps.server.options import ServeOptions
from mien.apps.server.routes.page import FOLDER


def _client(**options: object) -> TestClient:
    app = create_app(ServeOptions(**options), config.Settings())  # type: ignore[arg-type]
    return TestClient(app, base_url="http://127.0.0.1:8010")


@pytest.mark.parametrize(("path", "file"), [("/", "index.html"), ("/stage", "stage.html")])
def test_pages_run_no_script_but_the_server_s_own(path: str, file: str) -> None:
    answer = _client().get(path)
    assert answer.text == (FOLDER / file).read_text("utf-8")
    policy = answer.headers["content-security-policy"]
    scripts = re.search(r"script-src ([^;]*)", policy) or re.search(r"default-src ([^;]*)", policy)
    assert scripts and scripts[1] == "'self'"
    assert policy.endswith("frame-ancestors 'self'")


def test_pages_that_may_use_the_server_may_hold_it_in_a_frame() -> None:
    answer = _client(origins=("https://example.org",)).get("/")
    assert answer.headers["content-security-policy"].endswith("frame-ancestors 'self' https://example.org")


def test_every_file_that_a_page_names_is_there_and_asked_for_anew() -> None:
    client = _client()
    names = {
        name for page in FOLDER.glob("*.html") for name in re.findall(r'"(page/[\w.-]+)"', page.read_text("utf-8"))
    }
    assert len(names) > 5
    for name in names | {f"page/{file.name}" for file in FOLDER.glob("*.js")}:
        answer = client.get(f"/{name}")
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-cache", name


@pytest.mark.parametrize("path", ["/page/../app.py", "/page/%2e%2e/app.py", "/page/..%2fapp.py", "/page//etc/passwd"])
def test_nothing_else_is_served(path: str) -> None:
    assert _client().get(path).status_code == 404


def test_the_page_is_part_of_the_package() -> None:
    import mien

    assert FOLDER.is_relative_to(Path(mien.__file__).parent)


def _sent_codes() -> set[str]:
    """Codes of all errors in the parts of the package that a server runs for the page, and not only films."""
    import mien

    package = Path(mien.__file__).parent
    films = ("apps/", "lab", "stage/", "transmit/provenance", "recorded", "footage", "captions", "engine", "api")
    theirs = ("bridge.py", "calls.py", "input_buffer.py", "writing.py")  # of OpenAI's protocol, which no page speaks
    codes = set()
    for file in package.rglob("*.py"):
        place = file.relative_to(package).as_posix()
        ours = place.startswith("apps/server") and file.name not in theirs
        if place.startswith(films) and not ours and place != "stage/background.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            codes |= set(_codes_in(node))
    from mien.apps.server import faults

    return codes | set(faults._BY_CODE) | {code for code, _ in faults._PLAIN.values()} | {"request"}


def _codes_in(node: ast.AST) -> Iterator[str]:
    """code="…", default_code = "…", {"code": "…"}, and what the helpers are told that make errors."""
    usual = isinstance(node, ast.AnnAssign | ast.Assign) and "default_code" in ast.unparse(node).split("=")[0]
    if usual or (isinstance(node, ast.keyword) and node.arg == "code"):
        yield from _text(getattr(node, "value", None))
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if "code" in _text(key):
                yield from _text(value)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("body", "Complaints")):
        for argument in node.args:
            yield from (t for t in _text(argument) if re.fullmatch(r"[a-z_]+\.[a-z_]+|internal", t))


def _text(node: ast.AST | None) -> tuple[str, ...]:
    value = getattr(node, "value", None)
    return (value,) if isinstance(value, str) else ()


def test_every_error_has_words_in_both_languages() -> None:
    codes = _sent_codes()
    assert len(codes) > 80 and {"busy.rate", "session.broken", "request.path", "missing.voice"} <= codes
    tables = {}
    for language in ("en", "zh"):
        text = (FOLDER / f"faults-{language}.js").read_text("utf-8")
        tables[language] = dict(re.findall(r"^  '([\w.]+)': '(.+)',$", text, re.M))
    assert codes - tables["en"].keys() == set() and codes - tables["zh"].keys() == set()
    assert tables["en"].keys() == tables["zh"].keys()
    assert all(re.search(r"[\u4e00-\u9fff]", words) for words in tables["zh"].values())
    assert not any(re.search(r"[\u4e00-\u9fff]", words) for words in tables["en"].values())
