"""``mien verify``: what a picture or film says of itself.

Event under ``--json``: ``verify``: path, made (whether anything says that a machine made it), pictures (looked at),
watermarks (list of key, found, payload or null, z, scale), credentials (null, or state, made_by, signer, issuer,
self_made, source_types, words, time, faults), unread (why Content Credentials cannot be read here, or ""), label.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien import config
from mien.apps.cli import console
from mien.errors import UsageError

if TYPE_CHECKING:
    from mien.apps.trust.statements import Statement
    from mien.apps.trust.verify import Findings
    from mien.stage.watermark.detect import Found

_STATES = {
    "trusted": "intact, and signed by somebody whom the list trusts",
    "valid": "intact, but signed by somebody whom no list vouches for",
    "invalid": "broken: do not rely on what they say",
}


def command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Pictures and films.", show_default=False)],
    key_file: Annotated[
        list[str] | None,
        typer.Option("--key-file", metavar="FILE", help="A secret key to try as well.", show_default=False),
    ] = None,
    trust_list: Annotated[
        Path | None,
        typer.Option("--trust-list", metavar="FILE", help="PEM of authorities whose signatures are trusted."),
    ] = None,
) -> None:
    """Say what a picture or film tells of itself: invisible mark, Content Credentials, label.

    The exit status is 0 whether anything is found or not; see "made" under --json.
    """
    from mien.apps.trust.verify import verify

    if not files:
        raise UsageError("What should be looked at?", hint="Name a picture or a film.")
    keys = [config.load().trust.key_file, *(key_file or ())]
    for file in files:
        findings = verify(file, keys, trust_list)
        for line in _lines(findings):
            console.line(line)
        console.event(
            "verify", path=str(file), made=findings.made, pictures=findings.pictures,
            watermarks=[
                {"key": name, "found": found.marked, "payload": found.payload if found.marked else None,
                 "z": round(found.z, 2), "scale": round(found.scale, 4)}
                for name, found in findings.watermarks
            ],
            credentials=None if findings.statement is None else asdict(findings.statement),
            unread=findings.unread, label=findings.label,
        )  # fmt: skip


def _lines(findings: Findings) -> list[str]:
    """For people."""
    told = [f"{findings.path}:"]
    told += [f"  invisible mark: {_mark(found)} ({name})" for name, found in findings.watermarks]
    if findings.unread:
        told.append(f"  Content Credentials: not looked at. {findings.unread}")
    elif findings.statement is None:
        told.append("  Content Credentials: none")
    else:
        told += [f"  Content Credentials: {line}" for line in _stated(findings.statement)]
    told.append(
        f"  visible label: {f'it seems to say “{findings.label}”' if findings.label else 'none that Mien writes'}"
    )
    verdict = "It says that a machine made it." if findings.made else "Nothing here says that a machine made it."
    told.append(f"  {verdict}" if findings.made else f"  {verdict} That proves nothing: marks can be taken away.")
    return told


def _mark(found: Found) -> str:
    if not found.marked:
        return "none"
    payload = "payload unreadable" if found.payload is None else f"payload {found.payload}"
    size = f", at {100 * found.scale:.0f} % of its size" if abs(found.scale - 1) > 0.005 else ""
    return f"found, {payload}{size}"


def _stated(statement: Statement) -> list[str]:
    told = [_STATES[statement.state]]
    if statement.signer or statement.issuer:
        own = "; a certificate that Mien makes for itself: anybody can sign so" if statement.self_made else ""
        told.append(f"signed by {statement.signer or '?'} ({statement.issuer or '?'}){own}")
    if statement.made_by:
        told.append(f"written by {statement.made_by}{f', {statement.time}' if statement.time else ''}")
    told += [f"“{words}”" for words in statement.words]
    if statement.source_types:
        told.append(f"source: {', '.join(statement.source_types)}")
    if statement.faults:
        told.append(f"faults: {', '.join(statement.faults)}")
    return told
