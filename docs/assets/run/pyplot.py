"""A small matplotlib.pyplot for Python in the page: it draws figures as SVG text.

What it has is called as in Matplotlib and looks as on the site (sitekit/figures.py), but
legends stand below. Whatever else it is asked for raises. The page sets `display`.
"""

import html
import math
import re

import numpy as np

shown = []
display = shown.append
_figures = []  # the open ones
_OF_PANEL = """axhline axhspan axis axvline bar bar_label barh contour errorbar
fill_between grid hist legend loglog minorticks_off plot scatter semilogx semilogy text
title xlabel xlim xscale xticks ylabel ylim yscale yticks"""
_LOOK = """color linewidth linestyle marker markersize markerfacecolor facecolor edgecolor
hatch alpha zorder label"""
_SHORT = {"c": "color", "lw": "linewidth", "ls": "linestyle", "ms": "markersize"}
_SHORT |= {"mfc": "markerfacecolor", "fc": "facecolor", "ec": "edgecolor"}
_SHORT |= {"colors": "color", "linewidths": "linewidth", "linestyles": "linestyle"}
_COLOURS = {f"C{n}": f"var(--fig-{n % 6 + 1})" for n in range(10)}
_COLOURS |= {"black": "currentColor", "k": "currentColor", "white": "var(--fig-paper)"}
_COLOURS |= {"r": "red", "g": "green", "b": "blue"}
_DASHES = {"-": [], "--": [3.7, 1.6], ":": [1, 1.65], "-.": [6.4, 1.6, 1, 1.6]}
_DASHES |= {"solid": [], "dashed": [3.7, 1.6], "dotted": [1, 1.65], "none": None}
_MARKS = {  # corners; "x" and "+" are two lines
    "s": [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)],
    "^": [(0, -1), (1, 1), (-1, 1), (0, -1)],
    "v": [(0, 1), (1, -1), (-1, -1), (0, 1)],
    "D": [(0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0), (0, -1.4)],
    "x": [(-1, -1), (1, 1), (-1, 1), (1, -1)],
    "+": [(-1, 0), (1, 0), (0, -1), (0, 1)],
}


def _lacks(what):
    end = "run the copied program with Matplotlib"
    return f"this page's small Matplotlib has no {what}; {end}"


def _pick(table, key, what):
    if key not in table:
        raise NotImplementedError(_lacks(f"{what} {key!r}"))
    return table[key]


def _strict(function):
    """Return a function that says so if it does not have an option."""

    def call(*given, **options):
        try:
            return function(*given, **options)
        except TypeError as error:
            found = re.search(r"(\w+)\(\) got an unexpected .*'(\w+)'", str(error))
            if not found:
                raise
            raise NotImplementedError(_lacks(f"{found[1]}({found[2]}=)")) from None

    return call


def __getattr__(name):
    """Hand `plt.plot` on to `plot` of the current panel, `plt.title` to `set_title`."""
    if name not in _OF_PANEL.split():
        raise AttributeError(_lacks(f"{name}()"))
    method = name if hasattr(Axes, name) else f"set_{name}"
    return lambda *given, **options: getattr(gca(), method)(*given, **options)


# ---- SVG, in points, y downwards; a box is its upper left and lower right corner ------


def _tag(name, *inside, **attributes):
    """Return an element; attributes that are None are left out."""
    words = [name]
    for key, value in attributes.items():
        if value is not None:
            value = value if isinstance(value, str) else f"{round(float(value), 1):g}"
            words.append(f'{key.replace("_", "-")}="{_plain(value)}"')
    return f"<{' '.join(words)}>{''.join(inside)}</{name}>"


def _plain(text):
    """Return a label for SVG, without the dollars of formulas and control characters."""
    text = re.sub(r"\$(.+?)\$", r"\1", str(text))
    controls = (
        r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
    )
    return html.escape(re.sub(controls, " ", text))


def _text(x, y, text, anchor=None, turn=0, color=None):
    """Return a text; the page's style colours <text>, another colour needs a <tspan>."""
    if not str(text) or not math.isfinite(x + y):
        return ""
    inside = _tag("tspan", _plain(text), fill=_colour(color)) if color else _plain(text)
    turned = f"rotate({-turn:g} {x:.1f} {y:.1f})" if turn else None
    return _tag("text", inside, x=x, y=y, text_anchor=anchor, transform=turned)


