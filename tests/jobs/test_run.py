"""Runs with real workers: what is rendered once, what comes back, what is given up with one sentence."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.jobs.batches import rows, written

from mien.apps.jobs import artefacts
from mien.apps.jobs.batch import plan, read_batch, store_folder
from mien.apps.jobs.crew import Event, Task
from mien.apps.jobs.local import LocalCrew
from mien.apps.jobs.run import MOST_CRASHES, Change, Run
from mien.apps.jobs.states import Job, State
from mien.apps.jobs.store import Store
from mien.apps.jobs.work import Digests, Made

Told = list[tuple[str, str]]
NAMES = ("gone", "back")


class Actors:
    """Workers that pretend: each job does what its text says; nothing is rendered, but results are real files."""

    def __init__(self, count: int = 2) -> None:
        self.count = count
        self.tasks: list[Task] = []
        self.began: list[str] = []

    def room(self) -> int:
        return self.count - len(self.tasks)

    def start(self, task: Task) -> None:
        self.tasks.append(task)
        self.began.append(task.job.id)

    def stop(self, job: str) -> None:
        self.tasks = [task for task in self.tasks if task.job.id != job]

    def close(self) -> None:
        self.tasks = []

    def events(self, timeout: float) -> list[Event]:
        if not self.tasks:
            time.sleep(min(timeout, 0.01))
            return []
        task = self.tasks.pop(0)
        act = task.job.arguments["text"].partition(" ")[0]
        if act == "full" and self.began.count(task.job.id) < 3:
            words = {"code": "output.space", "message": "The disk was full.", "hint": "", "retryable": False}
            return [Event(task.job.id, "failed", words)]
        if act in ("broken", "down"):
            words = {"code": act, "message": f"It is {act}.", "hint": "", "retryable": act == "down"}
            return [Event(task.job.id, "failed", words)]
        if act == "deadly" or (act == "sick" and self.began.count(task.job.id) < 2):
            return [Event(task.job.id, "died", {"message": "Its worker was killed.", "killed": True})]
        if act == "far" and self.began.count(task.job.id) < 3:
            return [Event(task.job.id, "lost", {"message": "Its machine is gone."})]
        task.folder.mkdir()
        files = {role: task.folder / f"x.{role}" for role in task.job.targets}
        for role, path in files.items():
            path.write_text(f"{role} of {task.job.arguments['text']}")
        artefacts.seal(Made(files, {"frames": 3}), task.folder, task.place)
        if act == "torn" and self.began.count(task.job.id) < 2:
            (task.place / "x.film").write_text("other bytes")
        return [Event(task.job.id, "done", {"report": {}})]


def play(file: Path, crew: Actors | LocalCrew, watch: Callable[[Run], None] = lambda run: None,
         screen: Callable[[Job], str] = lambda job: "") -> Told:  # fmt: skip
    """Read a batch into its store and run it once. Returns what happened."""
    told: Told = []

    def tell(change: Change) -> None:
        if change.what != "note":
            told.append((change.job.id, change.what))

    digests = Digests()
    with Store(store_folder(file)) as store:
        plan(store, file, read_batch(file, digests))
        Run(
            store, crew, str(file), told=tell, watch=watch, screen=screen, pauses=(0.01, 0.01, 0.01), digests=digests
        ).go()
    return told


def states(file: Path) -> dict[str, State]:
    with Store(store_folder(file), create=False) as store:
        return {job.id: job.state for job in store.jobs()}


def test_faults_end_as_they_should(tmp_path: Path, portrait: str) -> None:
    acts = ["well", "full", "broken", "down", "deadly", "sick", "far", "well too", "torn"]
    file, crew = written(tmp_path, rows(portrait, acts)), Actors()
    play(file, crew)
    ends = dict(zip(acts, states(file).values(), strict=True))
    done = {act for act, state in ends.items() if state == State.DONE}
    assert done == {"well", "full", "sick", "far", "well too", "torn"}, "the batch goes on"
    assert {ends[act] for act in acts if act not in done} == {State.QUARANTINED}
    tries = {act: crew.began.count(f"j{number}") for number, act in enumerate(acts)}
    assert tries == {
        "well": 1, "full": 3, "broken": 1, "down": 4, "deadly": MOST_CRASHES, "sick": 2, "far": 3, "well too": 1,
        "torn": 2,
    }  # fmt: skip
    with Store(store_folder(file)) as store:
        assert [a.outcome for a in store.attempts("j1")] == ["failed", "failed", "rendered"]
        assert [a.outcome for a in store.attempts("j5")] == ["crashed", "rendered"]
        fault = store.job("j4").fault
        assert fault is not None and fault.message == "Its worker was killed." and "--workers" in fault.hint
        assert list((store.folder / "work").iterdir()) == list((store.folder / "made").iterdir()) == []
    again = Actors()
    play(file, again)
    assert again.began == ["j3"] * 4, "only what may have been mended elsewhere is tried again"


def test_a_lost_film_or_a_changed_one_is_made_again(tmp_path: Path, portrait: str) -> None:
    file = written(tmp_path, rows(portrait, ["a", "b", "c"]))
    play(file, Actors())
    (tmp_path / "out/j0.mp4").unlink()
    (tmp_path / "out/j1.mp4").write_text("something else")
    crew = Actors()
    assert play(file, crew) == [("j0", "running"), ("j1", "running"), ("j0", "rendered"), ("j1", "rendered")]
    assert (tmp_path / "out/j1.mp4").read_text() == "film of b"


def test_equal_jobs_are_rendered_once(tmp_path: Path, portrait: str) -> None:
    file, crew = written(tmp_path, rows(portrait, ["a", "a", "b", "a"])), Actors()
    told = play(file, crew)
    assert sorted(crew.began) == ["j0", "j2"]
    assert [what for id, what in told if id in ("j1", "j3")] == ["copied", "copied"]
    assert {(tmp_path / f"out/j{n}.mp4").read_text() for n in (0, 1, 3)} == {"film of a"}
    renamed = rows(portrait, ["a", "a", "b", "a"])
    renamed[2]["output"] = "elsewhere/b.mp4"
    later = Actors()
    assert play(written(tmp_path, renamed), later) == [("j2", "copied")] and later.began == []
    assert (tmp_path / "elsewhere/b.mp4").read_text() == "film of b"


def test_rendered_but_not_written_down(tmp_path: Path, portrait: str) -> None:
    """The moment between sealing and recording: the run dies, the next one finds the work."""
    file = written(tmp_path, rows(portrait, ["a", "b"], captions="both"))
    crew = Actors()

    class Stop(Exception):
        pass

    def deliver_half(run: Run) -> None:
        made = list((run.store.folder / "made").iterdir())
        if made:
            raise Stop

    real = Run._hear
    try:
        Run._hear = lambda self, event: None  # type: ignore[method-assign]
        with pytest.raises(Stop):
            play(file, crew, watch=deliver_half)
    finally:
        Run._hear = real  # type: ignore[method-assign]
    with Store(store_folder(file)) as store:
        place = next((store.folder / "made").iterdir())
        first = next(job for job in store.jobs() if job.key == place.name)
        first.output.parent.mkdir()
        (place / "x.srt").rename(first.targets["srt"])  # one of its files was delivered already
    again = Actors()
    assert (first.id, "found") in play(file, again)
    assert first.id not in again.began and set(states(file).values()) == {State.DONE}
    assert first.targets["srt"].read_text().startswith("srt of") and first.targets["vtt"].exists()


def test_half_of_what_was_sealed_is_not_enough(tmp_path: Path, portrait: str) -> None:
    file = written(tmp_path, rows(portrait, ["a"]))
    with Store(store_folder(file)) as store:
        plan(store, file, read_batch(file, Digests()))
        folder, place = store.folder / "work" / "x", store.folder / "made" / store.jobs()[0].key
        folder.mkdir()
        (folder / "film.mp4").write_text("whole")
        (folder / "film.srt").write_text("whole")
        artefacts.seal(Made({"film": folder / "film.mp4", "srt": folder / "film.srt"}), folder, place)
        (place / "film.mp4").write_text("damaged")
    crew = Actors()
    play(file, crew)
    assert crew.began == ["j0"] and (tmp_path / "out/j0.mp4").read_text() == "film of a"


def test_what_nobody_will_ask_for_is_swept_away(tmp_path: Path, portrait: str) -> None:
    file, crew = written(tmp_path, rows(portrait, ["a"], review=True)), Actors()
    play(file, crew)
    with Store(store_folder(file)) as store:
        assert len(list((store.folder / "made").iterdir())) == 1
        store.cancel("j0")
    play(file, crew)
    with Store(store_folder(file)) as store:
        assert list((store.folder / "made").iterdir()) == [] and crew.began == ["j0"]


def test_a_picture_that_changes_while_the_batch_runs(tmp_path: Path, portrait: str) -> None:
    face = tmp_path / "face.png"
    face.write_bytes(Path(portrait).read_bytes())
    file = written(tmp_path, rows(str(face), ["a"]))
    with Store(store_folder(file)) as store:
        plan(store, file, read_batch(file, Digests()))
        face.write_bytes(face.read_bytes() + b"\0")
        Run(store, Actors(), str(file)).go()
        fault = store.job("j0").fault
        assert fault is not None and "was changed while the batch ran" in fault.message
    assert play(file, Actors()) == [("j0", "running"), ("j0", "rendered")]


def test_review_before_delivery(tmp_path: Path, portrait: str) -> None:
    file, crew = written(tmp_path, rows(portrait, ["a", "b"], review=True)), Actors()
    play(file, crew)
    assert set(states(file).values()) == {State.WAITING} and not (tmp_path / "out").exists()
    with Store(store_folder(file)) as store:
        store.decide("j0", "Ann", True)
        store.decide("j1", "Ann", False, "not this one")
    assert play(file, crew) == [("j0", "found")]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["j0.mp4", "j0.srt"]
    assert crew.began == ["j0", "j1"], "what was looked at is delivered, not rendered again"


def test_a_check_that_breaks_stops_one_job_only(tmp_path: Path, portrait: str) -> None:
    file, crew = written(tmp_path, rows(portrait, ["a", "b"])), Actors()

    def screen(job: Job) -> str:
        return {"b": ""}[job.arguments["text"]]

    play(file, crew, screen=screen)
    assert list(states(file).values()) == [State.QUARANTINED, State.DONE]
    with Store(store_folder(file)) as store:
        fault = store.job("j0").fault
        assert fault is not None and "KeyError" in fault.message


def test_a_script_that_a_person_must_see_first(tmp_path: Path, portrait: str) -> None:
    file, crew = written(tmp_path, rows(portrait, ["a miracle cure", "b"])), Actors()
    play(file, crew, screen=lambda job: "It promises a cure." if "cure" in job.arguments["text"] else "")
    assert crew.began == ["j1"] and states(file)["j0"] == State.WAITING
    with Store(store_folder(file)) as store:
        store.decide("j0", "Ann", True)
    play(file, crew, screen=lambda job: "still")
    assert crew.began == ["j1", "j0"]


def test_who_lets_a_script_pass_has_not_seen_the_film(tmp_path: Path, portrait: str) -> None:
    file, crew = written(tmp_path, rows(portrait, ["a cure", "a cure"], review=True)), Actors()

    def screen(job: Job) -> str:
        return "It promises a cure."

    def decide() -> None:
        with Store(store_folder(file)) as store:
            for job in store.waiting():
                store.decide(job, "Ann", True)

    play(file, crew, screen=screen)
    assert crew.began == []
    decide()
    play(file, crew, screen=screen)
    assert crew.began == ["j0"] and set(states(file).values()) == {State.WAITING} and not (tmp_path / "out").exists()
    decide()
    assert play(file, crew, screen=screen) == [("j0", "found"), ("j1", "copied")] and crew.began == ["j0"]


def test_a_running_job_is_cancelled_from_outside(tmp_path: Path, portrait: str) -> None:
    file = written(tmp_path, rows(portrait, ["This takes a while. " * 60, "Hi."]))

    def cancel(run: Run) -> None:
        if "j0" in run.running and run.running["j0"].done:
            run.store.cancel("j0", who="Ann")

    with LocalCrew(1) as crew:
        told = play(file, crew, watch=cancel)
    assert ("j0", "cancelled") in told and states(file) == {"j0": State.CANCELLED, "j1": State.DONE}
    assert not (tmp_path / "out/j0.mp4").exists()


def test_nothing_appears_of_a_job_that_is_cancelled_as_it_ends(tmp_path: Path, portrait: str) -> None:
    file = written(tmp_path, rows(portrait, ["a"]))

    class Late(Actors):
        def events(self, timeout: float) -> list[Event]:
            found = super().events(timeout)
            if any(event.kind == "done" for event in found):
                with Store(store_folder(file)) as store:
                    store.cancel("j0", who="Ann")
            return found

    assert play(file, Late())[-1] == ("j0", "cancelled") and states(file) == {"j0": State.CANCELLED}
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_broken_while_it_is_read(tmp_path: Path, portrait: str) -> None:
    """Whether it stays broken or is whole again: no film is made of it, and nobody blames the row."""
    whole = Path(portrait).read_bytes()
    for name in NAMES:
        (tmp_path / f"{name}.png").write_bytes(whole)
    texts = ["This. " * 40, "That. " * 40]
    jobs = [job | {"portrait": f"{name}.png"} for job, name in zip(rows("", texts), NAMES, strict=True)]
    file, harmed = written(tmp_path, jobs), set[str]()

    def harm(run: Run) -> None:
        for id, running in list(run.running.items()):
            if running.done and id not in harmed:
                harmed.add(id)
                place = tmp_path / f"{NAMES[int(id[1])]}.png"
                place.write_bytes(whole[:2000])
                if place.stem == "back":
                    place.write_bytes(whole)

    with LocalCrew(1) as crew:
        play(file, crew, watch=harm)
    with Store(store_folder(file)) as store:
        tries = store.attempts("j0")
        assert {a.outcome for a in tries} == {"failed"} and len(tries) == 4
        assert tries[0].message == "'gone.png' was changed while the batch ran."
        assert [a.outcome for a in store.attempts("j1")] == ["failed", "rendered"]
        assert store.attempts("j1")[0].message == "'back.png' was changed while it was read."
    (tmp_path / "gone.png").write_bytes(whole)
    with LocalCrew(1) as crew:
        assert play(file, crew)[-1] == ("j0", "rendered")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_workers_that_are_killed_or_stop(tmp_path: Path, portrait: str) -> None:
    file = written(tmp_path, rows(portrait, ["This takes a while. " * 10]))
    done: list[str] = []

    def harm(run: Run) -> None:
        assert isinstance(run.crew, LocalCrew)
        if len(done) < 2 and "j0" in run.running and run.running["j0"].done:
            how = signal.SIGSTOP if done else signal.SIGKILL
            os.kill(run.crew.pids[0], how)
            run.running["j0"].done = 0
            done.append(how.name)

    with LocalCrew(2, silence=6.0) as crew:
        play(file, crew, watch=harm)
        assert crew.count == 1, "after a kill, fewer work at once"
    with Store(store_folder(file)) as store:
        tries = store.attempts("j0")
        assert [a.outcome for a in tries] == ["crashed", "crashed", "rendered"]
        assert "memory" in tries[0].message and "no sign of life for 6 s" in tries[1].message


def test_a_worker_serves_many(tmp_path: Path, portrait: str) -> None:
    file = written(tmp_path, rows(portrait, ["One.", "Two.", "Three."]))
    seen: set[int] = set()
    with LocalCrew(1) as crew:
        play(file, crew, watch=lambda run: seen.update(crew.pids))
    assert len(seen) == 1 and set(states(file).values()) == {State.DONE}


def test_two_runs_share_the_work(tmp_path: Path, portrait: str) -> None:
    file = written(tmp_path, rows(portrait, [f"job {number}" for number in range(40)]))
    with Store(store_folder(file)) as store:
        plan(store, file, read_batch(file, Digests()))
    crews = [Actors(1), Actors(1)]

    def work(crew: Actors) -> None:
        with Store(store_folder(file)) as store:
            Run(store, crew, str(file)).go()

    threads = [threading.Thread(target=work, args=(crew,)) for crew in crews]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(crews[0].began + crews[1].began) == sorted(f"j{number}" for number in range(40))
    assert all(crew.began for crew in crews) and set(states(file).values()) == {State.DONE}
