"""From a batch file to jobs in a store: every row is checked before anything starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mien.apps.jobs import artefacts
from mien.apps.jobs.sheet import Row, read_rows
from mien.apps.jobs.states import Planned, State, Wish
from mien.apps.jobs.store import Store
from mien.apps.jobs.work import Digests, Work, key_of, kind
from mien.errors import InputError, MienError, UsageError

_LONGEST_ID: Final = 100
_PRIORITY: Final = 1000
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be used. line: of the batch file. id: "" where there is none."""

    line: int
    id: str
    error: MienError


class BadRows(InputError):
    """Some rows cannot be used, and nothing was started. Exit status 3."""

    default_code = "input.rows"

    def __init__(self, file: Path, refused: Sequence[Refused], rows: int) -> None:
        first = refused[0]
        super().__init__(
            f"{len(refused)} of {rows} rows of {file.name} cannot be used, so nothing was started; "
            f"line {first.line}: {first.error.message}",
            hint=first.error.hint,
        )
        self.refused = tuple(refused)


def store_folder(file: Path) -> Path:
    """Where the jobs of a batch file are kept by default: beside it."""
    return file.with_name(file.name + ".batch")


def read_batch(
    file: Path, digests: Digests, *, template: Path | None = None, review: bool = False,
    observe: Callable[[int, int], None] = lambda done, of: None,
) -> list[Wish]:  # fmt: skip
    """The rows as jobs, films of their own, or shorts of a project. Raises BadRows, InputError.

    template: the project whose variables the columns fill. review: all wait for a person before they are delivered.
    observe: told (rows checked, rows).
    """
    rows = read_rows(file)
    wishes: list[Wish] = []
    refused: list[Refused] = []
    ids: dict[str, int] = {}
    targets: dict[Path, int] = {file.absolute(): 0}
    own = {} if template is None else {"template": str(template.absolute())}
    for number, row in enumerate(rows):
        observe(number, len(rows))
        id = ""
        try:
            if row.fault:
                raise InputError(row.fault)
            values = _tidied(row)
            id = _id(values)
            wish = _wish(row, id, values | own, file.absolute().parent, digests, review)
            _check_alone(wish, ids, targets)
            wishes.append(wish)
        except MienError as error:
            refused.append(Refused(row.line, id, error))
    if refused:
        raise BadRows(file, refused, len(rows))
    return wishes


def plan(store: Store, file: Path, wishes: Sequence[Wish]) -> Planned:
    """Take the rows over into the store. Jobs that were done and whose films are gone or changed are done again."""
    batch = str(file.absolute())
    gone = {job.id for job in store.jobs(State.DONE, batch=batch) if not artefacts.intact(store.artefacts(job))}
    return store.plan(batch, wishes, again=frozenset(gone))


def _tidied(row: Row) -> dict[str, Any]:
    """Columns under the names that Python has for them."""
    tidy = {re.sub(r"[\s-]+", "_", name.strip().lower()): value for name, value in row.values.items()}
    if "" in tidy:
        raise UsageError("A value stands in a column without a name.")
    if "template" in tidy:
        raise UsageError("There is no column 'template'.", hint="All rows share one: --template FILE.")
    if "out" in tidy and "output" not in tidy:
        tidy["output"] = tidy.pop("out")
    return tidy


def _id(values: dict[str, Any]) -> str:
    """Its own name, else that of its output."""
    given = values.pop("id", None)
    if given is None and "output" not in values:
        raise UsageError("The row has neither an id nor an output.")
    id = str(Path(str(values["output"])).stem if given is None else given).strip()
    if not id or len(id) > _LONGEST_ID or not id.isprintable():
        raise UsageError(f"'{id[:40]}' is no id.", hint=f"An id has 1 to {_LONGEST_ID} letters, digits and signs.")
    if "output" not in values:
        if set(id) & set("/\\"):
            raise UsageError(f"'{id}' is no name of a file.", hint="Give the row an output.")
        values["output"] = f"{id}.mp4"
    return id


def _wish(row: Row, id: str, values: dict[str, Any], base: Path, digests: Digests, review: bool) -> Wish:
    priority = _priority(values.pop("priority", 0))
    looked_at = _flag("review", values.pop("review", review))
    work: Work = kind("studio" if "template" in values else "make").plan(values, base)
    return Wish(id, row.line, work.kind, work.arguments, key_of(work, digests), work.targets, priority, looked_at)


def _check_alone(wish: Wish, ids: dict[str, int], targets: dict[Path, int]) -> None:
    """No two jobs have one name, or write one file. The batch file itself stands at line 0."""
    if wish.id in ids:
        raise UsageError(f"The id '{wish.id}' is already that of line {ids[wish.id]}.")
    for target in wish.targets.values():
        place = _place(target)
        if place in targets:
            other = f"line {targets[place]}" if targets[place] else "the batch file itself"
            raise UsageError(f"'{target}' is already written by {other}.", hint="Give it another output.")
    ids[wish.id] = wish.line
    targets.update((_place(target), wish.line) for target in wish.targets.values())


def _place(target: Path) -> Path:
    return target.parent.resolve() / target.name


def _priority(value: Any) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = _PRIORITY + 1
    if abs(number) > _PRIORITY:
        raise UsageError(f"priority must be a whole number from -{_PRIORITY} to {_PRIORITY}, not '{value}'.")
    return number


def _flag(name: str, value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise UsageError(f"{name} must be yes or no, not '{value}'.")
    return word in _TRUE
