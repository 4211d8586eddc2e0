"""``mien batch``: many films from one file, resumed by the same command.

Events under ``--json``, one JSON object a line on standard output:

- ``batch``: store (its folder), jobs, new, changed, same, again, gone (how the file's rows stood to it), workers.
- ``checked``: jobs. From ``--check``.
- ``bad_row``: line, id, message, hint. A row that cannot be used; nothing is started then.
- ``job``: id, line, state, what ("running", "rendered", "found", "copied", "failed", "crashed", "lost", "cancelled",
  "waiting", "note"), output, attempt, seconds, message. Something happened to a job.
- ``jobs_progress``: films (list of id, done, total in frames), and how many jobs are in each state; one a second.
- ``batch_done``: how many jobs are in each state, seconds, peak (most bytes that one worker took; 0 for Ray's).
- ``jobs``, ``job_details``, ``attempts``, ``artefacts``, ``job_log``, ``audit``: rows, from ``status`` and ``log``.
- ``changed``: id, what ("cancelled", "queued"). From ``cancel`` and ``retry``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from mien.apps.cli import console
from mien.apps.cli.batch_desk import Desk, counted, short
from mien.apps.cli.options import option
from mien.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from mien.apps.jobs.batch import BadRows
    from mien.apps.jobs.run import Run
    from mien.apps.jobs.states import Job
    from mien.apps.jobs.store import Store

_MOST_SHOWN = 20  # bad rows that are listed
_SAY_EVERY = 5.0  # seconds


class _RunFirst(TyperGroup):
    """``mien batch FILE`` is ``mien batch run FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        first = self.commands["run"]
        first.format_help(first.make_context("run", [], parent=ctx, resilient_parsing=True), formatter)


app = typer.Typer(cls=_RunFirst, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})

_File = Annotated[Path, typer.Argument(metavar="FILE", help="A .csv, .jsonl or .yaml file.", show_default=False)]
_Where = Annotated[Path, typer.Argument(metavar="STORE", help="The batch file, or its store.", show_default=False)]
_Id = Annotated[str | None, typer.Argument(metavar="[ID]", help="One job.", show_default=False)]
_Who = Annotated[str, option("Who", "--who", metavar="NAME", text="For the audit log; default: your login.")]
_Why = Annotated[str, option("Who", "--why", metavar="TEXT", text="For the audit log.")]


@app.command()
def run(
    file: _File,
    template: Annotated[
        Path | None,
        option("Batch", "--template", "-t", metavar="FILE", text="A project whose ${name} the columns fill."),
    ] = None,
    store: Annotated[
        Path | None, option("Batch", "--store", metavar="FOLDER", text="Where jobs are kept; default FILE.batch.")
    ] = None,
    workers: Annotated[
        int | None, option("Batch", "--workers", "-j", metavar="N", text="At once; default by cores and memory.")
    ] = None,
    ray: Annotated[
        str | None, option("Ray", "--ray", metavar="WHERE", text="Render on a Ray cluster: auto, or HOST:PORT.")
    ] = None,
    gpus: Annotated[
        float, option("Ray", "--gpus", metavar="N", text="GPUs that each worker there gets; 0.5 = two share one.")
    ] = 0.0,
    patience: Annotated[
        float, option("Ray", "--patience", metavar="S", text="Seconds that a machine may take to answer; 30.")
    ] = 30.0,
    review: Annotated[bool, option("Batch", "--review", text="Every film waits until a person lets it pass.")] = False,
    check: Annotated[bool, option("Batch", "--check", text="Only check the rows.")] = False,
) -> None:
    """Render every row of a file. Run it again to go on where it stopped."""
    from mien.apps.jobs.batch import BadRows, plan, read_batch, store_folder
    from mien.apps.jobs.capacity import workers as helpful
    from mien.apps.jobs.run import Run
    from mien.apps.jobs.store import Store
    from mien.apps.jobs.work import Digests
    from mien.apps.trust.gate import screen

    if workers is not None and not 1 <= workers <= 256:
        raise UsageError("--workers must be a whole number from 1 to 256.")
    if not 0 <= gpus <= 64 or not 1 <= patience <= 3600:
        raise UsageError("--gpus must be from 0 to 64, and --patience from 1 to 3600.")
    digests = Digests()
    try:
        wishes = read_batch(file, digests, template=template, review=review, observe=_patient())
    except BadRows as error:
        _list(error)
        raise
    if check:
        console.event("checked", plain=f"{file.name}: {len(wishes)} jobs, all can be started.", jobs=len(wishes))
        return
    with Store(store or store_folder(file)) as opened:
        planned = plan(opened, file, wishes)
        count = 0 if ray else workers or helpful(len(wishes))
        with suppress(OSError):  # whether anybody hears it or not
            console.event(
                "batch", plain="", store=str(opened.folder), jobs=len(wishes), workers=count, new=planned.new,
                changed=planned.changed, same=planned.same, again=planned.again, gone=planned.gone,
            )  # fmt: skip
        with _crew(ray, gpus, patience, count) as crew, Desk(file, opened) as desk:
            asked = screen(console.note)  # scripts that a person must look at, by [trust]
            name = str(file.absolute())
            _go(Run(opened, crew, name, told=desk.tell, watch=desk.watch, screen=asked, digests=digests), desk)


@app.command()
def status(store: _Where, id: _Id = None) -> None:
    """Say how a batch stands: all its jobs, or one with its attempts and files."""
    with _opened(store) as opened:
        if id is not None:
            _show_job(opened, id)
            return
        jobs = opened.jobs()
        columns = ("id", "state", "attempt", "seconds", "output", "message")
        rows = [(j.id, str(j.state), j.attempt, round(j.seconds, 1), short(j.output), _reason(j)) for j in jobs]
        console.table("jobs", columns, rows)
        console.line(counted(opened.counts()))


