"""Machines of a cluster: files in pieces, limits on every answer, jobs that go elsewhere. Ray itself is played here;
``python -m benchmarks.batch_cluster`` uses a real one, and cuts its link.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.jobs.batches import rows, written

from mien.apps.jobs import cluster
from mien.apps.jobs.batch import plan, read_batch, store_folder
from mien.apps.jobs.cluster import ClusterCrew
from mien.apps.jobs.cluster_host import PIECE, Host
from mien.apps.jobs.crew import Event, Task
from mien.apps.jobs.local import LocalCrew
from mien.apps.jobs.run import Run
from mien.apps.jobs.states import State
from mien.apps.jobs.store import Store
from mien.apps.jobs.work import Digests, digest, versions
from mien.casting import Subject
from mien.errors import BackendError, InputError
from mien.portrait.store import library


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    made.close()


def test_files_arrive_whole_or_not_at_all(tmp_path: Path, host: Host) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(bytes(range(256)) * (PIECE // 256) + b"the rest")
    good = digest(file)
    for name, offset, data in cluster._pieces(file):
        host.put(good, name, offset, data)
    assert host.lacks([good]) == [good]
    host.complete(good, "a.bin")
    assert host.lacks([good]) == []
    host.put("0" * 64, "a.bin", 0, b"something else")
    with pytest.raises(InputError, match="did not arrive whole"):
        host.complete("0" * 64, "a.bin")
    for name in ("../a", "/a", "a/../../b", ""):
        with pytest.raises(InputError, match="no name"):
            host.put(good, name, 0, b"")


def test_folders_arrive_too(tmp_path: Path, host: Host) -> None:
    folder = tmp_path / "anna"
    (folder / "in").mkdir(parents=True)
    (folder / "a").write_bytes(b"")
    (folder / "in" / "b").write_bytes(b"b")
    whole = Digests().of(folder)
    for name, offset, data in cluster._pieces(folder):
        host.put(whole, name, offset, data)
    host.complete(whole, "anna")
    assert host.lacks([whole]) == []


def test_what_a_dead_host_left_is_swept_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead, alive = Host(), Host()
    request.addfinalizer(alive.close)
    assert len(list(tmp_path.glob("mien-ray-*"))) == 2, "who lives keeps its folder"
    descriptor = dead._owner._lock
    assert descriptor is not None
    os.close(descriptor)  # as the system does when a process is killed
    dead._owner._lock = None
    request.addfinalizer(Host().close)
    assert len(list(tmp_path.glob("mien-ray-*"))) == 2


class Timeout(Exception):
    pass


class Gone(Exception):
    pass


class PlayedRay:
    """Machines with real hosts; told to, one stops answering: nothing is refused, nothing returns."""

    def __init__(self, machines: int, cores: float = 1.0) -> None:
        self.exceptions = SimpleNamespace(
            GetTimeoutError=Timeout, RayError=Gone, RayTaskError=type("Task", (Gone,), {})
        )
        self.util = SimpleNamespace(
            scheduling_strategies=SimpleNamespace(NodeAffinitySchedulingStrategy=SimpleNamespace)
        )
        self.silent: set[str] = set()
        self.other_versions: set[str] = set()
        self.hosts: list[Host] = []
        self._nodes = [
            {"Alive": True, "NodeID": f"n{i}", "NodeManagerAddress": f"machine-{i}",
             "Resources": {"CPU": cores, "GPU": 2.0, "memory": 8e9}}
            for i in range(machines)
        ]  # fmt: skip

    def nodes(self) -> list[dict[str, Any]]:
        return self._nodes

    def remote(self, kind: type[Host]) -> Any:
        def options(**given: Any) -> Any:
            return SimpleNamespace(remote=lambda: self._actor(kind, given["scheduling_strategy"].node_id))

        return SimpleNamespace(options=options)

    def get(self, call: Any, timeout: float) -> Any:
        node, work = call
        if node in self.silent:
            time.sleep(timeout)
            raise Timeout
        return work()

    def kill(self, actor: Any, no_restart: bool) -> None:
        if actor.node not in self.silent:
            actor.host.close()

    def shutdown(self) -> None:
        for host in self.hosts:
            host.close()

    def _actor(self, kind: type[Host], node: str) -> Any:
        host = kind()
        self.hosts.append(host)

        class Actor:
            def __getattr__(actor, name: str) -> Any:  # noqa: N805
                work = getattr(host, name)
                if name == "versions" and node in self.other_versions:
                    work = lambda: [["mien", "0.0.1"]]  # noqa: E731
                return SimpleNamespace(remote=lambda *words: (node, lambda: work(*words)))

        actor = Actor()
        actor.__dict__.update(node=node, host=host)
        return actor


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedRay]:
    played = PlayedRay(2)
    monkeypatch.setattr(cluster, "_connected", lambda address: played)
    monkeypatch.setattr(cluster, "_POLL", 0.05)
    yield played
    played.shutdown()


def test_a_link_that_is_cut_silently(tmp_path: Path, portrait: str, ray: PlayedRay) -> None:
    file = written(tmp_path, rows(portrait, ["One. " * 8, "Two. " * 8, "Three."]))
    outcomes: list[tuple[str, str]] = []
    notes: list[str] = []

    def cut(run: Run) -> None:
        if not ray.silent and any(running.done for running in run.running.values()):
            seat = next(s for s in crew._seats if s.task and run.running[s.task.job.id].done)
            ray.silent.add(seat.node)

    digests = Digests()
    with Store(store_folder(file)) as store, ClusterCrew("auto", patience=1.0, note=notes.append) as crew:
        plan(store, file, read_batch(file, digests))
        run = Run(
            store, crew, str(file), told=lambda c: outcomes.append((c.job.id, c.what)), watch=cut, digests=digests
        )
        run.go()
        assert set(store.counts().items()) >= {(State.DONE, 3)}
        lost = [id for id, what in outcomes if what == "lost"]
        assert len(lost) == 1 and [a.outcome for a in store.attempts(lost[0])] == ["lost", "rendered"]
        assert "did not answer for 1 s" in notes[0]
        for job in store.jobs():
            assert digest(job.output) == store.artefacts(job)[0].sha256


def test_shorts_with_their_files_and_kept_avatars(
    tmp_path: Path, portrait: str, ray: PlayedRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They, and the settings here, travel: the films are those that are made without a cluster."""
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path / "data"))
    library.add(Subject.of(Path(portrait), "auto", 0).load(lambda line: None), "anna")
    (tmp_path / "leaf.png").write_bytes(Path(portrait).read_bytes())
    template = tmp_path / "short.yaml"
    template.write_text(
        "mien: 1\ncanvas: {size: 96x96, fps: 25}\navatar: {name: anna, shape: circle}\ncaptions: {files: [srt]}\n"
        'scenes:\n  - {script: "${text}", background: {picture: leaf.png}}\n',
        encoding="utf-8",
    )
    made: list[dict[str, str]] = []
    monkeypatch.setenv("MIEN_FACE_HEAD_MOTION", "0.2")
    for crew in (LocalCrew(1), ClusterCrew("auto")):
        folder = tmp_path / type(crew).__name__
        file, digests = written(folder, [{"id": "a", "text": "One."}, {"id": "b", "text": "Two."}]), Digests()
        with Store(store_folder(file)) as store, crew:
            wishes = read_batch(file, digests, template=template)
            assert set(wishes[0].arguments["avatars"]) == {"anna"}
            plan(store, file, wishes)
            if isinstance(crew, ClusterCrew):  # what the other machines' users have set does not matter
                monkeypatch.delenv("MIEN_FACE_HEAD_MOTION")
            Run(store, crew, str(file), digests=digests).go()
            assert [(job.state, job.fault) for job in store.jobs()] == [(State.DONE, None)] * 2
        made.append({path.name: digest(path) for path in folder.iterdir() if path.suffix in (".mp4", ".srt")})
    assert made[0] == made[1] and len(made[0]) == 4


