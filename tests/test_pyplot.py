"""The page's small Matplotlib draws what Matplotlib draws, or says that it cannot."""

import ast
import contextlib
import io
import re
import sys
import types
from xml.etree import ElementTree

import numpy as np
import pytest

from sitekit import execute, figures, pages

CODE = (pages.DOCS / "assets" / "run" / "pyplot.py").read_text("utf8")
EXAMPLES = [
    example
    for record in pages.all_records().values()
    for example in record.examples
    if example.figure
]
HOSTILE = '</text><script>alert("1")</script>&\'<a onload="x" \x00\ud800\u202e'
ELEMENTS = "svg g path line polyline polygon circle rect text tspan title"
ATTRIBUTES = """viewBox d x y r cx cy fill stroke stroke-width stroke-dasharray
fill-opacity stroke-opacity text-anchor font-size transform"""


@pytest.fixture
def plt(monkeypatch):
    """Return the stand-in, installed as the page installs it."""
    package, module = map(types.ModuleType, ("matplotlib", "matplotlib.pyplot"))
    exec(compile(CODE, "pyplot.py", "exec"), module.__dict__)
    package.pyplot, package.__path__ = module, []
    monkeypatch.setitem(sys.modules, "matplotlib", package)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", module)
    return module


def parsed(svg):
    """Return an SVG as the page parses it: as XML."""
    root = ElementTree.fromstring(svg)
    for node in root.iter():
        node.tag = node.tag.removeprefix("{http://www.w3.org/2000/svg}")
    return root


def drawn(plt):
    plt.show()
    (svg,) = plt.shown
    plt.shown.clear()
    return parsed(svg)


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", text)]


def size_of(panel):
    """Return the width and the height of a panel, whose lower left corner is at 0, 0."""
    _, high, _, wide = numbers(panel.findall("path")[-1].get("d"))[:4]
    return wide, -high


def series_of(panel):
    return [part for part in panel.findall("g") if not part.get("transform")]


def texts_of(node):
    return ["".join(text.itertext()) for text in node.iter("text")]


def described(figure, prefix):
    """Return what Matplotlib's own figure has; stands in for drawing it."""
    found = []
    for axes in figure.axes:
        bars = [made for made in axes.containers if hasattr(made, "patches")]
        inside = [patch for made in bars for patch in made.patches]
        others = [patch for patch in axes.patches if patch not in inside]
        keys = [axes.get_legend()] if axes.get_legend() else []
        keys += figure.legends if axes is figure.axes[-1] else []
        texts = [text for key in keys for text in (*key.get_texts(), key.get_title())]
        texts = [text.get_text() for text in [*texts, *axes.texts]]
        if axes.axison:
            texts += [axes.get_title("left"), axes.get_xlabel(), axes.get_ylabel()]
        ends = np.array([axes.get_xlim(), axes.get_ylim()])
        for i, scale in enumerate((axes.get_xscale(), axes.get_yscale())):
            ends[i] = np.log10(ends[i]) if scale == "log" else ends[i]
        series = len([*bars, *others, *axes.lines, *axes.collections])
        labels = axes.get_legend_handles_labels()[1]
        texts = [text for text in texts if text not in ("", "None")]
        found.append((ends.tolist(), series, sorted(labels), sorted(texts)))
    return repr(found)


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.figure for e in EXAMPLES])
def test_every_figure_of_the_site_is_drawn_as_matplotlib_draws_it(
    example, request, monkeypatch
):
    """One SVG; panels, limits, series, labels and output are those of Matplotlib."""
    monkeypatch.setattr(figures, "svg_of", described)
    theirs = ast.literal_eval(execute.run_chain(example.sources)[-1].figures[0])
    plt = request.getfixturevalue("plt")
    show, ends = plt.show, []

    def keep():
        (figure,) = plt._figures
        ends.extend([axis.ends() for axis in panel.xy] for panel in figure.axes)
        show()

    module, plt.show = types.ModuleType("__main__"), keep
    monkeypatch.setitem(sys.modules, "__main__", module)
    for source in example.sources:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(source, "block.py", "exec"), module.__dict__)

    assert execute.difference(execute.expected(example), printed.getvalue()) == ""
    root = parsed(*plt.shown)
    panels = root.findall("g")[: len(theirs)]  # a legend may follow
    assert len(panels) == len(ends) == len(theirs)
    assert plt._figures == []
    for panel, own, (limits, series, labels, texts) in zip(panels, ends, theirs):
        np.testing.assert_allclose(own, limits, rtol=1e-9, atol=1e-9)
        assert len(series_of(panel)) == series
        assert sorted(part.text for part in panel.findall("g/title")) == labels
        assert not set(texts) - set(texts_of(root))
    assert set(texts_of(root)) - {text for *_, texts in theirs for text in texts} <= {
        text for text in texts_of(root) if is_tick(text, example)
    }


