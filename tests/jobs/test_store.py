"""The store of jobs: what outlives runs, who has what, what people decided."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.apps.jobs import leases, schema
from mien.apps.jobs.leases import Owner, Watch
from mien.apps.jobs.states import Artefact, Fault, Job, State, Wish
from mien.apps.jobs.store import MOST_LOGGED, Store
from mien.errors import InputError, MissingError, UsageError


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "s") as opened:
        yield opened


@pytest.fixture
def owner(store: Store) -> Iterator[Owner]:
    with Owner(store.folder) as run:
        store.enter(run)
        yield run


def wish(id: str, *, key: str = "", priority: int = 0, out: str = "") -> Wish:
    return Wish(id, 2, "make", {"text": id}, key or f"key of {id}", {"film": Path(f"/{out or id}.mp4")}, priority)


def claimed(store: Store, owner: Owner) -> Job:
    job = store.claim(owner)
    assert job is not None
    return job


def test_jobs_come_by_priority_then_in_order(store: Store, owner: Owner) -> None:
    store.plan("b", [wish("a"), wish("b", priority=5), wish("c"), wish("d", priority=-1)])
    assert [claimed(store, owner).id for _ in range(4)] == ["b", "a", "c", "d"]
    assert store.claim(owner) is None
    assert store.counts()[State.RUNNING] == 4


def test_the_truth_outlives_the_run(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as first, Owner(first.folder) as run:
        first.enter(run)
        first.plan("b", [wish("a"), wish("b"), wish("c")])
        made = Artefact("film", Path("/a.mp4"), "00" * 32, 7)
        assert first.finish(claimed(first, run), [made], how="rendered", seconds=1.5, report={"frames": 3})
        first.fail(claimed(first, run), Fault("input", "It is broken."), final=True)
    with Store(tmp_path / "s") as again:
        assert [job.state for job in again.jobs()] == [State.DONE, State.QUARANTINED, State.QUEUED]
        assert again.artefacts("a") == [made] and again.job("a").report == {"frames": 3}
        fault = again.job("b").fault
        assert fault is not None and fault.message == "It is broken."
        assert [(a.number, a.outcome, a.seconds) for a in again.attempts("a")] == [(1, "rendered", 1.5)]


def test_what_a_dead_run_had_is_free_at_once(store: Store, owner: Owner) -> None:
    store.plan("b", [wish("a")])
    with Owner(store.folder) as other:
        store.enter(other)
        taken = claimed(store, other)
        assert store.recover(owner) == [], "it lives: its lock is held"
        assert store.claim(owner) is None
    assert store.recover(owner) == [other.id]
    mine = claimed(store, owner)
    assert (mine.id, mine.attempt) == ("a", 2)
    assert [a.outcome for a in store.attempts("a")] == ["lost", ""]
    assert not store.finish(taken, [], how="rendered"), "who lost a job cannot end it"
    assert not store.fail(taken, Fault("x", "y"), final=True) and not store.release(taken)
    assert store.job("a").state == State.RUNNING
    assert store.finish(mine, [], how="rendered")


def test_without_locks_a_heart_that_stands_still_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "is_free", lambda file: False)
    now = [100.0]
    watch = Watch(tmp_path, lambda: now[0])
    assert not watch.is_dead("x", "here", 4)
    now[0] += leases.SILENCE - 1
    assert not watch.is_dead("x", "here", 4)
    assert not watch.is_dead("x", "here", 5), "it beat"
    now[0] += leases.SILENCE + 1
    assert watch.is_dead("x", "here", 5)


def test_equal_jobs_do_not_run_at_once_and_know_of_each_other(store: Store, owner: Owner) -> None:
    store.plan("b", [wish("a", key="k"), wish("b", key="k"), wish("c")])
    first = claimed(store, owner)
    assert claimed(store, owner).id == "c"
    assert store.claim(owner) is None
    made = Artefact("film", Path("/a.mp4"), "11" * 32, 3)
    store.finish(first, [made], how="rendered")
    second = claimed(store, owner)
    assert second.id == "b" and store.equals(second) == [[made]]


def test_rows_that_change_go_and_come_back(store: Store, owner: Owner) -> None:
    assert store.plan("b", [wish("a"), wish("b"), wish("c")]).new == 3
    store.finish(claimed(store, owner), [], how="rendered")
    planned = store.plan("b", [wish("a", key="other"), wish("b")])
    assert (planned.changed, planned.same, planned.gone) == (1, 1, 1)
    assert [store.job(id).state for id in "abc"] == [State.QUEUED, State.QUEUED, State.CANCELLED]
    assert store.plan("b", [wish("a", key="other"), wish("b"), wish("c")]).again == 1
    assert store.job("c").state == State.QUEUED
    with pytest.raises(UsageError, match="already in this store, from b"):
        store.plan("another", [wish("a")])


def test_the_same_command_tries_again_what_was_mended_elsewhere(store: Store, owner: Owner) -> None:
    wishes = [wish("a"), wish("b"), wish("c")]
    store.plan("b", wishes)
    for fault in (
        Fault("output.space", "Full.", retryable=True),
        Fault("missing.voice", "No."),
        Fault("input", "Bad."),
    ):
        store.fail(claimed(store, owner), fault, final=True)
    assert store.plan("b", wishes).again == 2
    assert [store.job(id).state for id in "abc"] == [State.QUEUED, State.QUEUED, State.QUARANTINED]
    assert store.plan("b", [*wishes[:2], wish("c", key="mended")]).changed == 1
    assert store.job("c").state == State.QUEUED


def test_cancel_and_retry(store: Store, owner: Owner) -> None:
    store.plan("b", [wish("a"), wish("b")])
    running = claimed(store, owner)
    assert store.cancel("a", who="Ann", why="a mistake")
    assert not store.finish(running, [], how="rendered")
    assert not store.cancel("a") and store.retry("a") and not store.retry("b")
    assert store.job("a").state == State.QUEUED
    assert [e.action for e in store.audit("a")] == ["cancelled", "retried"] and store.audit("a")[0].who == "Ann"
    with pytest.raises(MissingError, match="no job 'x'"):
        store.cancel("x")


def test_a_person_decides(store: Store, owner: Owner) -> None:
    store.plan("b", [wish("a"), wish("b")])
    assert store.await_review("a", "the word 'cure'", by="moderation")
    assert store.await_review(claimed(store, owner)), "one that runs may wait, too"
    assert store.claim(owner) is None
    assert [job.id for job in store.waiting()] == ["a", "b"]
    with pytest.raises(UsageError, match="Who decides"):
        store.decide("a", " ", True)
    assert store.decide("a", "Ann", True, "it is about cheese").state == State.QUEUED
    assert store.decide("b", "Bo", False, "not us").state == State.QUARANTINED
    assert not store.await_review("a"), "it was approved"
    assert claimed(store, owner).approved
    with pytest.raises(UsageError, match="does not wait"):
        store.decide("b", "Ann", True)
    told = [(e.number, e.who, e.action, e.job, e.why) for e in store.audit()]
    assert told[0] == (1, "moderation", "asked", "a", "the word 'cure'")
    assert told[2:] == [(3, "Ann", "approved", "a", "it is about cheese"), (4, "Bo", "rejected", "b", "not us")]


def test_a_change_takes_the_approval_back(store: Store, owner: Owner) -> None:
    store.plan("b", [wish("a")])
    store.await_review("a")
    store.decide("a", "Ann", True)
    store.plan("b", [wish("a", key="new words")])
    assert not store.job("a").approved and store.await_review("a")


def test_the_audit_log_only_grows_and_shows_what_was_changed(store: Store) -> None:
    store.plan("b", [wish("a")])
    store.note("Ann", "looked", "a")
    store.note("Ann", "looked", "a", "again")
    with sqlite3.connect(store.folder / schema.FILE) as base:
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            base.execute("DELETE FROM audit")
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            base.execute("UPDATE audit SET who='Bo'")
        base.execute("DROP TRIGGER audit_fixed")
        base.execute("UPDATE audit SET who='Bo' WHERE number=1")
    with pytest.raises(InputError, match="Row 1 of the audit log was changed"):
        store.audit()


def test_logs_are_kept_but_not_for_ever(store: Store) -> None:
    store.plan("b", [wish("a"), wish("b")])
    for number in range(MOST_LOGGED + 5):
        store.log("a", f"line {number}")
    store.log("b", "its own")
    lines = [line.text for line in store.log_of("a")]
    assert len(lines) == MOST_LOGGED and lines[-1] == f"line {MOST_LOGGED + 4}"
    assert [line.text for line in store.log_of("b")] == ["its own"]


def test_what_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no job store"):
        Store(tmp_path / "none", create=False)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / schema.FILE).write_bytes(b"This is no base at all. " * 50)
    with pytest.raises(InputError, match="damaged"):
        Store(tmp_path / "s")
    (tmp_path / "t").mkdir()
    with sqlite3.connect(tmp_path / "t" / schema.FILE) as base:
        base.execute("PRAGMA user_version=99")
    with pytest.raises(InputError, match="another version"):
        Store(tmp_path / "t")
