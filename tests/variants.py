"""Compare all variants of docs/variants: what the index shows is computed from their own code.

    python -m tests.variants            print the table
    python -m tests.variants --store    write docs/variants/results/variants.json, and the family
                                        tree of docs/variants/index.md

The front matter of a page declares a variant (`variant:`), that of a page of cards several
(`cards:`); CONTRIBUTING.md says with which fields. `sample` is an expression over the names of
the snippet (a card: of its block) and over np, rng, keep_prob, training: the output where the
input, or what is dropped, is all ones.
"""

import datetime
import importlib
import json
import re
import sys
from functools import cache

import numpy as np

from sitekit import execute, pages, programs
from snippets import dropout_conformance

FOLDER = pages.DOCS / "variants"
STORED = FOLDER / "results" / "variants.json"
KEEP_PROB, CALLS, SIGMAS = 0.8, 4000, 6  # 6: a false alarm of 2e-9 for each number
WORDS = ("name", "year", "paper", "parents", "drops", "axes", "sample", "used")
TREE = (
    r"(## The family\n(?:.+\n|\n(?!- ))*\n)(?: *- .+\n)+"  # the list under its heading
)
TABLES = {
    "index": ["variant", "source", "drops", "used"],
    "code": ["variant", "mask", "values", "evaluation", "mean", "variance", "draws"],
}
COLUMNS = {
    "variant": "Variant",
    "source": "Source",
    "drops": "One decision drops",
    "mask": "Mask",
    "values": "Factors",
    "evaluation": "Evaluation",
    "mean": "Mean",
    "variance": "Variance",
    "draws": "Draws",
    "used": "Used",
}


class Counting(np.random.Generator):
    """A generator that counts the numbers drawn from it."""

    def __init__(self, seed):
        super().__init__(np.random.PCG64(seed))
        self.count = 0


def _counted(name):
    def draw(self, *args, **kwargs):
        drawn = getattr(np.random.Generator, name)(self, *args, **kwargs)
        self.count += np.size(drawn)
        return drawn

    return draw


DRAWS = ["random", "uniform", "integers", "normal", "standard_normal", "binomial"]
DRAWS += ["choice", "permutation", "permuted", "exponential", "beta", "gamma"]
for _name in DRAWS:
    setattr(Counting, _name, _counted(_name))


def module_of(page: str) -> str:
    """Return the name that a variant has in snippets/ and tests/."""
    return page.rpartition("/")[2].replace("-", "_")


def _card_names(record: pages.Record, anchor: str) -> dict:
    """Return what the block of a card defines."""
    (example,) = [e for e in record.examples if e.anchor == anchor]
    names = {"__name__": "card"}
    exec(compile(programs.definitions(example.program), anchor, "exec"), names)
    return names


@cache
def declared() -> list[dict]:
    """Return all variants in the order of the navigation: declaration, address and code."""
    found = []
    for path in sorted(FOLDER.glob("*.md")):
        page = pages.name_of(path)
        _, front = pages.body_of(path.read_text("utf8"))
        if one := front.get("variant"):
            code = vars(importlib.import_module(f"snippets.{module_of(page)}"))
            found.append({**one, "address": path.name, "page": page, "code": code})
        for one in front.get("cards", []):
            code = _card_names(pages.collect(path), one["block"])
            address = f"{path.name}#{one['section']}"
            found.append({**one, "address": address, "page": "", "code": code})
    return sorted(found, key=lambda one: (one["year"], one["name"]))


def sample(one: dict, rng: np.random.Generator, training=True) -> np.ndarray:
    """Return the declared sample of a variant, for keep_prob 0.8."""
    given = {"np": np, "rng": rng, "keep_prob": KEEP_PROB, "training": training}
    return np.asarray(eval(one["sample"], {**one["code"], **given}), dtype=float)


def _shape(one: dict, drawn: np.ndarray) -> str:
    """Return the axes along which decisions differ; 1 stands for a shared axis."""
    names = [name.strip() for name in one["axes"].split(",")]
    assert len(names) == drawn.ndim - 1, f"{one['name']}: axes are {names}"
    alike = [
        np.all(drawn == np.take(drawn, [0], axis)) for axis in range(1, drawn.ndim)
    ]
    shown = ["1" if same else name for name, same in zip(names, alike)]
    return f"({', '.join(shown)}{',' if len(shown) == 1 else ''})"


def _values(drawn: np.ndarray) -> str:
    """Return the numbers that occur, if they are few."""
    found = np.unique(drawn.round(12))
    if len(found) > 3:
        return f"{found[0]:.3g} to {found[-1]:.3g}" if found[0] >= 0 else "real numbers"
    return ", ".join(f"{value:.4g}" for value in found)


