"""Content Credentials: a signed statement in the film of what it is and what made it (docs/trust.md)."""

from __future__ import annotations

from pathlib import Path

from mien.config import TrustConfig


def check(ending: str, settings: TrustConfig) -> None:
    """Raise what :func:`sign_if_wanted` would raise for a file of that ending, as far as is cheap."""
    if settings.c2pa:
        from mien.transmit.provenance import identity, sign

        sign.check_format(ending)
        identity.identity(settings.certificate, settings.private_key)


def sign_if_wanted(film: Path, settings: TrustConfig, watermark: int | None) -> None:
    """Sign a finished film where the settings want it. watermark: the payload of its invisible mark, None = none."""
    if settings.c2pa:
        from mien.transmit.provenance import identity, sign

        who = identity.identity(settings.certificate, settings.private_key)
        sign.sign(film, who, watermark=watermark, timestamp_url=settings.timestamp_url)
