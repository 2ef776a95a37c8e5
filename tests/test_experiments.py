"""Full runs: kept cell by cell, resumed after a kill, stored with where they come from."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from sitekit import charts, downloads, experiments, pages, results

NOTEBOOKS = [path for path in pages.notebook_paths() if experiments.about(path)]
NAMED = {"ids": lambda path: path.stem}
FAKE = '''# %% [markdown] claim="It holds" section="section 7.1" source="srivastava2014"
# # Title
#
# %% include="snippets/helper.py"

# %%
FULL = {"first": 0, "seeds": 4, "tuning": 2, "cells": 6}
QUICK = FULL | {"seeds": 4, "cells": 2}
CHECKS = {"gain": 0.2}  # a margin


def outcome(seeds, arm):
    """Return a number a seed."""
    time.sleep(PAUSE)
    with open(LOG, "a") as log:
        log.write(f"{arm}\\n")
    rngs = [np.random.default_rng([seed, arm]) for seed in seeds]
    return {"value": np.array([rng.normal(arm + 1, 0.1) for rng in rngs])}


def experiment(size, run):
    """Return a result."""
    seeds = range(size["first"], size["first"] + size["seeds"])
    found = run(outcome, [{"seeds": seeds, "arm": a} for a in range(size["cells"])])
    values = [np.array(cell["value"]) for cell in found]
    gain = values[1] - values[0]
    table = {"columns": ["arm", "mean"], "rows": [[str(a), f"{v.mean():.6f}"] for a, v in enumerate(values)]}
    chart = {"kind": "intervals", "label": "gain", "rows": [["gain", gain.tolist()]]}
    return {
        "tables": {"means": table}, "charts": {"gain": chart}, "differences": {"gain": gain},
        "verdict": "holds" if gain.mean() > 0 else "does not hold", "effect": f"{gain.mean():.3f}",
    }


# %% tags=["quick"]
raise SystemExit("the quick run is not part of the definitions")
'''


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A project with one notebook, and where its cells write that they ran."""
    pages.config()  # the real one, before the folder changes
    for folder in ("docs/experiments/results", "snippets"):
        (tmp_path / folder).mkdir(parents=True)
    log = str(tmp_path / "log")
    helper = f"import time\n\nimport numpy as np\n\nLOG = {log!r}\nPAUSE = 0.0\n"
    (tmp_path / "snippets/helper.py").write_text(
        f'{helper}\n\nif __name__ == "__main__":\n    print("demonstration")\n'
    )
    (tmp_path / "docs/experiments/fake.py").write_text(FAKE)
    for name, path in (("ROOT", tmp_path), ("DOCS", tmp_path / "docs")):
        monkeypatch.setattr(pages, name, path)
    monkeypatch.setattr(experiments, "CELLS", tmp_path / "cells")
    monkeypatch.setattr(pages, "cores", lambda: 1)
    return tmp_path


def ran(tree) -> list[str]:
    log = tree / "log"
    return log.read_text().split() if log.exists() else []


def test_a_notebook_takes_files_in_without_their_demonstration(tree):
    """The program holds the included file; definitions end before the quick run."""
    text = experiments.assembled(FAKE)
    code = experiments.definitions(text)

    assert "import numpy as np" in text
    assert "demonstration" not in text
    assert "PAUSE = 0.0" in code
    assert "SystemExit" not in code
    assert experiments.definitions("# %%\nx = 1\n") == ""


def test_the_hash_follows_the_code_and_nothing_else(tree):
    """Comments, docstrings and prose change nothing; a number or an included file does."""
    path = tree / "docs/experiments/fake.py"

    def now() -> str:
        return experiments.code_hash("docs/experiments/fake.py")

    first = now()
    words = FAKE.replace("# a margin", "# words").replace("Return a result", "Words")
    path.write_text(words.replace("# # Title", "# # Other title"))
    assert now() == first
    path.write_text(FAKE.replace("(arm + 1, 0.1)", "(arm + 1, 0.2)"))
    assert now() != first
    path.write_text(FAKE)
    helper = tree / "snippets/helper.py"
    helper.write_text(helper.read_text().replace("PAUSE = ", "PAUSE = 1.0 * "))
    assert now() != first