def is_tick(text, example):
    return re.fullmatch(r"−?[\d.]+(e[−+]?\d+)?", text) or f'"{text}"' in str(example)


def test_what_blocks_use_is_supported(plt):
    """Read from the code: every function of Matplotlib that a block names."""
    used = set()
    for example in EXAMPLES:
        for node in ast.walk(ast.parse(example.code)):
            if isinstance(node, ast.Attribute):
                owner = node.value
                owner = owner.value if isinstance(owner, ast.Subscript) else owner
                used.add((getattr(owner, "id", ""), node.attr))
    owners = {"plt": plt, "fig": plt.Figure, "figure": plt.Figure}
    owners |= dict.fromkeys(("ax", "axes", "panel", "panels"), plt.Axes)
    asked = [(owner, name) for owner, name in used if owner in owners]

    assert len(asked) > 30
    assert [pair for pair in asked if not hasattr(owners[pair[0]], pair[1])] == []


def test_what_it_has_matplotlib_has_too():
    """A block that runs in the page runs where it is copied to."""
    import matplotlib.axes
    import matplotlib.pyplot as real

    own = types.ModuleType("own")
    exec(compile(CODE, "pyplot.py", "exec"), own.__dict__)
    functions = {name for name, item in vars(own).items() if callable(item)}
    pairs = [(functions | set(own._OF_PANEL.split()), real)]
    pairs += [(vars(own.Axes), matplotlib.axes.Axes), (vars(own.Figure), real.Figure)]
    for names, theirs in pairs:
        missing = [n for n in names if n[0] != "_" and not hasattr(theirs, n)]
        assert set(missing) <= {"display"}


@pytest.mark.parametrize(
    ("scale", "limits", "values", "shares"),
    [
        ("linear", (0, 10), [0, 2.5, 10], [0, 0.25, 1]),
        ("linear", (10, 0), [0, 2.5, 10], [1, 0.75, 0]),
        ("linear", (-1, 3), [0, 1], [0.25, 0.5]),
        ("log", (1, 10_000), [1, 10, 1000], [0, 0.25, 0.75]),
        ("log", (100, 0.01), [0.1, 100], [0.75, 0]),
    ],
)
def test_a_point_lands_where_it_belongs(plt, scale, limits, values, shares):
    """Across and up, as a share of the panel; and so do its ticks."""
    _, ax = plt.subplots()
    ax.plot(values, values, "o")
    ax.set(xlim=limits, ylim=limits, xscale=scale, yscale=scale)
    ax.set(xticks=values, yticks=values)
    (panel,) = drawn(plt).findall("g")
    wide, high = size_of(panel)

    circles = panel.findall(".//circle")
    x = [float(circle.get("cx")) / wide for circle in circles]
    y = [-float(circle.get("cy")) / high for circle in circles]
    np.testing.assert_allclose([x, y], [shares, shares], atol=1e-3)
    texts = [text for text in panel.findall("text") if text.get("text-anchor")]
    x = [float(text.get("x")) / wide for text in texts[: len(values)]]
    y = [(3.7 - float(text.get("y"))) / high for text in texts[len(values) :]]
    np.testing.assert_allclose([x, y], [shares, shares], atol=1e-3)


