"""What requests hold and what is answered, with bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(max_length=120, pattern=r"^[^/\\\x00-\x1f]*$")]
Language = Annotated[str, Field(max_length=35, pattern=r"^(auto|[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*)?$", examples=["zh"])]
_COLOUR = "(#[0-9A-Fa-f]{3}|#[0-9A-Fa-f]{6}|[a-z]{3,30})"
Backdrop = Annotated[
    str,
    Field(
        max_length=100, pattern=rf"^(|source|blur|transparent|{_COLOUR}|{_COLOUR},{_COLOUR}|picture:\w[\w .-]*)$",
        description="source (the portrait's own), blur, transparent, a colour, two from top to bottom with a comma, or "
        "picture:NAME as /api/backgrounds lists it.", examples=["#20304f"],
    ),
]  # fmt: skip
VoiceName = Annotated[
    str,
    Field(
        max_length=200, pattern=r"^([\w :+()-]+([./][\w :+()-]+)*)?$",
        description="As /api/voices lists it, '' = the best here for the language.", examples=["zh-CN-XiaoxiaoNeural"],
    ),
]  # fmt: skip
Emotion = Literal["neutral", "happy", "sad", "angry", "surprised", "tender", "serious"]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class Strict(BaseModel):
    """Nothing that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True)


class FaceDials(Strict):
    """How the face moves; what is absent is as the server has it."""

    style: Literal["serious", "lively", "cartoon"] | None = None
    emotion: Emotion | None = None
    lip_strength: float | None = Field(default=None, ge=0, le=2)
    head_motion: float | None = Field(default=None, ge=0, le=2)
    blink_rate: float | None = Field(default=None, ge=0, le=2)
    smoothing: float | None = Field(default=None, ge=0, le=1)
    voice_expression: float | None = Field(default=None, ge=0, le=1)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)


class HearingWish(Strict):
    """How the visitor is listened to."""

    language: Language = ""
    hands_free: bool = Field(default=True, description="Speech begins turns; else only the button does.")
    barge_in: bool | None = Field(default=None, description="Whether speaking over the avatar stops it.")
    silence: float | None = Field(default=None, ge=0.1, le=5, description="Seconds without speech that end a turn.")
    denoise: bool | None = None


class SessionWish(Strict):
    """What a visitor wishes for; everything may be left out."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"language": "en", "face": {"head_motion": 1.2}}]}
    )

    avatar: Name = Field(default="", description="As /api/avatars lists it.")
    voice: VoiceName = ""
    language: Language = ""
    background: Backdrop = ""
    alpha: bool = Field(
        default=False, description="Transparent pictures: alpha as grey below the colours in one video."
    )
    face: FaceDials = FaceDials()
    persona: Name = Field(default="", description="As /api/personas lists it.")
    visitor: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")] = Field(
        default="", description="A name for the memory of this visitor, where the server keeps one."
    )
    hearing: HearingWish = HearingWish()


class PersonaInfo(BaseModel):
    """Who answers."""

    name: str
    greeting: str
    language: str


class HearingInfo(BaseModel):
    """Who listens. backend: "" = nobody here understands words; note says what mends that."""

    backend: str
    languages: list[str]
    note: str


class IceServer(BaseModel):
    """As browsers take it."""

    urls: str
    username: str = ""
    credential: str = ""


class SessionInfo(BaseModel):
    """A session that was opened."""

    id: str
    avatar: str
    size: tuple[int, int]
    fps: float
    persona: PersonaInfo
    hearing: HearingInfo
    voice: str
    language: str
    alpha: bool
    memory: str = Field(description="Whether visitors may be remembered: off, ask or on.")
    webrtc: bool = Field(description="Whether /offer works here; the media WebSocket always does.")
    ice_servers: list[IceServer]


class TallyInfo(BaseModel):
    """What became of what somebody who watches was given. state: opening, live, retrying, failed or closed."""

    id: str
    kind: str
    about: dict[str, Any]
    frames: int
    ticks: int
    rows: int
    lost_frames: int
    lost_ticks: int
    lost_rows: int
    cut_frames: int
    waiting: int
    sent_bytes: int
    connects: int
    state: str
    reason: str


class CountsInfo(BaseModel):
    """What a session did. frames: moments. repeated: of those, with an old picture."""

    frames: int
    repeated: int
    turns: int
    cuts: int
    jumps: int


class SessionState(BaseModel):
    """How a session is. tick: 1/48000 s since it began. watching: who sees its pictures over WebRTC or WebSocket."""

    id: str
    state: str = Field(description="idle, thinking or speaking.")
    tick: int
    puppet: bool
    watching: int
    counts: CountsInfo
    viewers: list[TallyInfo]


class PuppetWish(Strict):
    """Puppet mode on or off."""

    on: bool = True


class Done(BaseModel):
    """It is done."""

    ok: bool = True


class Offer(Strict):
    """A session description of the browser, after ICE gathering."""

    sdp: str = Field(min_length=1, max_length=64 * 1024)
    type: Literal["offer"]


class Answer(BaseModel):
    """The server's session description."""

    sdp: str
    type: Literal["answer"]