def test_a_run_is_stored_with_where_it_comes_from(tree, capsys):
    """Code hash, versions, seeds, date, time; a second run on the same seeds is identical."""
    assert experiments.main([]) == 0
    stored = experiments.result_of(tree / "docs/experiments/fake.py")
    assert stored["code"]["sha256"] == experiments.code_hash("docs/experiments/fake.py")
    assert stored["seeds"] == {"first": 0, "count": 4, "tuning": 2}
    assert set(stored["versions"]) == {"python", "numpy", "scikit-learn"}
    assert (stored["verdict"], stored["earlier"], stored["cells"]) == ("holds", [], 6)
    assert "1 of 1" not in capsys.readouterr().out

    before = experiments.result_path(tree / "docs/experiments/fake.py").read_bytes()
    assert experiments.main([]) == 0
    assert "identical to the stored result" in capsys.readouterr().out
    after = experiments.result_path(tree / "docs/experiments/fake.py").read_bytes()
    assert before == after
    assert len(ran(tree)) == 12  # the second run computed everything anew


def test_earlier_runs_of_the_reported_seeds_are_kept(tree, capsys):
    """Changed code on the same seeds: the page says that there was another verdict."""
    path = tree / "docs/experiments/fake.py"
    experiments.main([])
    path.write_text(FAKE.replace("(arm + 1, 0.1)", "(1 - arm, 0.1)"))
    experiments.main([])
    stored = experiments.result_of(path)

    assert stored["verdict"] == "does not hold"
    assert [run["verdict"] for run in stored["earlier"]] == ["holds"]
    assert "verdicts then: holds" in results.provenance(stored)


def test_rewritten_code_with_the_same_result_is_no_earlier_run(tree):
    """Nobody can have picked among results that are equal in every number."""
    path = tree / "docs/experiments/fake.py"
    experiments.main([])
    path.write_text(FAKE.replace("gain.mean() > 0", "0 < gain.mean()"))
    experiments.main([])
    stored = experiments.result_of(path)

    assert stored["earlier"] == []
    assert stored["code"]["sha256"] == experiments.code_hash(stored["code"]["path"])


def test_an_interrupted_run_goes_on_where_it_was(tree):
    """Cells that are done are not run again; only the missing one is."""
    path = tree / "docs/experiments/fake.py"
    experiments.full(path)
    kept = sorted((tree / "cells/fake").glob("*.json"))
    assert len(kept) == 6
    kept[2].unlink()
    experiments.full(path)
    assert len(ran(tree)) == 7


def test_killed_three_times_and_restarted_it_ends_the_same(tree):
    """Kill -9 between and inside of cells: at most one cell is lost each time."""
    helper = tree / "snippets/helper.py"
    helper.write_text(helper.read_text().replace("PAUSE = ", "PAUSE = 0.4 + "))
    script = (
        "import sys; from pathlib import Path; from sitekit import experiments, pages;"
        f"pages.ROOT = Path({str(tree)!r}); pages.DOCS = pages.ROOT / 'docs';"
        "experiments.CELLS = pages.ROOT / 'cells'; pages.cores = lambda: 1;"
        "sys.exit(experiments.main([]))"
    )
    root = Path(experiments.__file__).parents[1]
    for seconds in (0.3, 0.5, 0.1, None):
        done = subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=root,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if seconds is None:
            assert done.wait(120) == 0
            break
        count = len(ran(tree))
        while len(ran(tree)) == count and done.poll() is None:
            time.sleep(0.02)  # begin when the first cell is done
        time.sleep(seconds)
        os.killpg(done.pid, signal.SIGKILL)
        done.wait()
    resumed = experiments.result_of(tree / "docs/experiments/fake.py")
    assert len(ran(tree)) <= 6 + 3

    experiments.result_path(tree / "docs/experiments/fake.py").unlink()
    experiments.main([])
    alone = experiments.result_of(tree / "docs/experiments/fake.py")
    assert resumed["tables"] == alone["tables"]
    assert resumed["differences"] == alone["differences"]


