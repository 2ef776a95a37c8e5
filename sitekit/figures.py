"""Figures in the site's own colours: one SVG that follows the light/dark switch.

Matplotlib draws with stand-in colours; each becomes a CSS variable afterwards.
"""

from __future__ import annotations

import html
import io
import re

INK, GRID, PAPER = "#0a0b0c", "#0d0e0f", "#f1f2f3"
SERIES = ["#a1b001", "#a1b002", "#a1b003", "#a1b004", "#a1b005", "#a1b006"]
COLOURS = {
    INK: "currentColor",
    GRID: "var(--fig-grid)",
    PAPER: "var(--fig-paper)",
    "#ffffff": "var(--fig-paper)",
    **{colour: f"var(--fig-{number})" for number, colour in enumerate(SERIES, 1)},
}


def rc() -> dict:
    """Return Matplotlib settings. C0 becomes the site's *kept* colour, C1 its *dropped* colour."""
    from cycler import cycler

    return {
        "backend": "svg",
        "svg.fonttype": "none",  # text stays text, in the site's own font
        "svg.hashsalt": "site",  # stable ids
        "font.size": 10.5,
        "figure.figsize": (5.6, 3.2),
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "savefig.facecolor": "none",
        "savefig.bbox": "tight",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": INK,
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": GRID,
        "grid.linewidth": 0.6,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "patch.edgecolor": INK,
        "hatch.color": INK,
        "hatch.linewidth": 0.6,
        "lines.linewidth": 2.0,
        "legend.frameon": False,
        "axes.prop_cycle": cycler(color=SERIES),
    }


def svg_of(figure, prefix: str) -> str:
    """Return a figure as one line of SVG whose ids start with `prefix`."""
    buffer = io.StringIO()
    none = {"Date": None, "Creator": None, "Format": None, "Type": None}
    figure.savefig(buffer, format="svg", metadata=none)
    return themed(buffer.getvalue(), prefix)


def themed(svg: str, prefix: str) -> str:
    """Return Matplotlib's SVG with CSS colours, own ids and no size, on one line."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(
        r"font-family:[^;\"]*; ?", "", svg
    )  # the site's style sheet says which
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    svg = _with_short_ids(svg, prefix)
    for stand_in, css in COLOURS.items():
        svg = svg.replace(stand_in, css)
    foreign = sorted(set(re.findall(r"#[0-9a-f]{6}\b", svg)) - {"#000000"})
    if foreign:
        raise ValueError(
            f"the figure has colours {foreign} that cannot follow the scheme; use C0 to C5"
        )
    svg = svg.replace("#000000", "currentColor")
    svg = re.sub(r'\s(?:width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(
        r' xmlns(?::xlink)?="[^"]*"| version="1.1"|stroke-dashoffset: ?0;? ?', "", svg
    )
    coordinates = r' (?:d|x|y|width|height|viewBox)="[^"]*"|translate\([^)]*\)'
    svg = re.sub(coordinates, _shorter, svg)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.S)
    svg = svg.replace("<svg ", '<svg stroke-linejoin="round" stroke-linecap="butt" ', 1)
    svg = re.sub(r'style="([^"]*)"', lambda m: re.sub(r"([:;]) ", r"\1", m[0]), svg)
    svg = re.sub(r"(<t(?:ext|span)\b[^>]*?);?fill:currentColor", r"\1", svg)
    svg = re.sub(
        r'<path d="[^"]*" style="fill:none"/>', "", re.sub(r">\s+<", "><", svg)
    )
    svg = _without_idle_groups(svg)
    svg = re.sub(r"<g( [^>]*)?>((?:<use [^>]*/>)+)</g>", _with_one_style, svg)
    return re.sub(r"\s*\n\s*", " ", svg).strip()


def _with_short_ids(svg: str, prefix: str) -> str:
    """Keep only the ids that are used, and number them after `prefix`.

    xlink:href stays: Material's instant navigation writes to every `href` and fails on <use>.
    """
    used = dict.fromkeys(re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', svg))
    names = {old: f"{prefix}{number}" for number, old in enumerate(used)}

    def rename(match: re.Match) -> str:
        return f' id="{names[match[1]]}"' if match[1] in names else ""

    svg = re.sub(r'\sid="([^"]+)"', rename, svg)
    return re.sub(r'(xlink:href="#|url\(#)([^")]+)', lambda m: m[1] + names[m[2]], svg)


def _without_idle_groups(svg: str) -> str:
    """Remove groups without attributes: they group nothing for anybody."""
    kept, parts = [], []
    for part in re.split(r"(<g(?: [^>]*)?>|<g/>|</g>)", svg):
        if part.startswith("<g") and not part.endswith("/>"):
            kept.append(part != "<g>")
        idle = part == "<g/>" or (part in ("<g>", "</g>") and not kept[-1])
        if not idle:
            parts.append(part)
        if part == "</g>":
            kept.pop()
    return "".join(parts)


def _with_one_style(match: re.Match) -> str:
    """Say the style of a group of markers once, if they have only one."""
    styles = set(re.findall(r' style="([^"]*)"', match[2]))
    if len(styles) != 1 or "style=" in (match[1] or ""):
        return match[0]
    uses = re.sub(r' style="[^"]*"', "", match[2])
    return f'<g{match[1] or ""} style="{styles.pop()}">{uses}</g>'


def _shorter(match: re.Match) -> str:
    """Round to a tenth of a point: what is below cannot be seen, but it weighs."""
    short = re.sub(r"\d+\.\d+", lambda m: f"{float(m[0]):.1f}", match[0])
    return re.sub(r"\.0\b", "", short)


def element(svg: str, alt: str, caption: str) -> str:
    """Return the HTML of a figure with its alternative text."""
    label = html.escape(alt)
    svg = svg.replace(
        "<svg ", f'<svg class="figure__svg" role="img" aria-label="{label}" ', 1
    )
    caption = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f'<figure class="figure" data-search-exclude>{svg}{caption}</figure>'
