"""What commands print, for people and for programs."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mien.apps.cli import console


@pytest.fixture(params=[False, True], ids=["words", "json"])
def as_json(request: pytest.FixtureRequest) -> Iterator[bool]:
    console.configure(as_json=request.param)
    yield request.param
    console.configure(as_json=False)


@pytest.fixture
def json_lines() -> Iterator[None]:
    console.configure(as_json=True)
    yield
    console.configure(as_json=False)


def events(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_standard_output_is_json_only_under_json(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    console.line("a line")
    console.event("silent", n=1)
    console.event("spoken", plain="words", n=2)
    console.note("a note")
    console.table("things", ("Name", "Size MB"), [("一", 1.23456), ("b", None)])
    out, err = capsys.readouterr()
    if as_json:
        assert [e["event"] for e in events(out)] == ["silent", "spoken", "note", "things"]
        assert events(out)[-1]["rows"] == [{"name": "一", "size_mb": 1.23456}, {"name": "b", "size_mb": None}]
        assert err == ""
    else:
        assert out == "a line\nwords\nName  Size MB\n一    1.23\nb     -\n"
        assert err == "a note\n"


def test_values_that_json_lacks_are_written_simply(json_lines: None, capsys: pytest.CaptureFixture[str]) -> None:
    console.event("x", path=Path("a/b"), fps=Fraction(30000, 1001), one=np.float32(0.5), many=np.arange(2))
    assert events(capsys.readouterr().out) == [
        {"event": "x", "path": "a/b", "fps": "30000/1001", "one": 0.5, "many": [0, 1]}
    ]


def test_a_broken_number_is_still_json(json_lines: None, capsys: pytest.CaptureFixture[str]) -> None:
    console.event("x", value=float("nan"), values=[float("inf"), 1.0])
    assert events(capsys.readouterr().out) == [{"event": "x", "value": None, "values": [None, 1.0]}]


def test_progress_ends_with_all_done(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("Rendering", 100, "frames") as bar:
        for done in range(101):
            bar.update(done)
    out, err = capsys.readouterr()
    if as_json:
        last = events(out)[-1]
        assert (last["event"], last["stage"], last["done"], last["total"]) == ("progress", "Rendering", 100, 100)
        assert len(events(out)) < 10
    else:
        assert err == "Rendering: 100 % (100/100 frames)\n"


def test_progress_tells_the_time_left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with console.progress("Rendering", 200) as bar:
        now[0] += 10
        bar.update(20)
    assert capsys.readouterr().err == "Rendering: 10 % (20/200, 1 min 30 s left)\n"


def test_progress_without_steps_does_not_divide_by_zero(as_json: bool) -> None:
    with console.progress("Rendering", 0) as bar:
        bar.update(0)


def test_lines_of_many_threads_stay_whole(json_lines: None, capsys: pytest.CaptureFixture[str]) -> None:
    threads = [threading.Thread(target=console.event, args=("x",), kwargs={"text": "y" * 5000}) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(events(capsys.readouterr().out)) == 100


def test_a_terminal_that_lacks_characters_shows_question_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    console.line("面 mien")
    assert raw.getvalue() == b"? mien\n"


def test_on_a_terminal_it_is_a_bar_and_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    console.table("things", ("Name",), [("[bold]raw[/bold]",)], title="Things")
    with console.progress("Rendering", 10) as bar:
        bar.update(10)
    out, err = capsys.readouterr()
    assert "Things" in out and "[bold]raw[/bold]" in out
    assert "Rendering" in err and "100%" in err


def test_what_libraries_print_does_not_mix_with_results() -> None:
    program = (
        "import os, sys\n"
        "from mien.apps.cli import console\n"
        "console.configure(as_json=True)\n"
        "console.keep_output()\n"
        "print('a library'); sys.stdout.flush(); os.write(1, b'another\\n')\n"
        "console.event('job', id='a')\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == '{"event": "job", "id": "a"}\n'
    assert ran.stderr.split() == ["a", "library", "another"]
