"""The decision tree: every bug is reached, and the code of its questions leads there."""

import re
import warnings
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest

from sitekit import pages, programs
from tests import test_pitfalls

PAGE = pages.DOCS / "practice" / "decision-tree.md"
STEMS = [path.stem for path in test_pitfalls.PAGES]
MOST = 5  # questions from the first observation to the end
# What a reader sees and no line of code can ask; for the bugs for which the answer is yes.
SEEN = {
    "Does your code call a function": {"functional-default"},
    "Does a softmax": {"on-the-logits"},
    "Does a BatchNorm": {"before-batch-norm"},
    "Does a curved activation": {"before-a-curved-activation"},
    "Is a key or a generator made": {"key-as-default"},
    "Does backward compute the forward": {"new-mask-on-recomputation"},
    "is the layer's own input finite": {*STEMS, ""} - {"infinities-become-nan"},
}


@dataclass
class Node:
    """A question with two answers, or an end with its links."""

    text: str = ""
    answers: dict = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The line that asks: the inline code at the end of the question."""
        last = re.search(r"`([^`]+)`$", self.text.replace("\n", " "))
        return last[1] if last and re.search(r"[(]", last[1]) else ""

    @property
    def links(self) -> list[str]:
        return re.findall(r"\]\(([^)]+)\)", self.text)


def node_of(lines: list[str]) -> Node:
    """Read one question: its text, then an answer each, folded or on a line of its own."""
    node, folded = Node(), None
    for line in lines:
        if fold := re.match(r'\?\?\? (yes|no) "(Yes|No): .+"$', line):
            assert fold[1] == fold[2].lower(), line
            folded = node.answers[fold[1]] = []
        elif end := re.match(r"\*\*(Yes|No):\*\* (.+)", line):
            node.answers[end[1].lower()], folded = Node(end[2]), None
        elif folded is not None and line[:1] in ("", " "):
            folded.append(line[4:])
        elif line and not node.answers:
            node.text += f"\n{line}"
        else:
            assert not line, line
    for answer, found in node.answers.items():
        if isinstance(found, list):
            node.answers[answer] = node_of(found)
    node.text = node.text.strip()
    return node


@cache
def trees() -> dict[str, Node]:
    """Return the first question of every observation, by its heading."""
    body, _ = pages.body_of(PAGE.read_text("utf8"))
    sections = re.split(r"^## (.+)\n", body, flags=re.M)[1:]
    sections = dict(zip(sections[::2], sections[1::2], strict=True))
    sections.pop("Before the questions")
    return {
        heading: node_of(text.split('??? walk "')[0].strip().split("\n"))
        for heading, text in sections.items()
    }


def ends(node: Node, depth: int = 0):
    """Yield the ends below a question, each with the number of questions before it."""
    if not node.answers:
        yield node, depth
    for found in node.answers.values():
        yield from ends(found, depth + 1)


def questions(node: Node):
    if node.answers:
        yield node
    for found in node.answers.values():
        yield from questions(found)


def bug_of(end: Node) -> str:
    """Return the pitfall that an end leads to; nothing if the layer is right."""
    found = re.match(r"pitfalls/([a-z0-9-]+)\.md$", end.links[0])
    return found[1] if found else ""


@cache
def set_up() -> str:
    """Return the page's set-up without what it prints."""
    examples = pages.collect(PAGE).examples
    (program,) = [e.program for e in examples if e.anchor == "set-up"]
    return re.sub(r"^print.*$", "", program, flags=re.M)


def ask(node: Node, layer, stem: str) -> str:
    """Answer a question: by its line of code below the set-up, or by what one sees."""
    for words, bugs in SEEN.items():
        if words in node.text:
            return "yes" if stem in bugs else "no"
    assert node.code, node.text
    names = {}
    exec(set_up(), names)
    names["MyDropout"] = layer
    names["plain"] = getattr(layer, "activation", names["plain"])
    *before, line = node.code.split("; ")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            exec("\n".join(before), names)
            return "yes" if eval(line, names) else "no"
        except (TypeError, ValueError, FloatingPointError):
            return "no"  # as the page says


