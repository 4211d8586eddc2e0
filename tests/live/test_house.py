"""Who may come in: as many as the machine carries, and an honest sentence for the next one."""

from __future__ import annotations

import pytest
from tests.live.fakes import session

from mien.errors import BackendError
from mien.live import house
from mien.live.house import Guest, House


def test_the_next_one_is_told_that_the_machine_carries_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house, "cores", lambda: 1)
    full = House()
    guests = [full.open(lambda: Guest("", session()[0])) for _ in range(house.PER_CORE)]
    with pytest.raises(BackendError, match="All 3 places are taken, as many as this machine carries") as told:
        full.open(lambda: pytest.fail("was made though there is no place"))
    assert told.value.code == "busy" and told.value.hint and full.refused == 1
    full.close(guests[0].id)
    full.open(lambda: Guest("", session()[0]))
    full.shut()
    assert full.guests() == ()


def test_who_failed_to_come_in_takes_no_place() -> None:
    small = House(most=1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            small.open(_broken)
    small.open(lambda: Guest("", session()[0]))
    with pytest.raises(BackendError, match=r"All 1 places are taken\."):
        small.open(_broken)
    small.shut()


def _broken() -> Guest:
    raise RuntimeError("no voice")
