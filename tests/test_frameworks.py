"""The stored answers of the frameworks are current, whole, and what pages say of them."""

import copy
import inspect
import json
import re

import pytest
import sklearn
from sklearn import neural_network

from sitekit import pages
from tests import frameworks

STORED = frameworks.stored()
REFUSED = {"said nothing", "at 0", "at 1", "at 1.2", "at -0.2", "integers"}


def test_the_answers_are_those_of_the_present_questions():
    """Another probe needs another run: `make parity`."""
    assert STORED["code"]["sha256"] == frameworks.probes_hash()
    assert STORED["conventions"] == [
        dict(zip(frameworks.NAMES, row)) for row in frameworks.CONVENTIONS
    ]
    made = frameworks.tables(STORED["answers"], STORED["versions"])
    assert STORED["tables"] == json.loads(json.dumps(made))


def test_every_cell_is_an_answer():
    """No question is left open, and no probe failed by itself."""
    questions = {q for columns in frameworks.TABLES.values() for q in columns.values()}
    for layer, row in STORED["answers"]["layers"].items():
        assert questions <= set(row), layer
        for question, words in row.items():
            assert words, (layer, question)
            assert words != "AssertionError", (layer, question)
            assert words != "something else", (layer, question)
            if words.endswith("Error"):  # a refusal, and not a slip of the probe
                assert question in REFUSED, (layer, question)
                assert (question, words) != ("said nothing", "TypeError"), layer
    assert len(frameworks.cells(STORED["answers"])) > 150


def test_frameworks_and_conventions_agree():
    """Name, meaning and time of scaling of those that are run."""
    assert frameworks.disagreements(STORED["answers"]) == []


@pytest.mark.parametrize(
    ("where", "now"),
    [
        (("layers", "PyTorch, nn.Dropout", "meaning"), "keep"),
        (("layers", "Keras, layers.Dropout", "factor in training"), "× 1"),
        (("layers", "Flax, nnx.Dropout", "parameter"), "keep_prob"),
    ],
)
def test_a_changed_meaning_is_named(where, now):
    """As after an upgrade: the cell is named, and the convention contradicted."""
    answers = copy.deepcopy(STORED["answers"])
    group, layer, question = where
    was = answers[group][layer][question]
    answers[group][layer][question] = now

    assert frameworks.changes(STORED["answers"], answers) == [
        f"{layer}, {question}: was {was!r}, is {now!r}"
    ]
    (said,) = frameworks.disagreements(answers)
    assert layer.split(",")[0] in said


def test_an_upgrade_turns_the_job_red_and_says_which(monkeypatch, tmp_path, capsys):
    """The file is written anew, with the versions; the status is 1."""
    answers = copy.deepcopy(STORED["answers"])
    answers["modes"][0][2] = "drops"
    versions = STORED["versions"] | {"torch": "9.9"}
    path = tmp_path / "frameworks.json"
    path.write_text(json.dumps(STORED), "utf8")
    monkeypatch.setattr(frameworks, "STORED", path)
    monkeypatch.setattr(frameworks, "answers", lambda: answers)
    monkeypatch.setattr(frameworks, "versions", lambda: versions)

    assert frameworks.main() == 1
    said = capsys.readouterr().out
    assert (
        "CHANGED: PyTorch, model.eval(), with nn.Dropout: was 'does not drop'" in said
    )
    assert "9.9" in said
    assert json.loads(path.read_text("utf8"))["versions"]["torch"] == "9.9"
    assert frameworks.main() == 0  # reviewed and committed


def test_tabs_hand_over_what_the_data_file_says():
    """A block for a framework makes its layer from 1 - keep_prob where the number is to drop."""
    made = {
        "torch": r"nn\.Dropout\w*\((?:p=)?([^,)]+)",
        "keras": r"layers\.(?:Spatial)?Dropout\w*\((?:rate=)?([^,)]+)",
        "flax": r"nn?x?\.Dropout\((?:rate=)?([^,)]+)",
    }
    package = {"PyTorch": "torch", "Keras": "keras", "Flax": "flax"}
    means = {package.get(one["name"]): one["means"] for one in STORED["conventions"]}
    seen = 0
    for record in pages.all_records().values():
        for example in record.examples:
            if example.kind != "needs" or "keep_prob = " not in example.code:
                continue
            for given in re.findall(made.get(example.note, "$^"), example.code):
                wanted = (
                    "1 - keep_prob" if means[example.note] == "drop" else "keep_prob"
                )
                assert given == wanted, example.id
                seen += 1
    assert seen >= 4


def test_the_page_names_the_versions():
    """Each framework's version stands in the first stored table's note."""
    assert {"torch", "keras", "flax", "jax"} <= set(STORED["versions"])


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_scikit_learn_has_no_dropout(name):
    """In version 1.9 no parameter's name has "drop" or "keep" in it; `alpha` is the penalty."""
    network = getattr(neural_network, name)
    names = list(inspect.signature(network).parameters)

    assert sklearn.__version__.startswith("1.9."), "the page and the answer say 1.9"
    assert "alpha" in names
    assert [one for one in names if re.search("drop|keep", one)] == []