def test_fresh_seeds_are_other_seeds_and_counted(tree, capsys):
    """No reported seed is in the repetition; the count of equal verdicts is printed."""
    experiments.main([])
    experiments.main(["--fresh"])
    stored = experiments.result_of(tree / "docs/experiments/fake.py")
    assert "fresh seeds: 1 of 1 verdicts agree" in capsys.readouterr().out
    assert stored["fresh"]["first"] > 10_000 + stored["seeds"]["count"]
    assert stored["fresh"]["effect"] != stored["effect"]


def test_the_bound_is_the_predictive_tail_of_student(tree, capsys):
    """20 repetitions of 4 seeds: the chance that one more mean falls below the margin."""
    experiments.main([])
    experiments.main(["--quick", "20"])
    quick = experiments.result_of(tree / "docs/experiments/fake.py")["quick"]["gain"]
    values = []
    for number in range(20):
        first = experiments.REPEATS + 1000 * number
        for seed in range(first, first + 4):
            draws = [
                np.random.default_rng([seed, a]).normal(a + 1, 0.1) for a in (0, 1)
            ]
            values.append(draws[1] - draws[0])
    sd = np.std(values, ddof=1) * np.sqrt(1 / 4 + 1 / 80)
    bound = t.sf((np.mean(values) - 0.2) / sd, 79)

    assert (quick["passed"], quick["repetitions"]) == (20, 20)
    assert quick["bound"] == pytest.approx(bound, rel=0.05)


def test_a_missing_part_of_a_result_is_a_problem_of_the_page(tree):
    """The table, chart or verdict that a page asks for must exist, and a chart has a text."""
    experiments.main([])
    where = "experiments/results/fake.json"
    blocks = {
        f"/// table | {where} means": "",
        f"/// table | {where} other": "has no such part",
        f"/// verdict | {where}": "",
        "/// verdict | experiments/results/none.json": "has no such part",
        f"/// chart | {where} gain\n    alt: short": "a chart needs alt",
        f"/// chart | {where} gain\n    alt: {'a long enough text ' * 3}": "",
    }
    (tree / "docs/x.md").write_text("")
    for block, wanted in blocks.items():
        record = pages.Record("docs/x.md", "x")
        record.lines = []
        pages.new_markdown(record).convert(f"# Title\n\nAnswer.\n\n{block}\n///\n")
        found = " ".join(message for _, message in record.problems)
        assert wanted in found if wanted else not found, block


def test_a_chart_shows_every_seed_and_the_interval():
    """One dot a seed; an error bar a row; curves have a bar for each point."""
    values = [0.1, 0.4, 0.35, 0.8]
    rows = {
        "kind": "intervals",
        "label": "gain",
        "rows": [["a", values], ["b", values]],
    }
    svg = charts.svg(rows)
    dots = [path.count("M") for path in re.findall(r'<path d="([^"]*)"', svg)]
    assert dots.count(len(values)) == 2
    curve = {"kind": "curves", "label": "error", "x label": "n", "scale": "log"}
    curve["series"] = [["a", [20, 50], [3.0, 2.0], [0.5, 0.4]]]
    assert ">20<" in charts.svg(curve)
    assert charts.svg(curve) == charts.svg(curve)


