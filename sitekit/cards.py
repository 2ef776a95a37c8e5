"""Pictures that stand for pages in link previews, drawn with Pillow, which Matplotlib brings."""

from __future__ import annotations

import functools
import io
import random

from PIL import Image, ImageColor, ImageDraw, ImageFont

from . import pages

SIZE = (1200, 630)
# The colours of the day in docs/assets/site.css.
PAPER, RULE, INK, GREY, ACCENT = "#fdfcf9", "#dcd8ce", "#1c1f22", "#565a5f", "#0a6354"
KEPT, DROPPED = "#1f55a5", "#a9430a"


@functools.cache
def card(title: str, section: str, site: str) -> bytes:
    """Return the picture of a page as PNG: its title, where it stands, a mask of its own."""
    image = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((80, 80), site, ACCENT, _font("serif-display", 38))
    for size in (76, 64, 52, 44):
        lines = _wrapped(title, _font("serif-display", size), 780)
        if len(lines) * size * 1.2 <= 310:
            break
    for number, line in enumerate(lines):
        at = (80, 166 + number * size * 1.2)
        draw.text(at, line, INK, _font("serif-display", size))
    draw.line((80, 500, 860, 500), RULE, 2)
    draw.text((80, 522), section, GREY, _font("sans", 30))
    rng = random.Random(title)
    for number in range(21):
        x, y = 942 + 66 * (number % 3), 88 + 66 * (number // 3)
        if rng.random() < 0.8:
            draw.rectangle((x, y, x + 45, y + 45), KEPT)
            continue
        draw.rectangle((x, y, x + 45, y + 45), None, DROPPED, 4)
        draw.line((x + 2, y + 2, x + 43, y + 43), DROPPED, 4)
        draw.line((x + 2, y + 43, x + 43, y + 2), DROPPED, 4)
    made = io.BytesIO()
    image.quantize(palette=_palette(), dither=Image.Dither.NONE).save(made, "PNG")
    return made.getvalue()


@functools.cache
def _palette():
    """Return few colours, for a small file: those above, and steps to the paper for letters."""
    paper = ImageColor.getrgb(PAPER)
    steps = {INK: 6, GREY: 4, ACCENT: 4, RULE: 1, KEPT: 1, DROPPED: 1}
    colours = list(paper)
    for name, count in steps.items():
        for step in range(1, count + 1):
            pairs = zip(paper, ImageColor.getrgb(name))
            colours += [round(a + (b - a) * step / count) for a, b in pairs]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours)
    return palette


@functools.cache
def _font(name: str, size: int):
    path = str(pages.DOCS / "assets" / "fonts" / f"page-{name}.woff2")
    # The simple layout: the other one needs a library that not every machine has.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


def _wrapped(text: str, font, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        fits = font.getlength(longer) <= width or not lines[-1]
        lines[-1:] = [longer] if fits else [lines[-1], word]
    return lines
