"""How the page's files are served."""

from __future__ import annotations

import re
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