@app.command()
def log(store: _Where, id: _Id = None) -> None:
    """Say what happened to a job, line by line; without ID what people did, with the audit log's check."""
    with _opened(store) as opened:
        if id is None:
            rows = [(e.number, e.at, e.who, e.action, e.job, e.why) for e in opened.audit()]
            console.table("audit", ("number", "at", "who", "action", "job", "why"), rows)
            return
        console.table("job_log", ("at", "attempt", "text"), _told(opened, id))


@app.command()
def cancel(store: _Where, id: _Id = None, who: _Who = "", why: _Why = "") -> None:
    """Take a job out, or all that are not done yet; one that is being rendered is stopped."""
    with _opened(store) as opened:
        _change(opened, id, "cancel", "cancelled", partial(opened.cancel, who=who, why=why))


@app.command()
def retry(store: _Where, id: _Id = None, who: _Who = "", why: _Why = "") -> None:
    """Queue a job that failed or was cancelled, or all of them; then run the batch again."""
    with _opened(store) as opened:
        _change(opened, id, "retry", "queued", partial(opened.retry, who=who, why=why))


def _change(store: Store, id: str | None, verb: str, what: str, change: Callable[[str], bool]) -> None:
    """Do something to a job, or to all to which it can be done, and say to which it was."""
    changed = [job for job in _chosen(store, id) if change(job)]
    for job in changed:
        console.event("changed", plain=f"{job}: {what}", id=job, what=what)
    if not changed and id is not None:
        raise UsageError(f"The job '{id}' is {store.job(id).state}; there is nothing to {verb}.")
    if not changed:
        console.note(f"There is nothing to {verb}.")


def _told(store: Store, id: str) -> Iterator[tuple[str, int, str]]:
    """When, in which attempt, what: how each began, what was logged in it, and how it ended."""
    lines = store.log_of(id)
    yield from ((line.at, 0, line.text) for line in lines if line.attempt == 0)
    for attempt in store.attempts(id):
        yield attempt.began, attempt.number, "began"
        own = [line for line in lines if line.attempt == attempt.number]
        yield from ((line.at, line.attempt, line.text) for line in own)
        if attempt.outcome:
            ended = datetime.fromisoformat(attempt.began) + timedelta(seconds=attempt.seconds)
            why = "" if any(line.text == attempt.message for line in own) else attempt.message
            what = f"{attempt.outcome} after {attempt.seconds:.1f} s"
            yield ended.isoformat("T", "seconds"), attempt.number, f"{what}: {why}" if why else what


def open_store(where: Path) -> Store:
    """The store that STORE names: its folder, or the batch file beside it. Raises MissingError."""
    from mien.apps.jobs.batch import store_folder
    from mien.apps.jobs.store import Store

    return Store(store_folder(where) if where.is_file() or not where.exists() else where, create=False)


def _opened(where: Path) -> AbstractContextManager[Store]:
    return open_store(where)


def _crew(ray: str | None, gpus: float, patience: float, count: int) -> Any:
    """Workers here, or those of a cluster."""
    if ray is None:
        from mien.apps.jobs.local import LocalCrew

        return LocalCrew(count)
    from mien.apps.jobs.cluster import ClusterCrew

    console.keep_output()  # Ray prints there when a machine dies
    return ClusterCrew(ray, gpus=gpus, patience=patience, note=console.note)


def _go(work: Run, desk: Desk) -> None:
    try:
        work.go()
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped; {desk.standing()}.", hint="Run the same command again to go on where it stopped."
        ) from None
    desk.done(work.peak)


def _patient() -> Callable[[int, int], None]:
    """Says now and then how many rows are checked: a hundred thousand take minutes."""
    last = [time.monotonic()]

    def observe(done: int, of: int) -> None:
        if time.monotonic() - last[0] > _SAY_EVERY:
            last[0] = time.monotonic()
            console.note(f"{done} of {of} rows are checked")

    return observe


def _list(bad: BadRows) -> None:
    for row in bad.refused[:_MOST_SHOWN]:
        named = f" ({row.id})" if row.id else ""
        if console.is_json():
            console.event("bad_row", line=row.line, id=row.id, message=row.error.message, hint=row.error.hint)
        else:
            console.note(f"line {row.line}{named}: {row.error.message} {row.error.hint}".rstrip())
    if len(bad.refused) > _MOST_SHOWN:
        console.note(f"and {len(bad.refused) - _MOST_SHOWN} more")


def _chosen(store: Store, id: str | None) -> list[str]:
    return [store.job(id).id] if id is not None else [job.id for job in store.jobs()]


def _show_job(store: Store, id: str) -> None:
    job = store.job(id)
    about: list[tuple[str, Any]] = [
        ("id", job.id), ("state", str(job.state)), ("line", job.line), ("output", str(job.output)), ("key", job.key),
        ("priority", job.priority), *sorted(job.report.items()),
    ]  # fmt: skip
    if job.fault is not None:
        about += [("reason", job.fault.message), ("hint", job.fault.hint)]
    console.table("job_details", ("what", "value"), about)
    console.table(
        "attempts", ("number", "began", "outcome", "seconds", "message"),
        [(a.number, a.began, a.outcome or "running", round(a.seconds, 1), a.message) for a in store.attempts(id)],
    )  # fmt: skip
    files = [(a.role, str(a.path), a.size, a.sha256) for a in store.artefacts(id)]
    console.table("artefacts", ("role", "path", "bytes", "sha256"), files)


def _reason(job: Job) -> str | None:
    return None if job.fault is None else job.fault.message
