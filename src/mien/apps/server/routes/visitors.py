"""What is remembered of a visitor: shown to them, and erased when they say so."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from mien import config
from mien.apps.server.common import TheDesk
from mien.apps.server.faults import responses
from mien.apps.server.schemas import Strict
from mien.dialogue.think.memory import Remembered
from mien.errors import InputError

router = APIRouter(prefix="/api/visitors", tags=["memory"])

VisitorName = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_.-]+$", examples=["anna-7f3c"])]


class SaidInfo(BaseModel):
    """role: "user" or "assistant"."""

    role: str
    text: str


class MemoryInfo(BaseModel):
    """All that is kept of a visitor. Whoever knows the visitor's name may see it, so it should be hard to guess."""

    visitor: str
    mode: str = Field(description="off: nothing new is kept; ask: of those who agreed; on: of all who give a name.")
    keep_days: int = Field(description="What is kept goes by itself when the visitor has not come for so long.")
    agreed: bool
    kept: bool = Field(description="Whether there is anything.")
    facts: dict[str, str]
    summary: str
    said: list[SaidInfo]
    first: float | None = Field(description="Seconds since 1970 of the first and the last talk.")
    last: float | None


class Agreement(Strict):
    """Whether the visitor agrees to be remembered; who does not any more is forgotten at once."""

    agreed: bool = True


class Erased(BaseModel):
    """erased: whether there was anything."""

    ok: bool = True
    erased: bool


@router.get("/{visitor}/memory", responses=responses(507))
async def show(visitor: VisitorName, desk: TheDesk) -> MemoryInfo:
    """All that is kept of a visitor."""
    kept = await desk.run(desk.kept.recall, visitor)
    return _told(desk.settings.think, visitor, kept)


@router.post("/{visitor}/memory", responses=responses(409, 507))
async def agree(visitor: VisitorName, agreement: Agreement, desk: TheDesk) -> MemoryInfo:
    """Agree to be remembered, or do not any more: then everything is erased."""
    if agreement.agreed and desk.memory is None:
        raise InputError(
            "This server remembers nobody.", hint='Its settings decide: [think] memory = "ask".', code="input.conflict"
        )
    await desk.run(desk.kept.agree, visitor, agreement.agreed)
    return await show(visitor, desk)


@router.delete("/{visitor}/memory", responses=responses(507))
async def erase(visitor: VisitorName, desk: TheDesk) -> Erased:
    """Forget a visitor for good: facts, summary, what was said, and that they agreed."""
    return Erased(erased=await desk.run(desk.kept.erase, visitor))


def _told(think: config.ThinkConfig, visitor: str, kept: Remembered | None) -> MemoryInfo:
    about = kept or Remembered(visitor, agreed=False, first=0.0, last=0.0)
    return MemoryInfo(
        visitor=visitor, mode=think.memory, keep_days=think.keep_days, agreed=about.agreed, kept=kept is not None,
        summary=about.summary, facts={fact.key: fact.value for fact in about.facts},
        said=[SaidInfo(role=s.role, text=s.text) for s in about.said],
        first=kept.first if kept else None, last=kept.last if kept else None,
    )  # fmt: skip
