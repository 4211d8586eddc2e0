"""Signing a finished film."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import mien
from mien.errors import BackendError, UsageError
from mien.transmit.atomic import Staging
from mien.transmit.provenance.identity import Identity

STATEMENT: Final = "Made with Mien: AI-generated talking face"
SOURCE_TYPE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for a picture of a person together with what a trained algorithm made."""
FORMATS: Final = {
    ".mp4": "video/mp4", ".m4v": "video/x-m4v", ".mov": "video/quicktime", ".gif": "image/gif", ".webp": "image/webp",
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
}  # fmt: skip
"""Endings of files that can hold Content Credentials, among those that Mien writes."""


def check_format(ending: str) -> None:
    """Raise UsageError for files that cannot be signed."""
    if ending.lower() not in FORMATS:
        raise UsageError(
            f"{ending} files hold no Content Credentials.", hint="Write an .mp4 or .mov, or leave c2pa out."
        )


def sign(path: Path, who: Identity, *, watermark: int | None = None, timestamp_url: str = "") -> None:
    """Put a signed manifest into a film or picture, in place, whole or not at all.

    watermark: the payload of the invisible mark that is in it. timestamp_url: asked for the time, over the network.
    Raises UsageError, OutputError, BackendError.
    """
    import c2pa

    check_format(path.suffix)
    staging = Staging(path)
    try:
        kind = FORMATS[path.suffix.lower()]
        signer = c2pa.Signer.from_info(
            c2pa.C2paSignerInfo(who.algorithm.encode(), who.certificates, who.private_key, timestamp_url or None)
        )
        stated = json.dumps(manifest(path.name, kind, watermark))
        with (
            signer,
            c2pa.Builder(stated) as builder,
            path.open("rb") as source,
            staging.path.open("w+b") as target,
        ):
            builder.sign(signer, kind, source, target)
        staging.commit()
    except c2pa.C2paError as error:
        raise BackendError(f"'{path.name}' cannot be signed: {error}.", hint=_hint(timestamp_url)) from None
    finally:
        staging.abort()


def manifest(name: str, kind: str, watermark: int | None) -> dict[str, Any]:
    """What is stated, as C2PA's JSON."""
    agent = {"name": "Mien", "version": mien.__version__}
    made = {
        "action": "c2pa.created", "digitalSourceType": SOURCE_TYPE, "softwareAgent": agent, "description": STATEMENT,
    }  # fmt: skip
    actions = [made]
    if watermark is not None:
        text = f"An invisible mark of Mien, payload {watermark}"
        actions.append({"action": "c2pa.watermarked.unbound", "softwareAgent": agent, "description": text})
    return {
        "claim_generator_info": [agent],
        "title": name,
        "format": kind,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}, "created": True}],
    }


def _hint(timestamp_url: str) -> str:
    return f"Is {timestamp_url} there?" if timestamp_url else "Check the certificate and its chain."
