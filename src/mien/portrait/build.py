"""From a picture to an avatar: the whole of stage 4 in one call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

import mien
from mien.avatar import Avatar, Consent, Manifest, Source
from mien.errors import UsageError
from mien.portrait import image as images
from mien.portrait.base import FaceGeometry
from mien.portrait.crop import CROPS, Texture, cut_texture
from mien.portrait.store import library
from mien.portrait.store.manifest import check_name

GENERATOR: Final = f"mien {mien.__version__}"


def create_avatar(
    source: Path | bytes,
    *,
    name: str = "",
    face: int = 0,
    crop: str = "auto",
    licence: str = "",
    consent: Consent | None = None,
    filename: str = "",
) -> Avatar:
    """Make an avatar of one face in a picture.

    source: a picture file, or its content. face: which one, 0 = largest. crop: "auto", "none", "head" or "bust".
    filename: what to call the source when it comes as bytes. Raises InputError when the picture cannot be read,
    PortraitRefused when no avatar can be made of it, UsageError for wrong options.
    """
    from mien.portrait.find.faces import choose_face
    from mien.portrait.find.features import eye_distance
    from mien.portrait.find.segment import portrait_matte
    from mien.portrait.readiness import assess
    from mien.portrait.rig.build import build_rig

    _check_options(name, face, crop)
    picture = images.load_picture(source, filename)
    points = choose_face(picture.rgb, face).points
    assess(picture.rgb, points, source_scale=picture.scale).refuse_if_unfit()
    texture = cut_texture(picture, points, crop)
    matte = portrait_matte(texture.rgb, texture.points, texture.matte)
    scale = eye_distance(texture.points) / eye_distance(points) * picture.scale
    readiness = assess(texture.rgb, texture.points, matte, source_scale=scale)
    rig = build_rig(texture.rgb, FaceGeometry(texture.points.astype(np.float32), matte))
    manifest = Manifest(
        name=check_name(name),
        source=_source(picture, texture, face),
        head=rig.head,
        readiness=readiness.as_dict(),
        extra=rig.extra,
        limits=rig.limits,
        licence=licence,
        consent=consent or Consent(),
        generator=GENERATOR,
    )
    return Avatar(manifest, rig.arrays, rig.textures)


def cached_avatar(
    source: Path | bytes,
    *,
    face: int = 0,
    crop: str = "auto",
    filename: str = "",
    tell: Callable[[str], None] | None = None,
) -> Avatar:
    """As :func:`create_avatar`, but a picture seen before with the same options comes from the cache.

    tell: called with one line when an avatar has to be made (it takes a second or two). Raises as create_avatar.
    """
    _check_options("", face, crop)
    data = source if isinstance(source, bytes) else images.read_source(source)
    label = filename or ("" if isinstance(source, bytes) else Path(source).name)
    key = library.cache_key(hashlib.sha256(data).hexdigest(), {"face": face, "crop": crop, "better": _better_mesh()})
    avatar = library.from_cache(key)
    if avatar is None:
        if tell:
            tell(f"Making an avatar of {label or 'the portrait'}.")
        avatar = create_avatar(data, face=face, crop=crop, filename=label)
        library.to_cache(key, avatar)
    found = replace(avatar.manifest.source, filename=label)
    return Avatar(replace(avatar.manifest, source=found), avatar.arrays, avatar.textures)


def _better_mesh() -> bool:
    """Whether the optional landmark net is here: an avatar made without it is made anew."""
    from mien import models
    from mien.portrait.find.landmarks import LANDMARKER

    return models.cached(LANDMARKER) is not None


def _check_options(name: str, face: int, crop: str) -> None:
    check_name(name)
    if face < 0:
        raise UsageError("Faces are counted from 0, the largest.", hint="Use --face 0, --face 1 and so on.")
    if crop not in CROPS:
        raise UsageError(f"There is no crop '{crop}'.", hint=f"Choose one of {', '.join(CROPS)}.")


def _source(picture: images.Picture, texture: Texture, face: int) -> Source:
    x, y, w, h = texture.box
    w, h = min(w, picture.width - x), min(h, picture.height - y)
    return Source(picture.sha256, picture.filename, picture.width, picture.height, face, texture.crop, (x, y, w, h))