@pytest.mark.parametrize("draw", ["bar", "barh", "fill_between", "axhspan", "contour"])
def test_shapes_have_their_corners(plt, draw):
    """From 2 to 4 along and from 0 to 5 up, in a panel from 0 to 10."""
    _, ax = plt.subplots()
    height = np.hypot(*np.meshgrid(np.arange(-5.0, 6), np.arange(-5.0, 6)))
    made = {
        "bar": ([3], [5], 2),
        "barh": ([3], [5], 2),
        "fill_between": ([2, 4], [5, 5]),
        "axhspan": (2, 4),
        "contour": (np.arange(11), np.arange(11), height, [3]),
    }
    options = {"colors": "black"} if draw == "contour" else {}
    getattr(ax, draw)(*made[draw], **options)
    ax.set(xlim=(0, 10), ylim=(0, 10))
    (panel,) = drawn(plt).findall("g")
    (path,) = series_of(panel)[0].findall("path")
    places = np.reshape(numbers(path.get("d")), (-1, 2)) / size_of(panel) * (10, -10)

    ends = [[2, 0], [4, 5]]
    ends = {"barh": [[0, 2], [5, 4]], "axhspan": [[0, 2], [10, 4]]}.get(draw, ends)
    ends = [[2, 2], [8, 8]] if draw == "contour" else ends
    found = [places.min(axis=0), places.max(axis=0)]
    np.testing.assert_allclose(found, ends, atol=0.02)
    if draw == "contour":  # on triangles: not quite a circle
        np.testing.assert_allclose(np.hypot(*(places - 5).T), 3, atol=0.15)


def test_lines_end_at_the_edge_of_their_panel(plt):
    """y = 2 x leaves a panel that ends at y = 1 where x = 0.5, a filled area too."""
    plt.plot([0, 1], [0, 2])
    plt.fill_between([0, 1], [0, 2])
    plt.plot([0.25, 5], [0.25, 0.5], "o")
    plt.axvline(3)
    plt.xlim(0, 1)
    plt.ylim(0, 1)
    (panel,) = drawn(plt).findall("g")
    size = size_of(panel) * np.array([1, -1])
    area, line, points, nothing = series_of(panel)

    line = np.reshape(numbers(line.find("path").get("d")), (-1, 2)) / size
    np.testing.assert_allclose(line, [[0, 0], [0.5, 1]], atol=1e-3)
    area = np.reshape(numbers(area.find("path").get("d")), (-1, 2)) / size
    np.testing.assert_allclose(area.max(axis=0), [1, 1], atol=1e-3)
    assert min(x for x, y in area if y > 0.999) == pytest.approx(0.5, abs=0.02)
    assert len(points.findall(".//circle")) == 1
    assert nothing.find("path").get("d") == ""


def test_what_is_no_number_is_left_out(plt):
    """nan and inf anywhere; zero and less on a logarithmic axis; without a warning."""
    bad = np.array([1, np.nan, 3, np.inf, -np.inf, 0, -1, 8, 9])
    _, panels = plt.subplots(1, 2)
    panels[1].set(xscale="log", yscale="log")
    for panel in panels:
        panel.plot(bad, bad, "o-")
        panel.scatter(bad, bad)
        panel.errorbar(bad, bad, np.abs(bad))
        panel.bar(np.arange(9), bad, hatch="//")
        panel.fill_between(np.arange(9), bad, hatch="//")
        panel.axhline(np.nan)
        panel.text(np.nan, 1, "nowhere")
    root = drawn(plt)

    assert not re.search(r"nan|inf(?!o)", ElementTree.tostring(root, "unicode"))
    scatters = [series_of(panel)[0] for panel in root.findall("g")]
    assert [len(scatter.findall(".//circle")) for scatter in scatters] == [6, 4]
    assert "nowhere" not in texts_of(root)


def test_hostile_texts_stay_texts(plt):
    """Whatever a label says, only elements and attributes that draw come out."""
    _, ax = plt.subplots()
    bars = ax.bar([HOSTILE, "b"], [1, 2], label=HOSTILE)
    ax.bar_label(bars, fmt=HOSTILE + "{}")
    ax.plot([0, 1], [1, 2], label=HOSTILE, lw=HOSTILE, alpha=HOSTILE)
    ax.text(0, 1, HOSTILE, color="C1", bbox={"fc": "white"})
    ax.set(title=HOSTILE, xlabel=HOSTILE, ylabel=HOSTILE)
    ax.set_yticks([1, 2], [HOSTILE, HOSTILE])
    ax.legend(title=HOSTILE)
    root = drawn(plt)

    assert {node.tag for node in root.iter()} <= set(ELEMENTS.split())
    assert {name for node in root.iter() for name in node.attrib} <= set(
        ATTRIBUTES.split()
    )
    said = '</text><script>alert("1")</script>&\'<a onload="x"    '
    assert sum(text == said for text in texts_of(root)) == 10


