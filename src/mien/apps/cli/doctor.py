"""``mien doctor``: what is here, what is missing, which command mends it."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import mien
from mien import config, models
from mien.apps.cli import console
from mien.errors import MienError, MissingError
from mien.machine import cores

OK: Final = "ok"
ADVICE: Final = "advice"
MISSING: Final = "missing"

_REINSTALL: Final = "make setup, or: pip install --force-reinstall mien"
_PACKAGES: Final = {
    "numpy": "numpy",
    "numba": "numba",
    "scipy": "scipy",
    "opencv-python-headless": "cv2",
    "pillow": "PIL.Image",
    "ai-edge-litert": "ai_edge_litert.interpreter",
    "av": "av",
    "soxr": "soxr",
    "onnxruntime": "onnxruntime",
    "espeakng-loader": "espeakng_loader",
    "typer": "typer",
    "rich": "rich",
}
_LIVE: Final = ("aiortc", "fastapi", "multipart", "uvicorn", "websockets")
_TRAINING: Final = ("torch", "onnx", "pocketsphinx")
_ENCODERS: Final = {
    "libx264": "mp4 and mov",
    "aac": "sound in mp4",
    "libvpx-vp9": "webm",
    "libopus": "sound in webm",
    "prores_ks": "ProRes 4444",
}
_NEEDED_ENCODERS: Final = frozenset({"libx264", "aac"})
_HARDWARE: Final = ("h264_nvenc", "h264_qsv", "h264_videotoolbox", "h264_amf")
_DEMO: Final = "astronaut"
_ROOM: Final = 1 << 30  # bytes of free disk and memory below which a long film may not fit


@dataclass(frozen=True, slots=True)
class Check:
    """One line. state: "ok", "advice" (works, could be better) or "missing" (the film path does not work)."""

    name: str
    state: str
    found: str
    mend: str = ""


def command() -> None:
    """Say what is here, what is missing, and which command mends it. Exit status 4 when films cannot be made."""
    found = [check for look in _LOOKS for check in look()]
    console.table("doctor", ("Name", "State", "Found", "Mend"), [(c.name, c.state, c.found, c.mend) for c in found])
    missing = [check for check in found if check.state == MISSING]
    if missing:
        names = ", ".join(check.name for check in missing)
        raise MissingError(f"Films cannot be made yet; missing: {names}.", hint=missing[0].mend, code="missing.doctor")
    console.event("ready", plain="Films can be made.", ready=True)


def _python() -> Iterator[Check]:
    about = f"mien {mien.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Check("python", OK if fits else MISSING, about, "" if fits else "Use Python 3.11, 3.12 or 3.13.")


def _packages() -> Iterator[Check]:
    for name, module in _PACKAGES.items():
        try:
            importlib.import_module(module)
            yield Check(name, OK, metadata.version(name))
        except Exception as error:  # a damaged package fails to import in many ways
            yield Check(name, MISSING, f"cannot be imported ({type(error).__name__}: {error})", _REINSTALL)


def _settings() -> Iterator[Check]:
    try:
        origin = config.load().origin
    except MienError as error:
        yield Check("settings", MISSING, error.message, error.hint)
        return
    yield Check("settings", OK, str(origin) if origin else f"defaults (no {config.config_file()})")


def _folders() -> Iterator[Check]:
    for name, folder, variable in (
        ("cache folder", config.cache_dir(), "MIEN_CACHE_DIR"),
        ("data folder", config.data_dir(), "MIEN_DATA_DIR"),
    ):
        home = _nearest(folder)
        if not os.access(home, os.W_OK):
            yield Check(name, MISSING, f"{folder} cannot be written", f"Set {variable} to a folder that can.")
            continue
        free = shutil.disk_usage(home).free
        scarce = free < _ROOM
        yield Check(
            name, ADVICE if scarce else OK, f"{folder}, {_gigabytes(free)} free", "Make room." if scarce else ""
        )


def _compiled() -> Iterator[Check]:
    """numba keeps compiled code beside the package, else in the user's cache; without either it compiles each time."""
    places = [Path(mien.__file__).parent / "render", Path.home() / ".cache"]
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        places.insert(0, Path(named))
    usable = next((place for place in places if os.access(_nearest(place), os.W_OK)), None)
    if usable:
        yield Check("compiled code", OK, f"kept in {usable}")
    else:
        yield Check(
            "compiled code",
            ADVICE,
            "kept nowhere: each start takes seconds longer",
            "Set NUMBA_CACHE_DIR to a folder that can be written.",
        )


def _models() -> Iterator[Check]:
    for model in models.catalogue().values():
        here = models.cached(model.name)
        if here:
            yield Check(f"model {model.name}", OK, f"{model.size / 1e6:.1f} MB, {model.licence}")
        elif not model.embedded:
            yield Check(f"model {model.name}", OK, "not here (optional)", _pull(model))
        elif config.offline():
            state = ADVICE if model.name == _DEMO else MISSING
            yield Check(f"model {model.name}", state, "not here, and fetching is forbidden", _pull(model))
        else:
            yield Check(f"model {model.name}", OK, "fetched on first use", _pull(model))


