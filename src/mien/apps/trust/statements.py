"""Content Credentials of a file, as the reference implementation of C2PA reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mien.errors import MienError
from mien.transmit.provenance.identity import SELF_MADE, require

_LONGEST: Final = 300
"""Characters that are shown of a statement."""
_UNTRUSTED: Final = "signingCredential.untrusted"


@dataclass(frozen=True, slots=True)
class Statement:
    """What the active manifest states. state: "trusted", "valid" (intact, signer unknown) or "invalid".

    made_by: the program. signer: the certificate's name, issuer: its organisation. self_made: whether that certificate
    is one that Mien makes for itself, so that anybody could have signed. source_types: IPTC's terms, without their
    address. words: descriptions of what was done. time: of a time stamp, "" = none. faults: codes of what is wrong.
    """

    state: str
    made_by: str
    signer: str
    issuer: str
    self_made: bool
    source_types: tuple[str, ...]
    words: tuple[str, ...]
    time: str
    faults: tuple[str, ...]

    @property
    def by_machine(self) -> bool:
        """Whether it says that a machine made at least a part of it."""
        return any("lgorithmic" in kind for kind in self.source_types)


def read(path: Path, trust_list: str = "") -> Statement | None:
    """None where the file holds no Content Credentials.

    trust_list: PEM of the authorities that are trusted; Mien carries none of its own. Nothing is fetched, wherever the
    file says that its manifest lies. Raises MissingError without the extra ``provenance``.
    """
    require()
    import c2pa

    asked: dict[str, Any] = {"version": 1, "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if trust_list:
        asked["trust"] = {"trust_anchors": trust_list}
        asked["verify"]["verify_trust"] = True
    try:
        with c2pa.Context(c2pa.Settings.from_dict(asked)) as context:
            reader = c2pa.Reader.try_create(str(path), context=context)
            if reader is None:
                return None
            with reader:
                told = json.loads(reader.json())
    except c2pa.C2paError as error:
        if type(error).__name__.endswith(("ManifestNotFound", "NotSupported")):
            return None
        return Statement("invalid", "", "", "", False, (), (), "", (str(error)[:200],))
    return _statement(told)


def lacking() -> str:
    """Why Content Credentials cannot be read here, "" = they can."""
    try:
        require()
    except MienError as error:
        return str(error)
    return ""


def _statement(told: Mapping[str, Any]) -> Statement:
    active = told.get("manifests", {}).get(told.get("active_manifest"), {})
    signature = active.get("signature_info", {})
    actions = [action for a in active.get("assertions", []) for action in _actions(a)]
    codes = tuple(dict.fromkeys(str(one.get("code")) for one in told.get("validation_status") or ()))
    faults = tuple(code for code in codes if code != _UNTRUSTED)
    state = {"Trusted": "trusted", "Valid": "valid"}.get(str(told.get("validation_state")), "invalid")
    programs = active.get("claim_generator_info") or [{}]
    return Statement(
        state=state,
        made_by=_plain(" ".join(str(programs[0].get(k, "")) for k in ("name", "version"))),
        signer=_plain(signature.get("common_name", "")),
        issuer=_plain(signature.get("issuer", "")),
        self_made=signature.get("common_name") == SELF_MADE,
        source_types=_each(
            _plain(a["digitalSourceType"]).rsplit("/", 1)[-1] for a in actions if "digitalSourceType" in a
        ),
        words=_each(_plain(a["description"]) for a in actions if a.get("description")),
        time=_plain(signature.get("time") or ""),
        faults=faults,
    )


def _plain(told: object) -> str:
    """What a stranger wrote, as it may be shown: a terminal would act on control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(told)[:_LONGEST]).split())


def _actions(assertion: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if not str(assertion.get("label", "")).startswith("c2pa.actions"):
        return []
    actions = (assertion.get("data") or {}).get("actions", [])
    return [action for action in actions if isinstance(action, Mapping)]


def _each(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
