"""``mien avatar``: create, show, list, remove, export and import avatars."""

from __future__ import annotations

import datetime
import hashlib
import locale
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.apps.cli import console
from mien.errors import InputError, OutputError, UsageError

if TYPE_CHECKING:
    from mien.avatar import Avatar, Consent

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

_MAX_DOCUMENT_BYTES = 256 << 20

Licence = Annotated[str, typer.Option(help="Licence of the picture, for example CC-BY-4.0.")]
ConsentBy = Annotated[str, typer.Option(help="Who allowed the use of this face.")]
ConsentScope = Annotated[str, typer.Option(help="What they allowed, in words.")]
ConsentDocument = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The signed consent; only its SHA-256 is kept.")
]
Language = Annotated[str, typer.Option(metavar="en|zh", help="Language of the report (default: the system's).")]


@app.command()
def create(
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="JPEG, PNG, WebP, AVIF, GIF or BMP.")],
    name: Annotated[str, typer.Option("--name", "-n", help="Name (default: the file's).")] = "",
    face: Annotated[int, typer.Option(help="Which face, 0 = largest.")] = 0,
    crop: Annotated[str, typer.Option(metavar="auto|none|head|bust", help="How much of the picture.")] = "auto",
    licence: Licence = "",
    consent_by: ConsentBy = "",
    consent_scope: ConsentScope = "",
    consent_document: ConsentDocument = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an avatar of the same name.")] = False,
    language: Language = "",
) -> None:
    """Make an avatar of a face in a picture and keep it."""
    from mien.portrait.build import create_avatar
    from mien.portrait.store import library
    from mien.portrait.store.manifest import check_name, name_of

    name = check_name(name) or name_of(picture.stem)
    if name and library.has(name) and not replace:
        raise UsageError(f"There is already an avatar '{name}'.", hint="Choose another --name, or add --replace.")
    consent = _consent(consent_by, consent_scope, consent_document)
    made = create_avatar(picture, name=name, face=face, crop=crop, licence=licence, consent=consent)
    kept = library.add(made, name)
    _report(kept, language)
    console.event(
        "avatar_created",
        plain=f"Avatar '{kept.name}' is ready: mien make --avatar '{kept.name}' --text \"…\" -o film.mp4",
        **_summary(kept),
    )


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="An avatar, or a .mien file or folder.")],
    sheet: Annotated[
        Path | None, typer.Option(metavar="OUT.png", help="Write a contact sheet: rest, vowels, blink, smile, turn.")
    ] = None,
    language: Language = "",
) -> None:
    """Say what an avatar is and how fit its portrait was."""
    avatar = _named_or_file(name)
    console.table("avatar", ("What", "Value"), _facts(avatar), title=avatar.name or name)
    _report(avatar, language)
    if sheet is not None:
        _write_sheet(avatar, sheet)


@app.command("list")
def list_avatars() -> None:
    """List the avatars."""
    from mien.portrait.store import library
    from mien.portrait.store.manifest import from_json

    rows = []
    for name in library.names():
        try:
            manifest, _, textures = from_json((library.folder() / name / "manifest.json").read_bytes())
            colour = textures.get("color") or {}
            size = f"{colour.get('width')}x{colour.get('height')}"
            rows.append((name, manifest.source.filename, size, manifest.readiness.get("grade", ""), manifest.licence))
        except (InputError, OSError):
            rows.append((name, "", "", "damaged", ""))
    if rows or console.is_json():
        console.table("avatars", ("Name", "Picture", "Size", "Grade", "Licence"), rows)
    else:
        console.line("There are no avatars yet. Make one with: mien avatar create PICTURE")


@app.command()
def remove(names: Annotated[list[str], typer.Argument(metavar="NAME…")]) -> None:
    """Delete avatars."""
    from mien.portrait.store import library

    for name in names:
        library.remove(name)
        console.event("avatar_removed", plain=f"Avatar '{name}' is removed.", name=name)


@app.command()
def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The avatar.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="FILE", help="Default: NAME.mien")] = None,
) -> None:
    """Write an avatar as one .mien file."""
    from mien.portrait.store import bundle, library

    avatar = library.get(name)
    file = out or Path(f"{avatar.name}{bundle.SUFFIX}")
    bundle.export(avatar, file)
    size = file.stat().st_size
    plain = f"Avatar '{avatar.name}' is in {file} ({size / 1e6:.1f} MB)."
    console.event("avatar_exported", plain=plain, name=avatar.name, file=str(file), bytes=size)


