"""The converter agrees with the stored conventions, and with arithmetic."""

import json
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.figures import draws

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "reference" / "notation.md"
STORED = DOCS / "practice" / "results" / "frameworks.json"
CONVENTIONS = json.loads(STORED.read_text("utf8"))["conventions"]


def test_the_conventions_are_the_stored_ones(shown):
    """Name, parameter, meaning and the time of scaling, in the order of the table."""
    rows = shown("keep-drop-converter", number=0.3)["numbers"]["rows"]
    found = [
        {
            "name": row["name"],
            "parameter": row["letter"],
            "means": row["means"],
            "scales": "evaluation" if row["training"] == 1 else "training",
        }
        for row in rows
    ]
    assert found == [{key: one[key] for key in found[0]} for one in CONVENTIONS]


NUMBERS = ["0", "0.05", "0.2", "0.35", "0.5", "0.7", "0.95", "1"]
CASES = [
    (at, number) for at in range(len(CONVENTIONS)) for number in ("0", "0.35", "1")
]
CASES += [(at, number) for at in (1, 6) for number in NUMBERS]  # the paper, PyTorch


@pytest.mark.parametrize(("at", "number"), sorted(set(CASES)))
def test_every_number_is_exact(shown, at, number):
    """k, p, the factors and each row's number, in decimal arithmetic."""
    name, letter, means = (
        CONVENTIONS[at][key] for key in ("name", "parameter", "means")
    )
    source = f"{name}: {letter}"
    figure = shown("keep-drop-converter", source=source, number=float(number))
    numbers = figure["numbers"]
    given = Decimal(number)
    k, p = (given, 1 - given) if means == "keep" else (1 - given, given)
    factor = float(1 / k) if k else None
    assert (numbers["k"], numbers["p"]) == (float(k), float(p))
    assert (numbers["chosen"], numbers["means"]) == (at, means)
    assert_factor(numbers["factor"], factor)
    for row in numbers["rows"]:
        assert row["number"] == float(k if row["means"] == "keep" else p)
        if not k:  # outside the range: no factors
            assert row["training"] is row["evaluation"] is None
            continue
        paper = row["name"] == "The 2014 paper"
        assert row["evaluation"] == (float(k) if paper else 1)
        assert_factor(row["training"], 1.0 if paper else factor)
        # the mean over the mask is the output at evaluation
        mean = float(k) * row["training"]
        np.testing.assert_allclose(mean, row["evaluation"], rtol=1e-12)

    scaled = (
        "Of these 10, only the 2014 paper scales at evaluation, weights by k; the "
        f"others in training, kept units by 1/k = {draws.precision(factor)}."
        if k
        else "The keep probability 0 is outside the range: there are no factors."
    )
    assert figure["said"] == (
        f"{name}: {letter} = {given:.2f} is the probability to {means}, so k = {k:.2f}. "
        f"{scaled}"
    )
    assert_drawn(figure["svg"], numbers)


def test_the_range_is_the_pages():
    """Of k, which leaves out 0."""
    (line,) = (x for x in PAGE.read_text("utf8").splitlines() if x.startswith("| $k$ "))
    assert line.endswith("| above 0, at most 1 |")


def test_the_caption_counts_the_conventions(shown):
    """Four keep, six drop; all describe one layer, by two numbers that add up to 1."""
    text = draws.caption("reference/notation.md", "keep-drop-converter")
    assert "ten conventions: in four" in text
    assert "probability to keep, in six to drop" in text
    rows = shown("keep-drop-converter", number=0.35)["numbers"]["rows"]
    numbers = {
        means: [row["number"] for row in rows if row["means"] == means]
        for means in ("keep", "drop")
    }
    assert numbers == {"keep": [0.65] * 4, "drop": [0.35] * 6}
    late = [row["name"] for row in rows if row["evaluation"] != 1]
    assert late == ["The 2014 paper"]  # only, of these ten


def assert_factor(shown_factor, factor):
    """One over zero is no number."""
    if factor is None:
        assert shown_factor is None
    else:
        np.testing.assert_allclose(shown_factor, factor, rtol=1e-12)


def assert_drawn(svg, numbers):
    """Six texts a convention, those of the chosen one strong; keep and drop have marks."""
    rows = numbers["rows"]
    texts = re.findall(r'class="(label|strong)"[^>]*>([^<>]+)</text>', svg)
    kinds = ["strong" if i == numbers["chosen"] else "label" for i in range(len(rows))]
    assert [kind for kind, _ in texts] == [kind for kind in kinds for _ in range(6)]
    for i, row in enumerate(rows):
        times = [
            "–" if x is None else f"× {round(x, 2):g}"
            for x in (row["training"], row["evaluation"])
        ]
        number = f"{Decimal(str(row['number'])):.2f}"
        words = [row["name"], row["letter"], number, row["means"], *times]
        assert [word for _, word in texts[6 * i : 6 * i + 6]] == words
    for kind, means in (("kept", "keep"), ("dropped", "drop")):
        assert svg.count(f'class="{kind}"') == sum(r["means"] == means for r in rows)
    assert svg.count('class="cross"') == svg.count('class="dropped"')