def test_a_downloaded_notebook_is_plain_markdown(tree):
    """Claims, tables, verdicts, notes and citations are words; links lead to the site."""
    experiments.main([])
    text = (
        "See [@srivastava2014, section 7] and [the mask](../learn/mask.md#why).\n\n"
        "/// claim | some-claim\n    kind: measured\n    proof: notebook\n\nIt is so.\n///\n\n"
        "/// table | experiments/results/fake.json means\n///\n\n"
        "/// verdict | experiments/results/fake.json\n///\n\n"
        '!!! predict "Predict first"\n\n    What?\n'
    )
    record = pages.Record("docs/experiments/fake.py", "experiments/fake")
    downloads.claims.bibliography.cache_clear()
    (tree / "docs/reference").mkdir()
    real = Path(experiments.__file__).parents[1] / "docs/reference/bibliography.yml"
    (tree / "docs/reference/bibliography.yml").write_text(real.read_text())
    said = downloads.plain(record, text, "https://example.org/experiments/fake/")

    assert "///" not in said
    assert "[@" not in said
    assert "> **Measured.** It is so." in said
    assert "| arm | mean |" in said
    assert "The claim holds" in said
    assert "> **Predict first**\n>\n> What?" in said
    assert "/learn/mask/#why)" in said
    assert ".md" not in said


# ---- the experiments of this site ----------------------------------------------------


def own_code(path) -> str:
    """Return a notebook's code without what it takes in and without its quick run."""
    text = experiments.INCLUDE.sub("# %%\n", path.read_text("utf8"))
    return experiments.definitions(text)


def test_there_are_sixteen_experiments_with_a_result_each():
    """Each has a claim, a section and a source, a stored run and its quick checks."""
    assert len(NOTEBOOKS) == 16
    for path in NOTEBOOKS:
        stored = experiments.result_of(path)
        assert set(experiments.about(path)) >= {"claim", "section", "source"}, path.stem
        assert stored["verdict"] in ("holds", "holds weakly", "does not hold"), (
            path.stem
        )
        assert re.search(r"±", stored["effect"]), path.stem
        assert stored["seeds"]["count"] >= 20, path.stem


@pytest.mark.parametrize("path", NOTEBOOKS, **NAMED)
def test_an_experiment_is_short_enough_to_read(path):
    """At most 60 lines of code beside the library, none over 80 characters."""
    lines = [line for line in own_code(path).splitlines() if line.strip()]
    assert len(lines) <= (80 if path.stem == "regularisers" else 60)  # twelve arms
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("path", NOTEBOOKS, **NAMED)
def test_an_experiment_says_what_it_claims_and_where_it_breaks(path):
    """The fixed sections, in order: claim, rule, result, limits, what one may say."""
    headings = re.findall(r"^# ## (.+)$", path.read_text("utf8"), re.M)
    wanted = ["The claim", "The rule, written before the run", "Result"]
    wanted += ["Where it breaks", "What one may say"]
    assert [heading for heading in headings if heading in wanted] == wanted


@pytest.mark.parametrize("path", NOTEBOOKS, **NAMED)
def test_a_quick_check_hardly_ever_raises_a_false_alarm(path):
    """It passed on every other set of seeds; the bound is below one in a million."""
    quick = experiments.result_of(path)["quick"]
    margins = experiments.namespace(path)["CHECKS"]
    assert {name: check["margin"] for name, check in quick.items()} == margins
    for name, check in quick.items():
        assert check["passed"] == check["repetitions"] >= 5, name
        assert check["bound"] < 1e-6, name


@pytest.mark.parametrize("path", NOTEBOOKS, **NAMED)
def test_a_stored_result_is_whole(path):
    """Small; every chart is of this run; the page will tell choices at the end of a grid."""
    stored = experiments.result_of(path)
    assert len(json.dumps(stored)) < 60_000
    assert isinstance(stored["edges"], list)
    for chart in stored["charts"].values():
        if chart["kind"] == "intervals":
            counts = {len(values) for _, values in chart["rows"]}
            assert counts == {stored["seeds"]["count"]}, chart["label"]


def test_all_results_together_are_small():
    """Below 1 MB."""
    stored = (pages.DOCS / "experiments" / "results").glob("*.json")
    assert sum(path.stat().st_size for path in stored) < 1_000_000


def test_the_text_of_a_notebook_proves_nothing():
    """Only code and output count: a number that stands in prose alone has no proof."""
    text = "# %% [markdown]\n# The error is 7.31.\n\n# %%\nx = 5.5  # a rate\n# 9.9\n"
    code = experiments.code_of(text)

    assert "7.31" not in code
    assert "9.9" not in code
    assert "5.5" in code