def walk(node: Node, layer, stem: str = "") -> tuple[str, list[Node]]:
    """Return the bug at the end of the answers, and the questions on the way."""
    way = []
    while node.answers:
        way.append(node)
        node = node.answers[ask(node, layer, stem)]
    return bug_of(node), way


PATHS = [
    (heading, bug_of(end))
    for heading, tree in trees().items()
    for end, _ in ends(tree)
    if bug_of(end)
]


def test_at_most_five_questions_lead_to_every_pitfall_and_every_end_has_a_link():
    """From an observation; each question has both answers."""
    reached = {bug for _, bug in PATHS}

    assert len(trees()) == 8
    assert reached == set(STEMS)
    for heading, tree in trees().items():
        assert max(depth for _, depth in ends(tree)) <= MOST, heading
        for end, _ in ends(tree):
            assert end.links, end.text
        for question in questions(tree):
            assert sorted(question.answers) == ["no", "yes"], question.text
            asked = any(words in question.text for words in SEEN)
            assert bool(question.code) != asked, question.text


def test_the_page_begins_with_a_link_to_every_observation():
    """What one sees first, in the order of the sections."""
    body, _ = pages.body_of(PAGE.read_text("utf8"))
    listed = re.findall(r"^- \[(.+?)\]\(#[a-z0-9-]+\)$", body, re.M)

    assert listed == list(trees())


@pytest.mark.parametrize(("heading", "stem"), PATHS)
def test_the_code_leads_each_broken_layer_to_its_page(heading, stem):
    """The answers of the page's own lines, asked of the bug's layer, end at the bug."""
    layer = test_pitfalls.layer_of(test_pitfalls.FOLDER / f"{stem}.md", "broken")

    assert walk(trees()[heading], layer, stem)[0] == stem


@pytest.mark.parametrize("heading", trees())
def test_a_right_layer_is_led_to_no_bug(heading):
    """The set-up's layer, and each fixed layer of the catalogue that draws for every element."""
    names = {}
    exec(set_up(), names)
    layers = {"": names["MyDropout"]}
    for path in test_pitfalls.PAGES:
        layers[path.stem] = test_pitfalls.layer_of(path, "fixed")
    assert layers.pop("wrong-axis").mask_shape  # shared on purpose: few draws, as said
    if heading.startswith("The gradient"):
        layers.pop("before-batch-norm")  # its outputs depend on each other, as said
    found = {name: walk(trees()[heading], layer)[0] for name, layer in layers.items()}

    assert {name: bug for name, bug in found.items() if bug} == {}


def test_each_section_shows_the_way_of_one_broken_layer():
    """The block of a section asks the questions on its layer's way, in the page's words."""
    body, _ = pages.body_of(PAGE.read_text("utf8"))
    examples = {e.anchor: e for e in pages.collect(PAGE).examples}
    shown = re.findall(r'python id="(why-[a-z-]+)"', body)

    assert len(shown) == len(trees())
    for tree, anchor in zip(trees().values(), shown, strict=True):
        names = {}
        exec(programs.definitions(examples[anchor].program), names)
        bug, way = walk(tree, names["Broken"])
        code = re.sub(r"\s", "", examples[anchor].code)
        assert bug, anchor
        for question in way:
            for line in question.code.split("; "):
                assert re.sub(r"\s", "", line) in code, f"{anchor}: {line}"


def test_no_answer_can_be_given_the_other_way_round():
    """With any one question answered wrongly, some broken layer misses its page."""
    for heading, bug in PATHS:
        layer = test_pitfalls.layer_of(test_pitfalls.FOLDER / f"{bug}.md", "broken")
        for question in walk(trees()[heading], layer, bug)[1]:
            right = ask(question, layer, bug)
            wrong = question.answers["no" if right == "yes" else "yes"]
            assert bug not in {bug_of(end) for end, _ in ends(wrong)}, question.text