def _width(text):
    """Return about how wide a text is."""
    return sum(3.2 if letter in "fijlrtI.,:;'|!() " else 5.9 for letter in str(text))


def _colour(name):
    """Return a colour of the page, or one that CSS knows by the same name."""
    known = re.fullmatch(r"[a-z]{3,}|#[\da-fA-F]{6}", str(name))
    return _COLOURS.get(name, name) if known else _pick(_COLOURS, str(name), "colour")


def _links(points):
    """Return the straight lines (n, 2, 2) between points that follow one another."""
    return np.stack([points[:-1, :2], points[1:, :2]], axis=1)


def _between(lines, shares):
    """Return points on straight lines, at shares (n, m) of their way, as (n, m, 2)."""
    start, end = lines[:, :1], lines[:, 1:]
    return start + np.asarray(shares)[..., None] * (end - start)


def _cut(lines, box):
    """Return the parts of straight lines that lie inside a box."""
    with np.errstate(all="ignore"):
        way = np.add(box, [[-1e-6], [1e-6]])[:, None] - lines[:, 0]
        ends = way / (lines[:, 1] - lines[:, 0])
    first = np.minimum(*ends).max(axis=1).clip(0)
    last = np.maximum(*ends).min(axis=1).clip(None, 1)
    shares, found = np.stack([first, last], axis=1), first <= last
    return _between(lines[found], shares[found])


def _path(lines):
    """Return the `d` of straight lines; those that follow one another are one."""
    parts, at = [], None
    for start, end in np.round(lines, 1).tolist():
        parts.append("" if start == at else "M{:g} {:g}".format(*start))
        parts.append("L{:g} {:g}".format(*end))
        at = end
    return "".join(parts)


def _ring(left, bottom, right, top):
    """Return the corners of a rectangle, the first one twice."""
    xs, ys = [left, right, right, left, left], [bottom, bottom, top, top, bottom]
    return np.array([xs, ys], float).T