def _speech() -> Iterator[Check]:
    from mien.dialogue.speak.base import SpeakRequest
    from mien.plugins import load

    try:
        speaker = load("speak", "espeak")()
        try:
            samples = sum(len(part.audio.samples) for part in speaker.speak(SpeakRequest("Hello.", "en")))
            languages = len(speaker.info.languages)
        finally:
            speaker.close()
    except Exception as error:  # whatever fails, films cannot speak
        yield Check("speech (espeak-ng)", MISSING, str(error), _REINSTALL)
        return
    said = f"{languages} languages" if languages else f"speaks ({samples} samples)"
    yield Check("speech (espeak-ng)", OK if samples else MISSING, said, "" if samples else _REINSTALL)


def _voices() -> Iterator[Check]:
    """The natural voices: all optional, and none asked for anything over the network."""
    from mien.apps.cli.voice import server_state
    from mien.dialogue.speak.choose import EMBEDDED, speakers

    try:
        known = list(speakers())
    except MienError:  # the settings are wrong, which is said above
        return
    for name, speaker in known:
        if name == EMBEDDED:
            continue
        info = speaker.info
        state = server_state(speaker) if "server" in info.needs and not info.lacks else "yes"
        lacks = info.lacks or state.removeprefix("no: ") * state.startswith("no")
        found = f"not ready (optional): {lacks}" if lacks else " ".join(filter(None, ("ready.", info.leaves)))
        yield Check(f"voices {name}", OK, found, info.mend)
        speaker.close()


def _extras() -> Iterator[Check]:
    here = all(find_spec(module) for module in ("fugashi", "unidic_lite"))
    found = "reads kanji" if here else "not here (optional): Japanese in kana only"
    yield Check("extra japanese", OK, found, "" if here else "pip install 'mien[japanese]'")
    lacks = [package for package in _LIVE if not find_spec(package)]
    found = f"not here (optional): {', '.join(lacks)}, for mien serve" if lacks else "serves the page"
    yield Check("extra live", OK, found, "pip install 'mien[live]'" if lacks else "")
    lacks = [package for package in _TRAINING if not find_spec(package)]
    found = f"not here (optional): {', '.join(lacks)}, for mien train" if lacks else "trains networks"
    yield Check("extra train", OK, found, "pip install 'mien[train]'" if lacks else "")
    here = all(find_spec(module) for module in ("c2pa", "cryptography"))
    found = "signs and reads Content Credentials" if here else "not here (optional): c2pa-python, for --c2pa"
    yield Check("extra provenance", OK, found, "" if here else "pip install 'mien[provenance]'")


def _lettering() -> Iterator[Check]:
    """Words in the picture: nothing of it is needed for films without them."""
    from mien.stage.type import fonts, shape

    if shape.can_shape():
        yield Check("lettering", OK, "FriBiDi is here: captions in all scripts")
    else:
        found = "without FriBiDi no captions in the picture from right to left, nor in scripts of India and the like"
        yield Check("lettering", ADVICE, found, shape.FRIBIDI)
    emoji = fonts.fonts().pick("\N{GRINNING FACE}", 400)
    if emoji is not None and emoji.colour:
        yield Check("emoji in pictures", OK, f"coloured, {emoji.family}")
    else:
        found = "one-coloured" if emoji else "left out: no font has them"
        yield Check("emoji in pictures", OK, f"{found} (optional)", "Install a font such as fonts-noto-color-emoji.")


def _encoders() -> Iterator[Check]:
    try:
        import av
    except ImportError:  # said above, among the packages
        return
    for name, use in _ENCODERS.items():
        if name in av.codecs_available and _opens(name):
            yield Check(f"encoder {name}", OK, use)
        else:
            state = MISSING if name in _NEEDED_ENCODERS else ADVICE
            yield Check(f"encoder {name}", state, f"absent: no {use}", "pip install --force-reinstall av")
    from mien.transmit import encoders

    working = [name for name in _HARDWARE if encoders.works(name)]
    yield Check("hardware encoder", OK, ", ".join(working) or "none; libx264 is used")


def _opens(name: str) -> bool:
    import av

    try:
        av.Codec(name, "w")
    except Exception:  # PyAV's own kinds of error, one per cause
        return False
    return True


def _machine() -> Iterator[Check]:
    count = cores()
    yield Check("processor", OK, f"{count} {'core' if count == 1 else 'cores'}")
    memory = _memory()
    if memory:
        scarce = memory < _ROOM
        yield Check(
            "memory",
            ADVICE if scarce else OK,
            f"{_gigabytes(memory)} usable",
            "Keep to --size 512." if scarce else "",
        )


_LOOKS: Final[tuple[Callable[[], Iterator[Check]], ...]] = (
    _python,
    _packages,
    _settings,
    _folders,
    _compiled,
    _models,
    _speech,
    _voices,
    _extras,
    _lettering,
    _encoders,
    _machine,
)


def _memory() -> int:
    """Bytes that this process may use: the machine's, or less where a container limits it; 0 = unknown."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return total
    return min(total, int(limit)) if limit.isdigit() else total


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def _pull(model: models.ModelFile) -> str:
    return f"mien models pull {model.name}" + (" --from FILE" if model.source == "user:" else "")


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