def measured(one: dict) -> dict[str, str]:
    """Return what is read off a variant's code: shape, factors, evaluation, moments, draws."""
    rng = Counting(2026)
    with np.errstate(all="ignore"):
        first = sample(one, rng)
        draws = rng.count
        drawn = np.stack([first, *(sample(one, rng) for _ in range(CALLS - 1))])
        rng.count = 0
        evaluation = sample(one, rng, training=False)
    assert evaluation.shape == first.shape, f"{one['name']}: {evaluation.shape}"
    kept = True  # for each element, and in the mean of all, which shows less
    for each, wanted in (
        (drawn, evaluation),
        (drawn.reshape(CALLS, -1).mean(axis=1), evaluation.mean()),
    ):
        error = SIGMAS * each.std(axis=0) / CALLS**0.5
        kept &= np.all(np.abs(each.mean(axis=0) - wanted) <= error + 1e-12)
    spread = (drawn - drawn.mean(axis=0)) ** 2
    by_call = spread.reshape(CALLS, -1).mean(axis=1)
    wanted, doubt = (
        (1 - KEEP_PROB) / KEEP_PROB,
        SIGMAS * by_call.std() / CALLS**0.5 + 1e-9,
    )
    found = by_call.mean() * CALLS / (CALLS - 1)
    variance = "as dropout" if abs(found - wanted) <= doubt else f"{found:.2g}"
    stays = np.allclose(evaluation, 1, rtol=1e-12, atol=0)
    return {
        "mask": _shape(one, drawn),
        "values": _values(drawn),
        "evaluation": ("as it is" if stays else f"× {_values(evaluation)}")
        + (", draws" if rng.count else ""),
        "mean": one.get("mean", "kept") if kept else "changed",
        "variance": variance,
        "draws": f"{draws} for {first.size}",
    }


def picture(one: dict) -> list[list[float]]:
    """Return one sample as rows and columns."""
    out = sample(one, np.random.default_rng(5))
    if "picture" in one:
        out = np.asarray(eval(one["picture"], {"out": out, "np": np}))
    assert out.ndim == 2, f"{one['name']}: picture= must give rows and columns"
    return out.round(3).tolist()


def chart(one: dict) -> dict:
    rows, columns = one.get("rows", "examples"), one.get("columns", "units")
    return {"kind": "masks", "panel": [one["name"], picture(one), rows, columns]}


@cache
def verdicts(module: str) -> dict[str, str]:
    """Return what the conformance suite says of the Layer in a variant's test."""
    layer = importlib.import_module(f"tests.test_{module}").Layer
    return {
        v["property"]: v["verdict"] if v["verdict"] != "fail" else v["measured"]
        for v in dropout_conformance.check(layer)
    }


def departures(module: str) -> dict:
    """Return the table of the properties that deliberately do not hold, and why."""
    test = importlib.import_module(f"tests.test_{module}")
    link = "../practice/properties.md"
    rows = [
        [[[name, f"{link}#{name}"]], "does not hold", why]
        for name, why in test.DEPARTS.items()
    ]
    rows += [
        [[[name, f"{link}#{name}"]], "says nothing", why]
        for name, why in test.SILENT.items()
    ]
    hold = len(dropout_conformance.NAMES) - len(rows)
    rest = "all other" if rows else "all"
    rows.append([f"{rest} {hold} properties", "hold", ""])
    return {"columns": ["Property", "Here", "Why"], "rows": rows}


def row(one: dict) -> dict:
    """Return the cells of a variant, by column."""
    source = f"../reference/bibliography.md#{one['paper'].lstrip('@')}"
    return {
        **one,
        **measured(one),
        "variant": [[one["name"], one["address"]]],
        "source": [[str(one["year"]), source]],
    }


def site_address(one: dict) -> str:
    """Return the address of a variant as the built index links to it."""
    page, _, section = one["address"].partition("#")
    return page.replace(".md", "/") + (f"#{section}" if section else "")


def made() -> dict:
    """Return the file's tables and charts."""
    every = declared()
    cells = [row(one) for one in every]
    tables = {
        name: {
            "columns": [COLUMNS[column] for column in columns],
            "rows": [[row[column] for column in columns] for row in cells],
        }
        for name, columns in TABLES.items()
    }
    charts = {}
    for one in every:
        name = slug(one)
        charts[name] = chart(one)
        if one["page"]:
            tables[name] = departures(module_of(one["page"]))
    panels = [[*charts[slug(one)]["panel"], site_address(one)] for one in every]
    return {
        "tables": tables,
        "charts": {"all": {"kind": "gallery", "panels": panels}, **charts},
    }


def stored() -> dict:
    return json.loads(STORED.read_text("utf8"))


def slug(one: dict) -> str:
    """Return the name by which another variant calls this one its parent."""
    return one["page"].rpartition("/")[2] or one["section"]


def tree(parent="", indent="") -> list[str]:
    """Return the family as a nested Markdown list; the first parent is the tree's."""
    lines = []
    for one in declared():
        if (one["parents"] or [""])[0] != parent:
            continue
        others = one["parents"][1:]
        also = [other["name"] for other in declared() if slug(other) in others]
        line = f"- {one['year']} [{one['name']}]({one['address']}) [{one['paper']}]"
        lines.append(indent + line + (f", also of {', '.join(also)}" if also else ""))
        lines += tree(slug(one), indent + "    ")
    return lines


def main() -> None:
    found = made()
    for cells in found["tables"]["code"]["rows"]:
        print(*(c if isinstance(c, str) else c[0][0] for c in cells), sep=" | ")
    if "--store" in sys.argv:
        versions = execute.environment()
        head = {
            "what": "Variants of dropout, compared by running their snippets.",
            "date": datetime.date.today().isoformat(),
            "versions": {name: versions[name] for name in ("python", "numpy")},
        }
        STORED.parent.mkdir(exist_ok=True)
        text = json.dumps({**head, **found}, ensure_ascii=False, indent=1)
        STORED.write_text(text + "\n", "utf8")
        index = FOLDER / "index.md"
        grown = "\n".join(tree())
        old = index.read_text("utf8")
        index.write_text(re.sub(TREE, lambda m: m[1] + grown + "\n", old), "utf8")


if __name__ == "__main__":
    main()
