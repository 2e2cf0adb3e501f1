"""`python -m deploy.pictures`: the README's pictures, from var/shots into docs/images, made small. `make shots` draws them first."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SHOTS, IMAGES = ROOT / "var" / "shots", ROOT / "docs" / "images"
NAMES = {"readme-home-375x812": "home", "readme-review-1440x900": "review", "readme-tablet-1180x820": "tablet"}
COLOURS = 128  # of a page: flat areas and text need no more


def main() -> int:
    """Copy each with few colours; says which one was not drawn."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    missing = [name for name in NAMES if not (SHOTS / f"{name}.png").exists()]
    for drawn, name in NAMES.items():
        if drawn not in missing:
            with Image.open(SHOTS / f"{drawn}.png") as picture:
                picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)
    if missing:
        print(f"✗ Not drawn: {', '.join(missing)}. Run `make shots`.", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
