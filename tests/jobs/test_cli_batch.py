"""``mien batch``: what it prints, how it steers, how it stops."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.jobs.batches import ended, rows, start, written
from tests.jobs.test_run import Actors, play, states

from mien.apps.cli import main
from mien.apps.cli.batch_table import Screen, films
from mien.apps.jobs import rows as store_rows
from mien.apps.jobs.batch import plan, read_batch, store_folder
from mien.apps.jobs.run import Run
from mien.apps.jobs.states import State
from mien.apps.jobs.store import Store
from mien.apps.jobs.work import Digests


def events(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def stopped(tmp_path: Path, portrait: str) -> Path:
    """A batch that ended: one job done, one quarantined, one to be looked at."""
    jobs = rows(portrait, ["well", "broken", "seen"])
    jobs[2]["review"] = "yes"
    file = written(tmp_path, jobs)
    play(file, Actors())
    return file


def test_status_of_all_and_of_one(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "status", str(stopped), "--json"]) == 0
    (table,) = events(capsys)
    assert [(row["id"], row["state"]) for row in table["rows"]] == [
        ("j0", "done"), ("j1", "quarantined"), ("j2", "waiting-for-review"),
    ]  # fmt: skip
    assert table["rows"][1]["message"] == "It is broken."
    assert main(["batch", "status", str(store_folder(stopped)), "j0", "--json"]) == 0
    details, attempts, artefacts = events(capsys)
    assert details["event"] == "job_details" and attempts["rows"][0]["outcome"] == "rendered"
    assert {row["role"] for row in artefacts["rows"]} == {"film", "srt"}
    assert main(["batch", "status", str(stopped)]) == 0
    assert "1 done, 1 quarantined, 1 waiting-for-review" in capsys.readouterr().out


def test_cancel_retry_and_the_log(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "cancel", str(stopped), "--who", "Ann", "--why", "too late"]) == 0
    assert capsys.readouterr().out == "j2: cancelled\n"
    assert main(["batch", "retry", str(stopped), "j1"]) == 0
    assert states(stopped) == {"j0": State.DONE, "j1": State.QUEUED, "j2": State.CANCELLED}
    capsys.readouterr()
    assert main(["batch", "log", str(stopped), "--json"]) == 0
    assert [(row["who"], row["action"], row["why"]) for row in events(capsys)[0]["rows"]][1] == (
        "Ann", "cancelled", "too late",
    )  # fmt: skip
    assert main(["batch", "log", str(stopped), "j1", "--json"]) == 0
    began, why, ended = (row["text"] for row in events(capsys)[0]["rows"])
    assert (began, why) == ("began", "It is broken.") and ended.startswith("failed after ")
    assert main(["batch", "cancel", str(stopped)]) == 0
    assert main(["batch", "cancel", str(stopped)]) == 0
    assert capsys.readouterr().err == "There is nothing to cancel.\n"


@pytest.mark.parametrize(
    "words, status, said",
    [
        (["status", "none.csv"], 4, "no job store"),
        (["status", "{file}", "x"], 4, "no job 'x'"),
        (["retry", "{file}", "j0"], 2, "is done; there is nothing to retry"),
        (["cancel", "{file}", "j0"], 2, "is done; there is nothing to cancel"),
        (["none.csv"], 3, "cannot be read"),
        (["{file}", "--workers", "0"], 2, "--workers"),
        (["{file}", "--gpus", "-1"], 2, "--gpus"),
        ([], 2, ""),
    ],
)
def test_refusals(stopped: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, said: str) -> None:
    assert main(["batch", *(word.format(file=stopped) for word in words)]) == status
    assert said in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("ending", ["SIGINT", "SIGHUP"])
def test_ctrl_c_says_how_to_go_on(tmp_path: Path, portrait: str, ending: str) -> None:
    """So does the end of the terminal, if anybody is there to read it."""
    file = written(tmp_path, rows(portrait, ["Hi.", "This takes a while. " * 100], priority=1))
    process = start(file, "--workers", "1")
    assert process.stdout is not None
    for line in process.stdout:
        if '"j1"' in line and '"running"' in line:
            break
    process.send_signal(signal.Signals[ending])
    status, _, said = ended(process, 30)
    assert status == 130 and "1 of 2 jobs are done" in said and "Run the same command again" in said
    assert states(file) == {"j0": State.DONE, "j1": State.QUEUED}
    with Store(store_folder(file)) as store:
        assert [a.outcome for a in store.attempts("j1")] == ["interrupted"]
        assert [p for p in (store.folder / "work").iterdir() if p.is_dir()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell")
def test_nobody_listens(tmp_path: Path, portrait: str) -> None:
    """Streams that are closed, or on a full disk, cost no film."""
    for number, ends in enumerate((">&- 2>&- <&-", "--json >/dev/full", "--json | true")):
        file = written(tmp_path / str(number), rows(portrait, ["Hi."]))
        subprocess.run(["sh", "-c", f'"$0" -m mien batch "$1" {ends}', sys.executable, str(file)], check=False)
        assert states(file) == {"j0": State.DONE}, ends


def test_the_clock_on_the_wall_does_not_matter(tmp_path: Path, portrait: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It jumps by a day, to and fro, whenever it is asked."""
    jumps = iter(range(100_000))

    def wild() -> str:
        number = next(jumps)
        return (datetime.now(UTC) + timedelta(days=(-1) ** number * number)).isoformat()

    monkeypatch.setattr(store_rows, "now", wild)
    monkeypatch.setattr("time.time", lambda: float(next(jumps) % 7) * 1e9)
    file, crew = written(tmp_path, rows(portrait, ["well", "full", "down", "sick", "far"])), Actors()
    play(file, crew)
    assert list(states(file).values()) == [State.DONE, State.DONE, State.QUARANTINED, State.DONE, State.DONE]
    assert [crew.began.count(f"j{n}") for n in range(5)] == [1, 3, 4, 2, 3]
    assert play(file, Actors())[0] == ("j2", "running"), "and nothing that is done is done again"


