"""Charts of stored results, drawn from their numbers: intervals, curves, and masks.

    /// chart | experiments/results/x.json gain
        alt: "what the figure shows, in a sentence"
        caption: "what to see in it"
    ///

A stored result has {"charts": {name: chart}}. A chart of kind "intervals" is
{"kind", "label", "rows": [[name, [one difference a seed]]]}; of kind "curves" it is
{"kind", "label", "x label", "scale": "linear" or "log" or "names", "series":
[[name, [x], [mean], [half-width]]]}; of kind "masks" it is {"kind", "panel": [name, rows of
factors, what the rows are, what the columns are]}; of kind "gallery" {"kind", "panels": [such
panels, each with the address of its page]}.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import warnings

from . import figures

RECTANGLE = r"M ([\d.]+) ([\d.]+) L ([\d.]+) \2 L \3 ([\d.]+) L \1 \4 z ?"


def element(chart: dict, alt: str, caption: str) -> str:
    """Return the HTML of a chart; a gallery is a list of small ones that link to their pages."""
    if chart["kind"] != "gallery":
        return figures.element(svg(chart), alt, caption)
    cells = []
    for *panel, address in chart["panels"]:
        drawn = svg({"kind": "masks", "panel": panel, "small": True})
        drawn = drawn.replace(
            "<svg ", '<svg class="figure__svg" aria-hidden="true" ', 1
        )
        cells.append(f'<li><a href="{address}">{html.escape(panel[0])}</a>{drawn}</li>')
    label, caption = html.escape(alt), html.escape(caption)
    return (
        f'<figure class="figure gallery" data-search-exclude aria-label="{label}">'
        f"<ul>{''.join(cells)}</ul><figcaption>{caption}</figcaption></figure>"
    )


def svg(chart: dict) -> str:
    """Return a chart as the site's SVG, in its own colours."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    text = json.dumps(chart, sort_keys=True)
    prefix = f"k{hashlib.sha256(text.encode()).hexdigest()[:5]}-"
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("error")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(figures.rc() | {"path.simplify": False})
        plt.close("all")
        draw = {"intervals": _intervals, "curves": _curves, "masks": _masks}
        figure = draw[chart["kind"]](plt, chart)
        made = figures.svg_of(figure, prefix)
        plt.close("all")
    made = re.sub(r"M ([\d.]+ [\d.]+) L \1 ", r"M\1h0", made)  # the dots
    return re.sub(RECTANGLE, r"M\1 \2H\3V\4H\1z", made)  # a third of the weight


def _intervals(plt, chart: dict):
    """Rows of seeds as dots, with the mean and its interval."""
    import numpy as np
    from scipy.stats import t

    rows = chart["rows"]
    height = 0.7 + 0.42 * len(rows)
    figure, panel = plt.subplots(figsize=(5.6, height), layout="constrained")
    for place, (_, values) in enumerate(reversed(rows)):
        values = np.asarray(values, dtype=float)
        half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
        # Dots as one path of lines without length: a tenth of the weight of markers.
        x = np.column_stack([values, values, np.full(len(values), np.nan)]).ravel()
        dots = {"linewidth": 3, "solid_capstyle": "round", "color": "C2"}
        panel.plot(x, np.full(len(x), place - 0.2), **dots)
        bar = {"fmt": "s", "color": "black", "capsize": 3, "markersize": 4}
        panel.errorbar(values.mean(), place + 0.13, xerr=half, **bar)
    panel.axvline(0, color="black", linewidth=1, linestyle="--")
    panel.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
    panel.set(xlabel=chart["label"], ylim=(-0.5, len(rows) - 0.5))
    panel.grid(False, axis="y")
    return figure


def _curves(plt, chart: dict):
    """Means with error bars against x, one line and marker a series."""
    import numpy as np

    figure, panel = plt.subplots(layout="constrained")
    scale = chart.get("scale", "linear")
    styles = zip(figures.SERIES, "os^Dv*", ("-", "--", "-.", ":", "-", "--"))
    for (name, x, mean, half), (colour, marker, line) in zip(chart["series"], styles):
        places = range(len(x)) if scale == "names" else x
        style = {"color": colour, "marker": marker, "linestyle": line, "markersize": 5}
        panel.errorbar(places, mean, yerr=half, capsize=2, label=name, **style)
    x = chart["series"][0][1]
    if scale == "names":
        panel.set_xticks(range(len(x)), [str(v) for v in x])
    elif scale == "log":
        panel.set_xscale("log")
        panel.minorticks_off()
        ticks = np.asarray(x)
        panel.set_xticks(ticks, [f"{v:g}" for v in ticks])
    if len(chart["series"]) > 1:
        panel.legend()
    panel.set(xlabel=chart["x label"], ylabel=chart["label"])
    return figure


def _masks(plt, chart: dict):
    """Factors as squares: a cross is 0, the area is the size, an outline is below zero."""
    import numpy as np

    name, values, down, along = chart["panel"]
    values = np.asarray(values, dtype=float)
    size = (2.1, 2.1) if chart.get("small") else (5.6, 0.9 + 0.28 * len(values))
    figure, panel = plt.subplots(figsize=size, layout="constrained")
    frame = {"transform": figure.transFigure, "fill": False, "edgecolor": "none"}
    figure.add_artist(plt.Rectangle((0, 0), 1, 1, **frame))  # else it would be cropped
    y, x = np.indices(values.shape)
    side = 0.45 * np.sqrt(np.abs(values) / max(np.abs(values).max(), 1e-9))
    for where, style in (
        (values > 0, {"facecolor": "C0", "edgecolor": "none"}),
        (values < 0, {"facecolor": "none", "edgecolor": "C0", "linewidth": 1}),
    ):
        if where.any():
            _squares(panel, x[where], y[where], side[where], style)
    gone = values == 0
    cross = {"marker": "x", "markersize": 4, "markeredgewidth": 1, "color": "C1"}
    panel.plot(x[gone], y[gone], linestyle="none", **cross)
    panel.set(xlim=(-0.6, values.shape[1] - 0.4), ylim=(values.shape[0] - 0.4, -0.6))
    panel.set(xticks=[], yticks=[], aspect="equal", xlabel=along, ylabel=down)
    if not chart.get("small"):
        panel.set_title(name)
    panel.grid(False)
    return figure


def _squares(panel, x, y, side, style: dict) -> None:
    """Draw squares as one path: the weight of one element."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    squares = [
        Path(
            [(a - s, b - s), (a + s, b - s), (a + s, b + s), (a - s, b + s), (a, b)],
            [1, 2, 2, 2, 79],
        )
        for a, b, s in zip(x, y, side)
    ]
    panel.add_patch(PathPatch(Path.make_compound_path(*squares), **style))
