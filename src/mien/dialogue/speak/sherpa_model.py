"""A folder with a sherpa-onnx voice: which family it is, what it speaks, who speaks in it, and how it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mien import bundles
from mien.dialogue.speak import onnx_metadata
from mien.dialogue.speak.base import Voice
from mien.dialogue.speak.request import primary
from mien.errors import InputError

_NAMES: Final = {
    "chinese": "zh", "mandarin": "zh", "english": "en", "german": "de", "french": "fr", "spanish": "es",
    "italian": "it", "portuguese": "pt", "russian": "ru", "ukrainian": "uk", "polish": "pl", "dutch": "nl",
    "japanese": "ja", "korean": "ko", "cantonese": "yue", "arabic": "ar", "hindi": "hi", "turkish": "tr",
    "vietnamese": "vi", "greek": "el", "czech": "cs", "swedish": "sv", "norwegian": "no", "danish": "da",
    "finnish": "fi", "hungarian": "hu", "romanian": "ro", "persian": "fa", "farsi": "fa", "thai": "th",
}  # fmt: skip
_KOKORO: Final = {"a": "en", "b": "en", "z": "zh", "e": "es", "f": "fr", "h": "hi", "i": "it", "j": "ja", "p": "pt"}
"""First letter of a Kokoro speaker → its language; the second is f or m."""
_KOKORO_BEST: Final = ("af_heart", "af_maple", "zf_xiaoxiao", "zf_001", "am_michael", "zm_yunxi", "zm_010")
_KOKORO_LANG: Final = {"es": "es", "fr": "fr", "hi": "hi", "it": "it", "pt": "pt-br"}
"""What Kokoro's own ``lang`` must be; English and Chinese go by its lexicons."""
_RULES: Final = ("phone", "date", "number", "new_heteronym")
_UNRANKED: Final = 55  # of a folder that the user put there
_DEFAULT_RATE: Final = {"zipvoice": 24_000, "kokoro": 24_000}
_MOST_SPEAKERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class SherpaModel:
    """A voice, or several. name: the bundle's or folder's. speakers: names (or numbers) by speaker id. rate: Hz.

    languages: primary subtags. rank: the higher, the better it sounds. rules: text rules, for Chinese texts only.
    """

    name: str
    folder: Path
    family: str
    languages: tuple[str, ...]
    speakers: tuple[str, ...]
    rate: int
    rank: int
    licence: str
    rules: tuple[Path, ...]

    @property
    def clones(self) -> bool:
        """Whether it needs a recording of the voice."""
        return self.family == "zipvoice"

    def voices(self) -> tuple[Voice, ...]:
        """``name`` alone, or ``name/speaker``."""
        if len(self.speakers) == 1:
            note = "The voice in [voices] reference." if self.clones else ""
            return (Voice(self.name, self.languages, "", self.licence, note),)
        return tuple(Voice(f"{self.name}/{s}", self.spoken_by(s), self.gender(s), self.licence) for s in self.speakers)

    def spoken_by(self, speaker: str) -> tuple[str, ...]:
        """The languages that a speaker is best in."""
        own = _KOKORO.get(speaker[:1]) if self.family == "kokoro" and speaker[2:3] == "_" else None
        return (own,) if own else self.languages

    def gender(self, speaker: str) -> str:
        """ "female", "male" or "" where the name does not tell."""
        if self.family != "kokoro" or speaker[2:3] != "_":
            return ""
        return {"f": "female", "m": "male"}.get(speaker[1], "")

    def speaker_id(self, speaker: str, language: str) -> int:
        """Number of a speaker by name; "", "female", "male" = the best for the language. Raises KeyError."""
        if speaker in self.speakers:
            return self.speakers.index(speaker)
        if speaker not in ("", "female", "male"):
            raise KeyError(speaker)
        fitting = [s for s in self.speakers if language in self.spoken_by(s)] or list(self.speakers)
        wanted = speaker or "female"
        fitting = [s for s in fitting if self.gender(s) == wanted] or fitting
        best = next((s for s in _KOKORO_BEST if s in fitting), fitting[0])
        return self.speakers.index(best)

    def settings(self, threads: int, *, chinese: bool) -> dict[str, Any]:
        """How the child is to load it: sherpa-onnx's own names for files."""
        files = _FILES[self.family](self.folder)
        rules = ",".join(str(path) for path in self.rules) if chinese else ""
        return {"family": self.family, "files": files, "threads": threads, "rules": rules}

    def options(self, language: str) -> dict[str, str]:
        """What generation is told besides text, speaker and speed."""
        if self.family != "kokoro" or language not in _KOKORO_LANG:
            return {}
        return {"lang": _KOKORO_LANG[language]}


def installed() -> tuple[SherpaModel, ...]:
    """Every voice that is here and can be read, the best first."""
    found = []
    for name, folder in bundles.installed().items():
        try:
            found.append(describe(name, folder))
        except InputError:  # said by ``describe`` when it is asked for by name
            continue
    return tuple(sorted(found, key=lambda m: (-m.rank, m.name)))


def describe(name: str, folder: Path) -> SherpaModel:
    """What lies in a folder. Raises InputError for what is no sherpa-onnx voice."""
    stamp = max((p.stat().st_mtime_ns for p in folder.iterdir()), default=0)
    return _described(name, folder, stamp)