def test_the_live_table(tmp_path: Path, portrait: str) -> None:
    shown: list[str] = []

    def look(run: Run) -> None:
        for running in run.running.values():
            running.done, running.total = 30, 120
        page = io.StringIO()
        Console(file=page, width=80, color_system=None).print(films(run))
        shown.append(page.getvalue())

    play(written(tmp_path, rows(portrait, ["a", "b", "c"])), Actors(), watch=look)
    assert any("j1" in page and "25 %" in page for page in shown)
    with Screen("jobs.jsonl") as screen:
        screen.say("a line")


def test_a_template_is_filled_by_rows(tmp_path: Path, portrait: str) -> None:
    (tmp_path / "face.png").write_bytes(Path(portrait).read_bytes())
    template = tmp_path / "short.yaml"
    template.write_text(
        "mien: 1\nvariables: {name: Anna}\ncanvas: {size: 128x128, fps: 25}\navatar: {portrait: face.png}\n"
        'scenes:\n  - script: "Hello, ${name}. ${text}"\n',
        encoding="utf-8",
    )
    file = written(tmp_path, [{"id": "a", "name": "Bo", "text": "Hi."}, {"id": "b", "text": "Ho."}])
    first, second = read_batch(file, Digests(), template=template)
    assert first.arguments["values"] == {"name": "Bo", "text": "Hi."} and first.kind == "studio"
    assert first.targets["film"] == tmp_path / "a.mp4" and first.key != second.key
    for wrong, said in (
        ({"id": "a", "text": "Hi.", "nmae": "x"}, "no ${nmae}"),
        ({"id": "a", "name": "x"}, "no variable"),
        ({"id": "a", "text": "Hi.", "output": "a.gif"}, "is no film"),
    ):
        with pytest.raises(Exception, match=said.replace("$", r"\$")):
            read_batch(written(tmp_path, [wrong]), Digests(), template=template)
    with Store(store_folder(file)) as store:
        assert plan(store, file, [first, second]).new == 2