def test_a_file_that_is_gone_is_no_fault_of_a_machine(tmp_path: Path, portrait: str, ray: PlayedRay) -> None:
    (tmp_path / "face.png").write_bytes(Path(portrait).read_bytes())
    file, digests = written(tmp_path, rows("face.png", ["One."])), Digests()
    notes: list[str] = []
    with Store(store_folder(file)) as store, ClusterCrew("auto", note=notes.append) as crew:
        plan(store, file, read_batch(file, digests))
        _until(lambda: crew.room() > 0)
        job = store.job("j0")
        wanted = {str(tmp_path / "face.png"): digests.of(tmp_path / "face.png")}
        (tmp_path / "face.png").unlink()
        crew.start(Task(job, tmp_path / "work", tmp_path / "made", wanted))
        heard: list[Event] = []

        def told() -> bool:
            heard.extend(crew.events(0.0))
            return bool(heard)

        _until(told)
        assert (heard[0].kind, heard[0].fields["code"], notes) == ("failed", "input.changed", [])


def test_machines_with_other_versions_are_left_out(ray: PlayedRay, monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []
    ray.other_versions = {"n0"}
    with ClusterCrew("auto", note=notes.append) as crew:
        _until(lambda: crew.room() == 1 and bool(notes))
        assert crew.machines == {"machine-1": 1} and "other versions (mien 0.0.1)" in notes[0]
    assert versions()[0][0] == "mien"
    ray.other_versions = {"n0", "n1"}
    monkeypatch.setattr(cluster, "NOBODY", 0.2)
    with ClusterCrew("auto") as crew, pytest.raises(BackendError, match="No machine of the Ray cluster"):
        _until(lambda: crew.room() > 0)


def test_how_many_fit() -> None:
    machine = {"CPU": 8.0, "memory": 3e9, "GPU": 2.0}
    assert cluster._fitting(machine, 0.0) == 4, "by memory"
    assert cluster._fitting(machine | {"memory": 64e9}, 0.0) == 8, "by cores"
    assert cluster._fitting(machine, 1.0) == 2 and cluster._fitting(machine, 0.5) == 4, "by GPUs"
    assert cluster._fitting({"CPU": 8.0, "memory": 64e9}, 1.0) == 0


def _until(holds: Any, within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
