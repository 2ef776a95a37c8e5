"""Charts of stored results, drawn from their numbers: every one shows its 95 % intervals.

    /// chart | experiments/results/x.json gain
        alt: "what the figure shows, in a sentence"
        caption: "what to see in it"
    ///

A stored result has {"charts": {name: chart}}. A chart of kind "intervals" is
{"kind", "label", "rows": [[name, [one difference a seed]]]}; of kind "curves" it is
{"kind", "label", "x label", "scale": "linear" or "log" or "names", "series":
[[name, [x], [mean], [half-width]]]}.
"""

from __future__ import annotations

import hashlib
import json
import re
import warnings

from . import figures


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
        draw = {"intervals": _intervals, "curves": _curves}[chart["kind"]]
        made = figures.svg_of(draw(plt, chart), prefix)
        plt.close("all")
    return re.sub(r"M ([\d.]+ [\d.]+) L \1 ", r"M\1h0", made)  # the dots


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