@app.command("import")
def import_avatar(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .mien file or an avatar's folder.")],
    name: Annotated[str, typer.Option("--name", "-n", help="Name (default: the one in the file).")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace an avatar of the same name.")] = False,
) -> None:
    """Check a .mien file and keep its avatar."""
    from mien.portrait.store import bundle, library
    from mien.portrait.store.manifest import name_of

    if not file.exists():
        raise InputError(f"There is no file {file}.", hint="Check the path.")
    avatar = bundle.load(file)
    kept = library.add(avatar, name or avatar.name or name_of(file.stem), replace_existing=replace)
    console.event("avatar_imported", plain=f"Avatar '{kept.name}' is imported.", **_summary(kept))


def _named_or_file(name: str) -> Avatar:
    from mien.portrait.store import bundle, library

    looks_like_path = name.endswith(bundle.SUFFIX) or os.sep in name or "/" in name
    return bundle.load(Path(name)) if looks_like_path else library.get(name)


def _consent(by: str, scope: str, document: Path | None) -> Consent:
    from mien.avatar import Consent

    digest = _hashed(document) if document else ""
    date = datetime.date.today().isoformat() if by or scope or digest else ""
    return Consent(by=by, date=date, scope=scope, document_sha256=digest)


def _hashed(document: Path) -> str:
    if not document.is_file():
        raise InputError(f"There is no file {document}.", hint="Check --consent-document.")
    if document.stat().st_size > _MAX_DOCUMENT_BYTES:
        raise InputError(f"{document} is larger than {_MAX_DOCUMENT_BYTES >> 20} MB.", hint="Name the signed document.")
    with document.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _report(avatar: Avatar, language: str) -> None:
    from mien.portrait.readiness import rows

    chinese = not console.is_json() and _language(language) == "zh"
    columns = ("项目", "测量", "评价", "建议") if chinese else ("Check", "Value", "Grade", "Advice")
    console.table("readiness", columns, rows(avatar.manifest.readiness, "zh" if chinese else "en"))


def _language(wanted: str) -> str:
    if wanted:
        return "zh" if wanted.lower().startswith("zh") else "en"
    system = next((v for k in ("LC_ALL", "LC_MESSAGES", "LANG") if (v := os.environ.get(k))), "")
    return "zh" if (system or locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


def _summary(avatar: Avatar) -> dict[str, Any]:
    width, height = avatar.size
    grade = avatar.manifest.readiness.get("grade", "")
    return {"name": avatar.name, "width": width, "height": height, "grade": grade, "crop": avatar.manifest.source.crop}


def _facts(avatar: Avatar) -> list[tuple[str, str]]:
    m, (width, height) = avatar.manifest, avatar.size
    x, y, w, h = m.source.box
    consent = ", ".join(filter(None, (m.consent.by, m.consent.scope, m.consent.date))) or "not recorded"
    facts = [
        ("Picture", f"{m.source.filename or '-'} ({m.source.width}x{m.source.height}, face {m.source.face})"),
        ("Picture's SHA-256", m.source.sha256 or "-"),
        ("Texture", f"{width}x{height}, crop {m.source.crop}: {w}x{h} at {x},{y}"),
        ("Eye distance", f"{m.head.eye_distance:.0f} px"),
        ("Licence", m.licence or "not recorded"),
        ("Consent", consent),
        ("Made by", m.generator or "-"),
        ("Format", f"version {m.schema_version}"),
    ]
    return facts + [(f"Limit: {shape}", why) for shape, why in m.limits.items()]


def _write_sheet(avatar: Avatar, file: Path) -> None:
    from PIL import Image

    from mien.lab.evaluate.sheet import contact_sheet

    if file.is_dir():
        raise OutputError(f"{file} is a folder.", hint="Name a PNG file.")
    picture = Image.fromarray(contact_sheet(avatar))
    part = file.with_name(f".part-{os.getpid()}-{file.name}")
    try:
        picture.save(part, format="PNG")
        part.replace(file)
    except OSError as error:
        raise OutputError(f"{file} cannot be written: {error.strerror or error}.", hint="Check the folder.") from None
    finally:
        part.unlink(missing_ok=True)
    console.event("sheet_written", plain=f"Contact sheet: {file}", file=str(file))
