"""Draws the pictures of the studio's templates: src/mien/apps/studio/templates/*.webp.

python scripts/make_pictures.py [--chromium FILE] [--svg FOLDER] [NAME...]

They are drawn by scripts/pictures/*.py as SVG; Chromium, which knows all of its filters, makes pixels of it, and Pillow
packs them. ``--svg`` keeps the drawings, to open them in Inkscape or a browser.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from pictures import cards, guest, landscape, logo, room
from PIL import Image

ROOT = Path(__file__).parents[1] / "src" / "mien" / "apps" / "studio"
PICTURES: dict[str, tuple[Callable[[], str], float, int]] = {
    "tea-garden": (landscape.tea_garden, 1.2, 84),
    "tea-room": (room.upright, 1.2, 84),
    "study": (room.wide, 1.1, 84),
    "leaves": (cards.plant, 1.5, 86),
    "kettle": (cards.kettle, 1.5, 86),
    "scales": (cards.scales, 1.5, 86),
    "hourglass": (cards.hourglass, 1.5, 86),
    "cup": (cards.cup, 1.5, 86),
    "guest": (guest.guest, 1.0, 90),
    "logo": (logo.logo, 1.0, 90),
}
"""Name → what draws it, pixels of the file for one of the drawing, quality."""


def main() -> None:
    """Draw all, or those named."""
    wanted = argparse.ArgumentParser()
    wanted.add_argument("names", nargs="*")
    wanted.add_argument("--chromium", default=shutil.which("chromium") or "chromium")
    wanted.add_argument("--svg", type=Path)
    wanted.add_argument("--out", type=Path, default=ROOT / "templates")
    options = wanted.parse_args()
    for name in options.names or PICTURES:
        draw, scale, quality = PICTURES[name]
        svg = draw()
        if options.svg:
            options.svg.mkdir(parents=True, exist_ok=True)
            (options.svg / f"{name}.svg").write_text(svg, encoding="utf-8")
        picture = pixels(svg, scale, options.chromium)
        opaque = picture.getchannel("A").getextrema()[0] == 255
        target = options.out / f"{name}.webp"
        (picture.convert("RGB") if opaque else picture).save(target, quality=quality, method=6)
        print(f"{target.name}: {picture.width}x{picture.height}, {target.stat().st_size // 1000} kB")  # noqa: T201


def pixels(svg: str, scale: float, chromium: str) -> Image.Image:
    """What Chromium makes of a drawing. scale: pixels for one of its own."""
    width, height = (int(svg.split(f'{side}="', 1)[1].split('"', 1)[0]) for side in ("width", "height"))
    fonts = ROOT.parents[1] / "stage" / "type" / "data" / "MienSansLatin-Bold.ttf"
    face = f"@font-face{{font-family:'Mien Sans Latin';font-weight:700;src:url('{fonts.as_uri()}')}}"
    page = f"<!doctype html><style>{face}html,body{{margin:0}}svg{{display:block}}</style>{svg}"
    with tempfile.TemporaryDirectory() as folder:
        html, png = Path(folder) / "page.html", Path(folder) / "page.png"
        html.write_text(page, encoding="utf-8")
        subprocess.run(  # noqa: S603 - the browser that the caller named
            [
                chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic",
                f"--user-data-dir={folder}/profile", "--default-background-color=00000000",
                "--allow-file-access-from-files", f"--force-device-scale-factor={scale}",
                f"--window-size={width},{height}", f"--screenshot={png}", html.as_uri(),
            ],
            check=True, capture_output=True,
        )  # fmt: skip
        with Image.open(png) as picture:
            return picture.convert("RGBA")


if __name__ == "__main__":
    main()