def _hatching(pattern, area):
    """Return sloping lines across a rectangle; they meet those of its neighbours."""
    (left, top), (right, bottom) = box = area.min(axis=0), area.max(axis=0)
    slope = _pick({"/": 1, "\\": -1}, "".join(set(pattern)), "hatch")
    gap, low, high = 24 / len(pattern), *sorted([slope * top, slope * bottom])
    at = gap * np.arange((left + low) // gap, (right + high) / gap)
    ends = [np.stack([at - slope * y, 0 * at + y], axis=1) for y in (top, bottom)]
    return _path(_cut(np.stack(ends, axis=1), box))


def _drawn(look, box, lines=(), marks=(), areas=()):
    """Return the elements of one artist whose shapes are on the paper, cut at a box."""
    name, wide, parts = look["color"], look.get("linewidth", 2), []
    style = {"fill": _colour(look.get("facecolor", name))}
    style |= {"stroke": _colour(look.get("edgecolor", "none"))}
    style |= {"stroke_width": look.get("linewidth")}
    for area in areas:
        if (np.clip(area, *box) != area).any():  # points near where it meets the edge
            area = _between(_links(area), [np.linspace(0, 1, 50)]).reshape(-1, 2)
        area = np.clip(area, *box)
        if np.isfinite(area).all() and np.ptp(area, axis=0).all():
            parts.append(_tag("path", d=_path(_links(area)) + "Z", **style))
            if look.get("hatch"):
                hatch = {"stroke": "currentColor", "stroke_width": 0.6}
                parts.append(_tag("path", d=_hatching(look["hatch"], area), **hatch))
    dash = _pick(_DASHES, look.get("linestyle", "-") or "none", "line style")
    style = {"fill": "none", "stroke": _colour(name), "stroke_width": wide}
    for line in lines if dash is not None else ():
        dashes = " ".join(f"{length * wide:g}" for length in dash) or None
        d = _path(_cut(_links(line), box))
        parts.append(_tag("path", d=d, stroke_dasharray=dashes, **style))
    marker, found = look.get("marker") or "none", []
    for x, y, size in np.concatenate(marks) if marks and marker != "none" else ():
        if not (np.clip((x, y), *box) - (x, y)).round(1).any():  # it is inside
            if marker in ("o", "."):
                r = size / (2 if marker == "o" else 4)
                found.append(_tag("circle", cx=x, cy=y, r=r))
            else:
                corners = np.multiply(_pick(_MARKS, marker, "marker"), size / 2)
                links = _links(np.add(corners, (x, y)))
                step = 2 if marker in ("x", "+") else 1
                found.append(_tag("path", d=_path(links[::step])))
    style["fill"] = _colour(look.get("markerfacecolor", name))
    style["stroke_width"] = 1 if lines else wide
    return [*parts, _tag("g", *found, **style)] if found else parts


# ---- one direction of a panel, or of all panels that share it -------------------------


class _Axis:
    def __init__(self):
        self.seen, self.sticky, self.names = [], set(), {}
        self.limits, self.margin, self.log = [None, None], 0.05, False
        self.fixed, self.labels, self.turn, self.flipped = None, None, 0, False

    def numbers(self, data):
        """Return data as numbers; names are at 0, 1, 2 and so on."""
        data = np.atleast_1d(data)
        if data.dtype.kind == "U":
            data = [self.names.setdefault(n, len(self.names)) for n in data.tolist()]
        return np.asarray(data, float)

    def scaled(self, values, lowest=np.nan):
        """Return values in the axis's units; a logarithm has none for zero and below."""
        values = np.where(np.isfinite(values), values, np.nan)
        return np.log10(np.where(values > 0, values, lowest)) if self.log else values

    def ends(self):
        """Return where the axis begins and ends, in its units."""
        seen = self.scaled(np.concatenate([[], *self.seen]))
        seen = seen[np.isfinite(seen)]
        low, high = (seen.min(), seen.max()) if seen.size else (0.0, 1.0)
        grow = self.margin * (high - low) if high > low else 0.05 * abs(low) or 0.05
        low -= grow * (low not in self.sticky)
        high += grow * (high not in self.sticky)
        ends = [self.scaled(np.nan if end is None else end) for end in self.limits]
        low, high = np.where(np.isnan(ends), (low, high), ends).tolist()
        high += low == high
        return (high, low) if self.flipped else (low, high)

    def place(self, values, length, lowest=np.nan):
        """Return where values are on the paper, from the axis's beginning."""
        low, high = self.ends()
        return (self.scaled(values, lowest) - low) / (high - low) * length

    def ticks(self, most):
        """Return the places of ticks and their labels."""
        low, high = sorted(self.ends())
        places, labels = self.fixed, self.labels
        if places is None and self.names:
            places, labels = list(self.names.values()), labels or list(self.names)
        elif places is None and self.log and high - low >= 1:
            powers = 10.0 ** np.arange(math.floor(low), math.ceil(high) + 1)[:, None]
            places = (powers * ([1] if high - low >= 2 else [1, 2, 5])).ravel()
        elif places is None:
            first, last = (10**low, 10**high) if self.log else (low, high)
            raw = (last - first) / most
            unit = 10.0 ** math.floor(math.log10(raw))
            step = min(n * unit for n in (1, 2, 2.5, 5, 10) if n * unit > 0.999 * raw)
            places = step * np.arange(first // step, last // step + 2) + 0.0
        labels = labels or [f"{place:g}".replace("-", "−") for place in places]
        inside = abs(2 * self.scaled(places) - low - high) < 1.000001 * (high - low)
        return [tick for tick, found in zip(zip(places, labels), inside) if found]

    def set_lim(self, low=None, high=None, **named):
        """Set one end or both; (low, high) may be one argument."""
        pair = low if np.ndim(low) else (low, high)
        pair = dict(zip(("left", "right"), pair)) | named
        for name, end in pair.items():
            i = _pick({"left": 0, "bottom": 0, "right": 1, "top": 1}, name, "limit")
            self.limits[i] = self.limits[i] if end is None else end

    def set_scale(self, value):
        self.log = _pick({"linear": False, "log": True}, value, "scale")

    def set_ticks(self, ticks=None, labels=None, rotation=0):
        self.fixed = self.fixed if ticks is None else self.numbers(ticks)
        self.labels, self.turn = None if labels is None else list(labels), rotation


# ---- artists: what one call draws -----------------------------------------------------


class _Artist:
    """A look, and shapes in the data's coordinates; those in the direction `across`
    (0: x, 1: y) are shares of the panel."""

    def __init__(self, name, options, across=None, **shapes):
        look = {_SHORT.get(key, key): value for key, value in options.items()}
        for key in look:
            _pick(dict.fromkeys(_LOOK.split()), key, f"{name}() with")
        self.look = {key: value for key, value in look.items() if value is not None}
        self.label = str(self.look.get("label", ""))
        self.named = self.label[:1] not in ("", "_")  # in legends
        self.call, self.across, self.shapes = name, across, shapes

    def svg(self, box, shapes):
        alpha = self.look.get("alpha")
        title = [_tag("title", _plain(self.label))] if self.label else []
        drawn = _drawn(self.look, box, **shapes)
        return _tag("g", *title, *drawn, fill_opacity=alpha, stroke_opacity=alpha)


def Rectangle(xy, width, height, **options):
    area = _ring(*xy, xy[0] + width, xy[1] + height)
    return _Artist("Rectangle", {"color": "C0", **options}, areas=[area])


def _chains(pairs):
    """Join pairs of neighbours to curves."""
    beside = {}
    for a, b in pairs:
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    while beside:
        chain = [min(beside, key=lambda place: len(beside[place]))]
        while beside.get(chain[-1]):
            after = beside[chain[-1]].pop()
            beside[after].remove(chain[-1])
            chain.append(after)
        beside = {place: others for place, others in beside.items() if others}
        yield chain


class _Strict:
    """What a panel and a figure have in common."""

    _key = None

    def __init_subclass__(cls):
        for name, function in list(vars(cls).items()):
            if name[0] != "_":
                setattr(cls, name, _strict(function))

    def __getattr__(self, name):
        raise AttributeError(_lacks(f"{name}()"))

    @_strict
    def legend(self, handles=None, labels=None, loc="", ncols=1, title=""):
        """Note a legend. It stands below, so `loc` and `ncols` change nothing."""
        known = [artist for panel in self._panels for _, artist in panel.artists]
        if handles is None:
            handles = [artist for artist in known if artist.named]
        elif handles and isinstance(handles[0], str):
            part = ("contour", "errorbar")  # these take no label from a list
            handles, labels = [a for a in known if a.call not in part], handles
        self._key = handles, labels or [artist.label for artist in handles], title

    def _legend(self, wide):
        """Return the height and the elements of the legend, in the rows that it needs."""
        parts, (handles, labels, title), at, y = [], self._key or ((), (), ""), 0, 7.5
        if title:
            parts, at = [_text(0, y + 3.7, title)], _width(title) + 12
        for artist, label in zip(handles, labels):
            if at and at + 26 + _width(label) > wide:
                at, y = 0, y + 15
            size = min([9, *(marks[0, 2] for marks in artist.shapes.get("marks", ()))])
            shapes = {"lines": [np.array([(at, y), (at + 20, y)])]}
            shapes |= {"areas": [_ring(at, y - 4, at + 20, y + 4)]}
            shapes |= {"marks": [np.array([(at + 10, y, size)])]}
            shapes = {kind: shapes[kind] for kind in artist.shapes}
            parts.append(artist.svg([[-np.inf] * 2, [np.inf] * 2], shapes))
            parts.append(_text(at + 26, y + 3.7, label))
            at += 42 + _width(label)
        return y + 7.5 if parts else 0, parts


class Axes(_Strict):
    def __init__(self, x, y, outer):
        self.xy, self.outer, self.artists, self.texts = (x, y), outer, [], []
        self.title, self.names, self.turns, self._panels = "", ["", ""], [0, 0], [self]
        self.grids, self.framed, self.equal = [True, True], True, False

    def add_patch(self, artist, kind=1):
        """Add an artist, a line (0) or another one (1), and let the axes see its data."""
        if "color" not in artist.look:
            artist.look["color"] = f"C{self.turns[kind] % 6}"
            self.turns[kind] += 1
        for shapes in artist.shapes.values():
            for i, axis in enumerate(self.xy):
                if i != artist.across:
                    axis.seen += [points[:, i] for points in shapes]
        self.artists.append((artist.look.get("zorder", 2 - kind), artist))
        return artist

    def _add(self, kind, *given, **shapes):
        return self.add_patch(_Artist(*given, **shapes), kind)

    def _columns(self, x, y, size):
        """Return places and sizes as columns; a number goes with all of the others."""
        x, y = self.xy[0].numbers(x), self.xy[1].numbers(y)
        return np.stack(np.broadcast_arrays(x, y, size), axis=-1)

    def plot(self, *data, **options):
        """Draw y, or x and y, with a format or without, as often as given."""
        made, data = [], list(data)
        while data:
            x, y, form = data.pop(0), None, ""
            if data and not isinstance(data[0], str):
                y = data.pop(0)
            if data and isinstance(data[0], str):
                form = data.pop(0)
            x, y = (np.arange(len(x)), x) if y is None else (x, y)
            parts = re.fullmatch(r"(?:(C\d|[krgb])|(--|-\.|-|:)|([os^vDx+.]))*", form)
            if not parts:
                raise NotImplementedError(_lacks(f"plot() with {form!r}"))
            color, line, mark = parts.groups()
            look = {"linestyle": line or ("none" if mark else "-"), "marker": mark}
            look |= {"color": color, **options}
            for column in np.transpose(y) if np.ndim(y) == 2 else [y]:
                size = options.get("markersize", options.get("ms", 6))
                points = [self._columns(x, column, size)]
                made.append(self._add(0, "plot", look, lines=points, marks=points))
        return made

    def semilogx(self, *data, **options):
        self.set_xscale("log")
        return self.plot(*data, **options)

    def semilogy(self, *data, **options):
        self.set_yscale("log")
        return self.plot(*data, **options)

    def loglog(self, *data, **options):
        self.set_xscale("log")
        return self.semilogy(*data, **options)

    def scatter(self, x, y, s=36, c=None, marker="o", **options):
        look = {"marker": marker, "color": c, **options}
        return self._add(1, "scatter", look, marks=[self._columns(x, y, np.sqrt(s))])

    def bar(self, x, height, width=0.8, bottom=0, align="center", _flat=0, **options):
        """Add bars that stand on x, or on y."""
        at, share = self.xy[_flat].numbers(x), {"center": 0.5, "edge": 0}
        low = at - np.multiply(width, _pick(share, align, "bars at"))
        rows = np.broadcast_arrays(low, bottom, low + width, np.add(bottom, height))
        areas = [_ring(*row)[:, :: -1 if _flat else 1] for row in np.transpose(rows)]
        self.xy[not _flat].sticky.update(rows[1].tolist())
        bars = self._add(1, "bar", options, areas=areas)
        bars.flat, bars.lengths = _flat, (rows[3] - rows[1]).tolist()
        return bars

    def barh(self, y, width, height=0.8, left=0, align="center", **options):
        return self.bar(y, width, height, left, align, 1, **options)

    def hist(self, x, bins=10, range=None, density=False, **options):
        counts, edges = np.histogram(x, bins, range, density)
        bars = self.bar(edges[:-1], counts, np.diff(edges), 0, "edge", **options)
        return counts, edges, bars

    def bar_label(self, bars, fmt="%g", padding=0):
        for area, length in zip(bars.shapes["areas"], bars.lengths):
            label = fmt % length if "%" in fmt else fmt.format(length)
            sign, flat = (-1 if length < 0 else 1), bars.flat
            ha = ("right" if sign < 0 else "left") if flat else "center"
            va = "center" if flat else ("top" if sign < 0 else "bottom")
            shift = (sign * padding * flat, -sign * padding * (1 - flat))
            self.text(*area[2:4].mean(axis=0), label, ha, va, _shift=shift)

    def errorbar(self, x, y, yerr=None, xerr=None, fmt="-", **options):
        (line,) = self.plot(x, y, fmt, **options)
        (points,) = line.shapes["lines"]
        for i, errors in ((0, xerr), (1, yerr)):
            if errors is not None:
                ends = np.stack([points, points], axis=1)
                with np.errstate(invalid="ignore"):  # an infinite error is not drawn
                    ends[..., i] += np.transpose(np.multiply([[-1], [1]], errors))
                look = {"color": line.look["color"]}
                self._add(0, "errorbar", look, lines=list(ends))
        return line

    def fill_between(self, x, y1, y2=0, **options):
        """Fill areas; where a number is missing, one ends and another begins."""
        x, y1, y2 = np.broadcast_arrays(self.xy[0].numbers(x), y1, y2)
        good, areas = np.isfinite([x, y1, y2]).all(axis=0), []
        for run in np.split(np.arange(len(x)), np.flatnonzero(np.diff(good)) + 1):
            if good[run].all():
                ring = [*zip(x[run], y1[run]), *zip(x[run[::-1]], y2[run[::-1]])]
                areas.append(np.array([*ring, ring[0]]))
        return self._add(1, "fill_between", options, areas=areas)

    def axhline(self, y=0, **options):
        line, look = np.array([(0.0, y), (1, y)]), {"color": "C0", **options}
        return self._add(0, "axhline", look, 0, lines=[line])

    def axvline(self, x=0, **options):
        line, look = np.array([(x, 0.0), (x, 1)]), {"color": "C0", **options}
        return self._add(0, "axvline", look, 1, lines=[line])

    def axhspan(self, ymin, ymax, **options):
        area, look = _ring(0, ymin, 1, ymax), {"color": "C0", **options}
        return self._add(1, "axhspan", look, 0, areas=[area])

    def contour(self, x, y, z, levels=None, colors=None, **options):
        """Draw curves of equal height; for this each cell is two triangles."""
        if colors is None or np.ndim(levels) == 0:
            raise NotImplementedError(_lacks("contour() without levels= and colors="))
        x, y = np.meshgrid(x, y) if np.ndim(x) == 1 else (x, y)
        heights = np.where(np.isfinite(z), z, np.nan).ravel()
        spots = np.stack([x, y], axis=-1).reshape(-1, 2)
        for i, axis in enumerate(self.xy):
            axis.margin = 0
            axis.seen.append(spots[:, i])
        n = np.arange(heights.size).reshape(np.shape(z))
        a, b, c, d = n[:-1, :-1], n[:-1, 1:], n[1:, :-1], n[1:, 1:]
        sides = np.array([[(a, b), (a, d), (b, d)], [(a, c), (a, d), (c, d)]])
        sides = sides.reshape(2, 3, 2, -1).transpose(0, 3, 1, 2).reshape(-1, 2)
        for level in levels:
            crossed = sides[(heights[sides] > level).sum(axis=1) == 1].tolist()
            crossed, lines = [tuple(side) for side in crossed], []
            for chain in _chains(zip(crossed[::2], crossed[1::2])):  # two in a triangle
                p, q = np.transpose(chain)
                share = (level - heights[p]) / (heights[q] - heights[p])
                lines.append(spots[p] + share[:, None] * (spots[q] - spots[p]))
            look = {"color": colors, "linestyle": "--" if level < 0 else "-", **options}
            self._add(1, "contour", look, lines=lines)

    def text(
        self, x, y, s, ha="left", va="baseline", color=None, bbox=None, _shift=(0, 0)
    ):
        self.texts.append((np.array([(x, y)], float), s, ha, va, color, bbox, _shift))

    def get_legend_handles_labels(self):
        made = [artist for _, artist in self.artists if artist.named]
        return made, [artist.label for artist in made]

    def set(self, **values):
        for name, value in values.items():
            getattr(self, f"set_{name}")(value)

    def set_title(self, label):
        self.title = label

    def set_xlabel(self, xlabel):
        self.names[0] = xlabel

    def set_ylabel(self, ylabel):
        self.names[1] = ylabel

    def set_aspect(self, aspect):
        self.equal = _pick({"equal": True, 1: True, "auto": False}, aspect, "aspect")

    def invert_yaxis(self):
        self.xy[1].flipped = not self.xy[1].flipped

    def minorticks_off(self):
        """There are none."""

    def grid(self, visible=True, axis="both"):
        for i in _pick({"both": (0, 1), "x": (0,), "y": (1,)}, axis, "grid of"):
            self.grids[i] = visible

    def axis(self, what):
        changes = {"off": {"framed": False}, "equal": {"equal": True}}
        vars(self).update(_pick(changes, what, "axis of"))

    def _room(self, wide, high):
        """Choose the ticks; return the room around: left, right, top, bottom, legend."""
        self.ticks, self.aside, self.below = [[], []], 4, 4
        if self.framed:
            most = [min(max(int(size), 1), 9) for size in (wide / 32, high / 21)]
            self.ticks = [axis.ticks(n) for axis, n in zip(self.xy, most)]
            x, y = (max([0, *(_width(s) for _, s in some)]) for some in self.ticks)
            x = max(12, x * abs(math.sin(math.radians(self.xy[0].turn))))
            self.aside = 12 + y * self.outer[1] + 15 * bool(self.names[1])
            self.below = 8 + x * bool(self.ticks[0]) * self.outer[0]
            self.below += 15 * bool(self.names[0])
        self.more, self.legend_parts = self._legend(wide - 24)
        return self.aside, 10, 20 if self.title else 6, self.below, self.more

    def _ratio(self):
        """Return the height over the width of equal units."""
        x, y = (abs(np.subtract(*axis.ends())) for axis in self.xy)
        return y / x

    def _svg(self, x, y, wide, high):
        """Return the panel, drawn at a place; with equal units, in the middle of it."""
        if self.equal:
            room, ratio = (wide, high), self._ratio()
            wide, high = min(wide, high / ratio), min(high, wide * ratio)
            x, y = x + (room[0] - wide) / 2, y + (room[1] - high) / 2
        lengths, box = (wide, -high), np.array([(0, -high), (wide, 0)])

        def paper(points, across=None, lowest=np.nan):
            """Return points on the paper, from the lower left corner."""
            columns = [*points.T]
            for i, length in enumerate(lengths):
                share = i == across
                place = self.xy[i].place
                columns[i] = (
                    columns[i] * length if share else place(columns[i], length, lowest)
                )
            return np.stack(columns, axis=-1)

        grid, ticks, parts, turn = (
            "",
            f"M0 {-high:.1f}V0H{wide:.1f}",
            [],
            self.xy[0].turn,
        )
        for i, axis in enumerate(self.xy):
            for value, label in self.ticks[i]:
                at = round(float(axis.place(value, lengths[i])), 1)
                line = f"M0 {at}H{wide:.1f}" if i else f"M{at} 0V{-high:.1f}"
                grid += line if self.grids[i] else ""
                ticks += f"M0 {at}h-3.5" if i else f"M{at} 0v3.5"
                place = (-7, at + 3.7, label, "end") if i else (at, 15, label, "middle")
                place = place if i or not turn else (at + 3.7, 7, label, "end", turn)
                parts += [_text(*place)] if self.outer[i] else []
        style = {"fill": "none", "stroke_width": 0.6}
        if self.framed:
            parts.append(_tag("path", d=grid, stroke="var(--fig-grid)", **style))
            parts.append(_text(wide / 2, self.below - 4, self.names[0], "middle"))
            parts.append(_text(14 - self.aside, -high / 2, self.names[1], "middle", 90))
        for _, artist in sorted(self.artists, key=lambda pair: pair[0]):
            shapes = {}
            for kind, some in artist.shapes.items():
                lowest = 1e-300 if kind == "areas" else np.nan
                shapes[kind] = [paper(points, artist.across, lowest) for points in some]
            parts.append(artist.svg(box, shapes))
        if self.framed:
            parts.append(_tag("path", d=ticks, stroke="currentColor", **style))
        for point, label, ha, va, color, bbox, shift in self.texts:
            left, base = (paper(point) + shift)[0]
            anchor = _pick(
                {"left": "start", "center": "middle", "right": "end"}, ha, "ha"
            )
            base += _pick(
                {"baseline": 0, "bottom": -3, "center": 3.7, "top": 9}, va, "va"
            )
            if bbox and math.isfinite(left + base):
                back = {"start": 0, "middle": 0.5, "end": 1}[anchor] * _width(label)
                area = _ring(
                    left - back, base - 9, left - back + _width(label), base + 2
                )
                fill = _colour(bbox.get("facecolor", bbox.get("fc", "C0")))
                parts.append(_tag("path", d=_path(_links(area)), fill=fill))
            parts.append(_text(left, base, label, anchor, color=color))
        parts.append(_text(0, -high - 7, self.title))
        legend = _tag(
            "g", *self.legend_parts, transform=f"translate(0 {self.below:.1f})"
        )
        place = f"translate({x:.1f} {y + high:.1f})"
        return _tag("g", *parts, legend if self.more else "", transform=place)


class Figure(_Strict):
    def __init__(self, figsize=None):
        self.size, self.shape = figsize or (5.6, 3.2), (1, 1)
        self.axes = self._panels = []

    def _repr_svg_(self):
        (rows, columns), (wide, high) = self.shape, np.multiply(self.size, 72)
        rough, parts = (wide / columns - 34, high / rows - 34), []
        room = np.array([panel._room(*rough) for panel in self.axes])
        room = room.reshape(-1, columns, 5)
        left, right = room[..., :2].max(axis=0, initial=0).T
        top, bottom, legend = room[..., 2:].max(axis=1, initial=0).T
        across = (wide - (left + right).sum()) / columns
        up = (high - (top + bottom).sum()) / rows
        if all(panel.equal for panel in self.axes):  # no higher than the panels can be
            up = min(
                up, across * max((panel._ratio() for panel in self.axes), default=1)
            )
        for n, panel in enumerate(self.axes):
            row, column = divmod(n, columns)
            x = (left + across + right)[:column].sum() + left[column]
            y = (top + up + bottom + legend)[:row].sum() + top[row]
            parts.append(panel._svg(x, y, across, up))
        high = (top + up + bottom + legend).sum()
        more, legend = self._legend(wide - 24)
        parts.append(
            _tag("g", *legend, transform=f"translate(12 {high:.1f})") if more else ""
        )
        size, name = f"0 0 {wide:.0f} {high + more:.0f}", "http://www.w3.org/2000/svg"
        return _tag(
            "svg", *parts, viewBox=size, xmlns=name, font_size=10.5, fill="currentColor"
        )


def _setter(i, name):
    def call(self, *given, **options):
        getattr(self.xy[i], name)(*given, **options)

    return _strict(call)


for _name in ("lim", "scale", "ticks"):
    setattr(Axes, f"set_x{_name}", _setter(0, f"set_{_name}"))
    setattr(Axes, f"set_y{_name}", _setter(1, f"set_{_name}"))


@_strict
def figure(num=None, figsize=None, layout=None):
    _figures.append(Figure(figsize))
    return _figures[-1]


@_strict
def subplots(nrows=1, ncols=1, sharex=False, sharey=False, figsize=None, layout=None):
    made, x, y = figure(figsize=figsize), _Axis(), _Axis()
    kinds = {True: True, False: False, "all": True}
    sharex, sharey = (_pick(kinds, share, "share") for share in (sharex, sharey))
    made.shape = nrows, ncols
    for row in range(nrows):
        for column in range(ncols):
            outer = not sharex or row == nrows - 1, not sharey or column == 0
            pair = x if sharex else _Axis(), y if sharey else _Axis()
            made.axes.append(Axes(*pair, outer))
    panels = np.array(made.axes).reshape(nrows, ncols).squeeze()
    return made, panels if panels.ndim else panels.item()


def gcf():
    return _figures[-1] if _figures else figure()


def gca():
    if not gcf().axes:
        gcf().axes.append(Axes(_Axis(), _Axis(), (True, True)))
    return gcf().axes[-1]


def close(fig=None):
    """Forget a figure, the current one or all."""
    fig = fig or gcf()
    _figures[:] = [made for made in _figures if made is not fig and fig != "all"]


def show(block=None):
    """Hand over the open figures, each as the text of an SVG, and close them."""
    while _figures:
        display(_figures.pop(0)._repr_svg_())