def test_formulas_lose_their_dollars_and_prices_do_not(plt):
    plt.title("$k < 1$ & $x$, for $5")
    assert texts_of(drawn(plt))[-1] == "k < 1 & x, for $5"


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("plt.boxplot([1])", "boxplot()"),
        ("plt.savefig('x.png')", "savefig()"),
        ("plt.subplots()[1].imshow([[1]])", "imshow()"),
        ("plt.subplots()[0].suptitle('x')", "suptitle()"),
        ("plt.gca().set(facecolor='C0')", "set_facecolor()"),
        ("plt.plot([1], drawstyle='steps')", "plot() with 'drawstyle'"),
        ("plt.plot([1], 'p')", "plot() with 'p'"),
        ("plt.title('x', fontsize=3)", "set_title(fontsize=)"),
        ("plt.legend(fontsize=3)", "legend(fontsize=)"),
        ("plt.subplots(gridspec_kw={})", "subplots(gridspec_kw=)"),
        ("plt.xscale('symlog')", "scale 'symlog'"),
        ("plt.contour([0, 1], [0, 1], [[0, 1], [1, 2]])", "contour() without levels="),
        ("plt.scatter([1], [1], c=[0.5]); plt.show()", "colour '[0.5]'"),
        ("plt.plot([1], color='xkcd:sky'); plt.show()", "colour 'xkcd:sky'"),
        ("plt.plot([1], marker='*'); plt.show()", "marker '*'"),
        ("plt.bar([1], [1], hatch='o'); plt.show()", "hatch 'o'"),
        ("plt.axis('tight')", "axis of 'tight'"),
    ],
)
def test_what_it_lacks_it_names(plt, code, named):
    """And says what to do instead."""
    message = f"this page's small Matplotlib has no {named}"
    with pytest.raises((AttributeError, NotImplementedError)) as caught:
        exec(code, {"plt": plt})

    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("run the copied program with Matplotlib")


def test_a_legend_takes_labels_from_the_calls_or_from_a_list(plt):
    plt.contour([0, 1], [0, 1], np.eye(2), levels=[0.5], colors="black")
    plt.errorbar([1], [1], [1])
    plt.plot([1], label="from the call")
    plt.plot([1], label="_hidden")
    plt.legend(title="title")
    assert texts_of(drawn(plt))[-2:] == ["title", "from the call"]
    plt.errorbar([1], [1], [1])
    plt.plot([1])
    plt.legend(["first", "second"])
    assert texts_of(drawn(plt))[-2:] == ["first", "second"]


def test_show_hands_over_every_open_figure(plt):
    """In their order; afterwards none is open."""
    received = []
    plt.display = received.append
    for title in ("first", "second"):
        plt.figure()
        plt.title(title)
    plt.show()
    plt.show()

    assert [texts_of(parsed(svg))[-1] for svg in received] == ["first", "second"]
    assert plt.shown == []


def test_a_figure_can_be_the_value_of_a_block(plt):
    figure, ax = plt.subplots(2, 2, sharex=True, sharey=True)
    assert ax.shape == (2, 2)
    svg = figure._repr_svg_()
    plt.close("all")
    plt.show()

    assert len(parsed(svg).findall("g")) == 4
    assert plt.shown == []


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0, 1, "0 0.2 0.4 0.6 0.8 1"), (-3, 5, "−2 0 2 4"), (0.9, 1100, "1 10 100 1000")],
)
def test_ticks_are_few_and_round(plt, low, high, ticks):
    axis = plt._Axis()
    axis.set_lim(low, high)
    axis.log = high > 1000

    assert [label for _, label in axis.ticks(5)] == ticks.split()