@lru_cache(maxsize=64)
def _described(name: str, folder: Path, _stamp: int) -> SherpaModel:
    family = _family(folder)
    network = Path(_FILES[family](folder)["decoder" if family == "zipvoice" else _NETWORK[family]])
    about = onnx_metadata.read(network)
    bundle = bundles.catalogue().get(name)
    if bundle is None:
        languages = ("zh", "en") if family == "zipvoice" else _languages(name, about)
        rank, licence = _UNRANKED, about.get("license") or "not known"
    else:
        languages, rank, licence = bundle.languages, bundle.rank, bundle.licence
    return SherpaModel(
        name=name, folder=folder, family=family, languages=languages, speakers=_speakers(about),
        rate=_number(about.get("sample_rate"), _DEFAULT_RATE.get(family, 22_050)), rank=rank, licence=licence,
        rules=_rules(folder),
    )  # fmt: skip


def _family(folder: Path) -> str:
    if _some(folder, "encoder*.onnx") and _some(folder, "decoder*.onnx"):
        family = "zipvoice"
    elif (folder / "voices.bin").is_file():
        family = "kokoro"
    elif _some(folder, "model-steps-*.onnx"):
        family = "matcha"
    else:
        family = "vits"
    missing = [key for key in _NEEDED[family] if not _FILES[family](folder)[key]]
    if missing or not (folder / "tokens.txt").is_file():
        lacks = "its vocoder" if "vocoder" in missing else "an .onnx network" if missing else "tokens.txt"
        raise InputError(f"The folder {folder} is no voice for sherpa-onnx: it lacks {lacks}.")
    return family


def _vits(folder: Path) -> dict[str, str]:
    return {"model": _largest(folder, "*.onnx"), **_common(folder)}


def _matcha(folder: Path) -> dict[str, str]:
    return {"acoustic_model": _best_steps(folder), "vocoder": _vocoder(folder), **_common(folder)}


def _kokoro(folder: Path) -> dict[str, str]:
    lexicons = sorted(folder.glob("lexicon-*.txt"))
    american = [p for p in lexicons if p.name != "lexicon-gb-en.txt"]
    files = {"model": _largest(folder, "model*.onnx"), "voices": str(folder / "voices.bin"), **_common(folder)}
    return files | {"lexicon": ",".join(str(p) for p in american) or files["lexicon"]}


def _zipvoice(folder: Path) -> dict[str, str]:
    nets = {"encoder": _largest(folder, "encoder*.onnx"), "decoder": _largest(folder, "decoder*.onnx")}
    return {**nets, "vocoder": _vocoder(folder), **_common(folder)}


_FILES: Final = {"vits": _vits, "matcha": _matcha, "kokoro": _kokoro, "zipvoice": _zipvoice}
_NEEDED: Final = {
    "vits": ("model",), "matcha": ("acoustic_model", "vocoder"), "kokoro": ("model",),
    "zipvoice": ("encoder", "decoder", "vocoder"),
}  # fmt: skip
_NETWORK: Final = {"vits": "model", "matcha": "acoustic_model", "kokoro": "model"}


def _common(folder: Path) -> dict[str, str]:
    lexicon, data = folder / "lexicon.txt", folder / "espeak-ng-data"
    return {
        "tokens": str(folder / "tokens.txt"),
        "lexicon": str(lexicon) if lexicon.is_file() else "",
        "data_dir": str(data) if data.is_dir() else "",
    }


def _vocoder(folder: Path) -> str:
    return _largest(folder, "vocos*.onnx") or _largest(folder, "hifigan*.onnx")


def _best_steps(folder: Path) -> str:
    """Three steps is what the makers recommend."""
    return _largest(folder, "model-steps-3.onnx") or _largest(folder, "model-steps-*.onnx")


def _largest(folder: Path, pattern: str) -> str:
    """The largest file of a pattern, as text; "" where there is none."""
    found = [p for p in folder.glob(pattern) if p.is_file() and not _is_pointer(p)]
    return str(max(found, key=lambda p: (p.stat().st_size, p.name))) if found else ""


def _is_pointer(path: Path) -> bool:
    """Git LFS leaves a few words in the place of a large file; some archives hold such."""
    with path.open("rb") as file:
        return file.read(7) == b"version"


def _some(folder: Path, pattern: str) -> bool:
    return next(folder.glob(pattern), None) is not None


def _rules(folder: Path) -> tuple[Path, ...]:
    """Text rules of the folder in the order in which they apply; Kokoro's end in "-zh"."""
    named = [folder / f"{rule}{end}.fst" for end in ("", "-zh") for rule in _RULES]
    return tuple(path for path in named if path.is_file())


def _speakers(about: Mapping[str, str]) -> tuple[str, ...]:
    """Their names, or numbers where the network does not name them."""
    count = min(max(_number(about.get("n_speakers"), 1), 1), _MOST_SPEAKERS)
    names = [n.strip() for n in about.get("speaker_names", "").split(",") if n.strip()]
    return tuple(names) if len(names) == count else tuple(str(i) for i in range(count))


def _languages(name: str, about: Mapping[str, str]) -> tuple[str, ...]:
    """From the network's notes: its espeak-ng voice, the languages named, the folder's name ("…-de_DE-…")."""
    said = about.get("language", "").lower()
    named = [code for word, code in _NAMES.items() if re.search(rf"\b{word}\b", said)]
    if named:
        return tuple(dict.fromkeys(named))
    in_name = re.search(r"(?:^|-)([a-z]{2,3})_[A-Z]{2}(?:-|$)", name)
    code = in_name[1] if in_name else about.get("voice", "")
    return (primary(code),) if re.fullmatch(r"[a-z]{2,3}(-.*)?", code) else ("en",)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.strip().isdigit() and len(text) < 10 else default
