"""Settings: one TOML file, ``MIEN_*`` variables, flags on top; one frozen object per stage.

Later wins: what the code says, then ``mien.toml``, then the environment (``MIEN_FACE_STYLE=cartoon`` sets ``style``
of ``[face]``), then :func:`override` with what a command's flags gave. A wrong name or value is refused with the
place it stands in, the key and what is allowed.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from mien.errors import MienError, UsageError
from mien.timeline import parse_fps

FILE_NAME: Final = "mien.toml"
_MAX_FILE_BYTES: Final = 1 << 20
_PATH_VARIABLES: Final = frozenset(
    {
        "MIEN_CACHE_DIR", "MIEN_DATA_DIR", "MIEN_CONFIG", "MIEN_DEBUG", "MIEN_OFFLINE", "MIEN_THINK_KEY",
        "MIEN_SERVE_TOKEN",
    }
)  # fmt: skip
"""Not settings: places, a key and a token, which never stand in a file."""
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})
_SIZE: Final = re.compile(r"auto|\d{2,5}p?|\d{2,5}x\d{2,5}")
_PAYLOAD: Final = re.compile(r"|auto|\d{1,10}")
_ASPECT: Final = re.compile(r"auto|\d{1,3}:\d{1,3}")
_CAPTIONS: Final = re.compile(r"none|both|(srt|vtt|ass)(,(srt|vtt|ass))*")


def _number(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"low": low, "high": high})


def _choice(default: str, *others: str) -> Any:
    return field(default=default, metadata={"choices": (default, *others)})


def _pattern(default: str, pattern: re.Pattern[str], example: str) -> Any:
    return field(default=default, metadata={"pattern": pattern, "example": example})


@dataclass(frozen=True, slots=True)
class SpeakConfig:
    """``[speak]``. language: BCP 47 code or "auto". voice: "" = the best for the language. rate: 0.5…2.

    pitch: -1…1. volume: 0…2. lexicon: TOML file of pronunciations, "" = none. backend: entry point of ``mien.speak``,
    or "auto" = the best here for the language. A voice may name its back end: "edge:zh-CN-XiaoxiaoNeural".
    fallback: whether the embedded voice speaks when the chosen one cannot.
    """

    backend: str = "espeak"
    language: str = "auto"
    voice: str = ""
    rate: float = _number(1.0, 0.5, 2.0)
    pitch: float = _number(0.0, -1.0, 1.0)
    volume: float = _number(1.0, 0.0, 2.0)
    lexicon: str = ""
    fallback: bool = False


@dataclass(frozen=True, slots=True)
class VoicesConfig:
    """``[voices]``: what the natural voices need. Keys come from the environment only (``OPENAI_API_KEY``).

    reference: a recording of the voice to clone. reference_text: its words. reference_language: their code.
    instruction: how to speak, in words, for servers that take such. threads: for sherpa-onnx. *_url: where a server
    answers. cosyvoice_rate: Hz of its raw sound. cosyvoice_speaker: a speaker of its own by default. timeout: seconds
    without a byte before a server is given up.
    """

    reference: str = ""
    reference_text: str = ""
    reference_language: str = "auto"
    instruction: str = ""
    threads: int = _number(2, 1, 64)
    openai_url: str = "https://api.openai.com/v1"
    openai_model: str = "gpt-4o-mini-tts"
    openai_format: str = _choice("wav", "pcm", "mp3")
    gptsovits_url: str = "http://127.0.0.1:9880"
    cosyvoice_url: str = "http://127.0.0.1:50000"
    cosyvoice_rate: int = _number(24_000, 8_000, 48_000)
    cosyvoice_speaker: str = ""
    timeout: float = _number(60.0, 1.0, 600.0)


@dataclass(frozen=True, slots=True)
class HearConfig:
    """``[hear]``: who listens to visitors. Keys come from the environment only (``OPENAI_API_KEY``).

    backend: entry point of ``mien.hear``, also with a model ("sherpa:sense-voice"), or "auto" = the best here for the
    language. language: BCP 47 code, or "auto" = whatever is spoken. model: the back end's own name. openai_url: base
    address of a transcription server, "" = as the voices have it. timeout: seconds that it may take. threads: for
    sherpa-onnx. silence: seconds without speech after which a turn is over. barge_in: whether speaking over the avatar
    stops it. denoise: whether noise is taken away before speech is looked for.
    """

    backend: str = "auto"
    language: str = "auto"
    model: str = ""
    openai_url: str = ""
    openai_model: str = "gpt-4o-mini-transcribe"
    timeout: float = _number(15.0, 1.0, 120.0)
    threads: int = _number(2, 1, 64)
    silence: float = _number(0.36, 0.1, 5.0)
    barge_in: bool = True
    denoise: bool = False


@dataclass(frozen=True, slots=True)
class ThinkConfig:
    """``[think]``: who answers. The key comes from the environment only (``MIEN_THINK_KEY``, ``OPENAI_API_KEY``).

    backend: entry point of ``mien.think``, or "auto": openai where a url is given, else documents. url: base address of
    an OpenAI-compatible server, "" = none. model: its name for it, "" = the only one it has. documents: a folder or
    file to answer from. persona: name or TOML file. memory: of visitors: "off", "ask" (of who agrees), "on". keep_days:
    how long after the last visit. first_timeout, timeout: seconds until an answer begins, and between two pieces.
    """

    backend: str = "auto"
    url: str = ""
    model: str = ""
    documents: str = ""
    persona: str = ""
    memory: str = _choice("off", "ask", "on")
    keep_days: int = _number(90, 1, 3650)
    first_timeout: float = _number(20.0, 0.1, 600.0)
    timeout: float = _number(10.0, 0.1, 600.0)


@dataclass(frozen=True, slots=True)
class FaceConfig:
    """``[face]``. The dials of :class:`mien.face.base.FaceSettings`, and backend: entry point of ``mien.face``.

    backend "auto": phones for a voice that tells exactly when each sound is spoken, listen for every other. lip_model:
    file of a network of one's own for listen, calibration: file that keeps what it learned about a voice; "" = none.
    """

    backend: str = "auto"
    style: str = _choice("lively", "serious", "cartoon")
    emotion: str = _choice("neutral", "happy", "sad", "angry", "surprised", "tender", "serious")
    seed: int = _number(0, 0, 2**32 - 1)
    lip_strength: float = _number(1.0, 0.0, 2.0)
    head_motion: float = _number(1.0, 0.0, 2.0)
    blink_rate: float = _number(1.0, 0.0, 2.0)
    smoothing: float = _number(0.35, 0.0, 1.0)
    voice_expression: float = _number(1.0, 0.0, 1.0)
    lip_model: str = ""
    calibration: str = ""


@dataclass(frozen=True, slots=True)
class AudioConfig:
    """``[audio]``: how a recorded voice is listened to.

    vad: entry point of ``mien.vad`` that tells speech from everything else, or "auto" (silero; energy where its network
    cannot be had). denoise: "on" lets the face listen to the sound with less noise, "film" also puts it into the film.
    phones: whether a recogniser, where it is installed (extra ``hear``), listens for phones in a recording without
    words: "on", "off", or "auto" = in recordings of up to ten minutes.
    """

    vad: str = "auto"
    denoise: str = _choice("auto", "on", "off", "film")
    phones: str = _choice("auto", "on", "off")


@dataclass(frozen=True, slots=True)
class PortraitConfig:
    """``[portrait]``. crop: how much of the picture becomes the avatar."""

    crop: str = _choice("auto", "none", "head", "bust")


@dataclass(frozen=True, slots=True)
class FilmConfig:
    """``[film]``. size: "512", "720p", "1080p", "WxH", or "auto". aspect: "9:16" …, or "auto" (as size says).

    fps: "25", "29.97", "30000/1001", or "auto". background: "source" (the portrait's own), "blur", "transparent", a
    colour, a picture or video file. encoder: "auto" (hardware where it works), "software", or a name. captions: files
    beside the film. burn_captions: how they look in the picture. caption_area: the platform whose buttons they keep
    clear of. "auto" is 720 lines in the portrait's own shape at 25 frames a second, less for GIF and WebP previews.
    """

    backend: str = "mesh"
    size: str = _pattern("auto", _SIZE, "auto, 512, 720p, 1080p or 640x480")
    aspect: str = _pattern("auto", _ASPECT, "auto, 9:16, 16:9 or 1:1")
    fps: str = field(default="auto", metadata={"fps": True})
    preset: str = _choice("balanced", "fast", "best")
    background: str = "source"
    encoder: str = "auto"
    captions: str = _pattern("srt", _CAPTIONS, "srt, vtt, ass, srt,ass, both or none")
    burn_captions: str = _choice("none", "plain", "box", "karaoke", "big-word")
    caption_area: str = _choice("none", "tiktok", "douyin", "reels", "shorts", "bilibili")


@dataclass(frozen=True, slots=True)
class TrustConfig:
    """``[trust]``: what makes films answerable. A moderation key comes from the environment only (``OPENAI_API_KEY``).

    watermark: the invisible mark's payload, 0…4294967295, "auto" = of the portrait and the words, "" = no mark.
    key_file: its secret key, "" = what every Mien knows. label: words in a corner, "auto" = that it is made by a
    machine, "" = none. c2pa: whether films are signed with Content Credentials. certificate, private_key: PEM files,
    "" = made by Mien itself, and untrusted. timestamp_url: of an RFC 3161 server, "" = no trusted time. strict: only
    faces and cloned voices whose people agreed. moderation: entry point of ``mien.moderate`` that checks scripts,
    "off" = nobody. moderation_url: of an OpenAI-compatible server. moderation_model: its name, "" = the server's own.
    """

    watermark: str = _pattern("", _PAYLOAD, "a number to 4294967295, or auto")
    key_file: str = ""
    label: str = ""
    c2pa: bool = False
    certificate: str = ""
    private_key: str = ""
    timestamp_url: str = ""
    strict: bool = False
    moderation: str = "off"
    moderation_url: str = "https://api.openai.com/v1"
    moderation_model: str = ""


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """``[serve]``: the studio behind the page. studio: the folder of its projects, "" = there is none. studio_quota,
    project_quota: gigabytes (10⁹ bytes) that all of it, films included, and one project may take.
    """

    studio: str = ""
    studio_quota: float = _number(20.0, 0.001, 1_000_000.0)
    project_quota: float = _number(2.0, 0.001, 1_000_000.0)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. offline: nothing is fetched. origin: the files that were read."""

    speak: SpeakConfig = field(default_factory=SpeakConfig)
    voices: VoicesConfig = field(default_factory=VoicesConfig)
    hear: HearConfig = field(default_factory=HearConfig)
    think: ThinkConfig = field(default_factory=ThinkConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    face: FaceConfig = field(default_factory=FaceConfig)
    portrait: PortraitConfig = field(default_factory=PortraitConfig)
    film: FilmConfig = field(default_factory=FilmConfig)
    trust: TrustConfig = field(default_factory=TrustConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)
    offline: bool = False
    origin: Path | None = None


_SECTIONS: Final[dict[str, type[Any]]] = {
    "speak": SpeakConfig,
    "audio": AudioConfig,
    "face": FaceConfig,
    "portrait": PortraitConfig,
    "film": FilmConfig,
    "voices": VoicesConfig,
    "hear": HearConfig,
    "think": ThinkConfig,
    "trust": TrustConfig,
    "serve": ServeConfig,
}
_C = TypeVar(
    "_C",
    SpeakConfig, VoicesConfig, HearConfig, ThinkConfig, AudioConfig, FaceConfig, PortraitConfig, FilmConfig,
    TrustConfig, ServeConfig,
)  # fmt: skip


_in_use: Final[list[Settings]] = []


def cache_dir() -> Path:
    """Folder of what can be made or fetched again (models, avatars in progress). ``MIEN_CACHE_DIR`` overrides it."""
    return _folder("MIEN_CACHE_DIR", "XDG_CACHE_HOME", ".cache", "Library/Caches", "Cache")


def data_dir() -> Path:
    """Folder of what is the user's own (avatars, ``mien.toml``). ``MIEN_DATA_DIR`` overrides it."""
    return _folder("MIEN_DATA_DIR", "XDG_DATA_HOME", ".local/share", "Library/Application Support", "")


def config_file() -> Path:
    """The settings file: ``MIEN_CONFIG``, else ``mien.toml`` in :func:`data_dir`. It need not exist."""
    named = os.environ.get("MIEN_CONFIG")
    return Path(named).expanduser() if named else data_dir() / FILE_NAME


def offline(environ: Mapping[str, str] | None = None) -> bool:
    """Whether ``MIEN_OFFLINE`` (or ``--offline``, which sets it) forbids fetching. Needs no settings file."""
    return _boolean((os.environ if environ is None else environ).get("MIEN_OFFLINE", ""), "MIEN_OFFLINE")


def load(file: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from file and environment.

    file: default :func:`config_file`; a missing file is fine unless it was named. environ: default ``os.environ``.
    Raises UsageError that names the place, the key and the fault.
    """
    if _in_use and file is None and environ is None:
        return _in_use[-1]
    environ = os.environ if environ is None else environ
    named = file is not None or "MIEN_CONFIG" in environ
    file = file or config_file()
    settings = _from_table(_read(file), str(file), file) if file.exists() or named else Settings()
    settings = _from_environment(settings, environ)
    return replace(settings, offline=True) if offline(environ) else settings


@contextmanager
def using(settings: Settings) -> Iterator[None]:
    """Within, :func:`load` gives these, in all threads of the process: for workers, which do one job at a time."""
    _in_use.append(settings)
    try:
        yield
    finally:
        _in_use.pop()


def override(config: _C, **flags: object) -> _C:
    """The same settings with flags on top; a flag that is None was not given. Raises UsageError on a bad value."""
    given = {key: value for key, value in flags.items() if value is not None}
    known = {f.name: f for f in fields(config)}
    checked = {key: _checked(value, known[key], f"--{key.replace('_', '-')}") for key, value in given.items()}
    return replace(config, **checked)


def override_named(config: _C, place: str, **flag: object) -> _C:
    """:func:`override` with one key whose flag has another name, ``place``."""
    known = {f.name: f for f in fields(config)}
    changes = {key: _checked(value, known[key], place) for key, value in flag.items() if value is not None}
    return replace(config, **changes)


def _folder(variable: str, xdg: str, home: str, mac: str, windows: str) -> Path:
    named = os.environ.get(variable)
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / mac / "mien"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "mien" / windows
    base = os.environ.get(xdg)
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / home) / "mien"


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _MAX_FILE_BYTES:
            raise UsageError(f"The settings file {file} is over 1 MB.", hint=_hint())
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"The settings file {file} does not exist.", hint="Check MIEN_CONFIG.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The settings file {file} cannot be read: {error}.", hint="Check MIEN_CONFIG.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The settings file {file} is not valid TOML: {error}.", hint=_hint()) from None


def _from_table(table: Mapping[str, Any], place: str, origin: Path) -> Settings:
    parts: dict[str, Any] = {"origin": origin}
    for section, content in table.items():
        if section == "offline":
            parts["offline"] = _boolean(content, f"{place}: offline")
        elif section not in _SECTIONS:
            raise UsageError(f"{place}: there is no section '{section}'.", hint=f"Sections: {', '.join(_SECTIONS)}.")
        elif not isinstance(content, dict):
            raise UsageError(f"{place}: '{section}' must be a section, written [{section}].")
        else:
            parts[section] = _section(section, content, place)
    return Settings(**parts)


def _section(section: str, content: Mapping[str, Any], place: str) -> Any:
    kind = _SECTIONS[section]
    known = {f.name: f for f in fields(kind)}
    for key in content:
        if key not in known:
            raise UsageError(f"{place}: [{section}] has no key '{key}'.", hint=f"Keys: {', '.join(known)}.")
    return kind(**{key: _checked(value, known[key], f"{place}: {section}.{key}") for key, value in content.items()})


def _from_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    changes: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith("MIEN_") or name in _PATH_VARIABLES:
            continue
        section, _, key = name.removeprefix("MIEN_").lower().partition("_")
        if section not in _SECTIONS:
            continue
        known = {f.name: f for f in fields(_SECTIONS[section])}
        if key not in known:
            raise UsageError(f"{name}: [{section}] has no key '{key}'.", hint=f"Keys: {', '.join(known)}.")
        part = changes.get(section, getattr(settings, section))
        changes[section] = replace(part, **{key: _checked(value, known[key], name)})
    return replace(settings, **changes)


def _checked(value: object, about: Field[Any], place: str) -> Any:
    """The value in the field's own type, checked against its limits; ``place`` leads every complaint."""
    kind = str(about.type)
    if kind == "bool":
        return _boolean(value, place)
    if kind in ("int", "float"):
        return _in_range(value, about, place, whole=kind == "int")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageError(f"{place} must be text, not {value!r}.")
    return _text(str(value).strip(), about, place)


def _in_range(value: object, about: Field[Any], place: str, *, whole: bool) -> float:
    low, high = about.metadata["low"], about.metadata["high"]
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        number: float = int(str(value)) if whole else float(value)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        noun = "a whole number" if whole else "a number"
        raise UsageError(f"{place} must be {noun} from {low:.12g} to {high:.12g}, not {value!r}.")
    return number


def _text(value: str, about: Field[Any], place: str) -> str:
    choices, pattern = about.metadata.get("choices"), about.metadata.get("pattern")
    if choices and value not in choices:
        raise UsageError(f"{place} must be one of {', '.join(choices)}, not '{value}'.")
    if pattern and not pattern.fullmatch(value):
        raise UsageError(f"{place} must look like {about.metadata['example']}, not '{value}'.")
    if about.metadata.get("fps") and value != "auto":
        try:
            parse_fps(value)
        except MienError as error:
            raise UsageError(f"{place}: {error.message}", hint=error.hint) from None
    return value


def _boolean(value: object, place: str) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise UsageError(f"{place} must be true or false, not {value!r}.")
    return word in _TRUE


def _hint() -> str:
    return "Mend the file, or point MIEN_CONFIG at another."
