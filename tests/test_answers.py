"""Quick answers: complete, short, proven; and what a false one is told."""

import dataclasses
import re

import pytest

from sitekit import answers, proof

ALL = answers.all_answers()
QUESTIONS = (
    85  # of the list that the project began with; further answers have the number 0
)


def words_of(answer) -> int:
    return len(re.sub(r"<[^>]+>", " ", answer.body).split())


def test_every_question_has_an_answer():
    """One page a question, reached by its own address; no title twice."""
    numbers = [answer.question for answer in ALL.values() if answer.question]
    titles = [answer.title for answer in ALL.values()]

    assert sorted(set(numbers)) == list(range(1, QUESTIONS + 1))
    assert len(titles) == len(set(titles))
    assert all(title.endswith("?") and "¶" not in title for title in titles)
    assert all(page.startswith("answers/") for page in ALL)


@pytest.mark.parametrize("page", ALL)
def test_an_answer_is_short(page):
    """A paragraph, a title that one types, and other words that are not the title again."""
    answer = ALL[page]

    assert 20 <= words_of(answer) <= 100
    assert len(answer.title.split()) <= 14
    assert answer.title.rstrip("?").lower() not in [one.lower() for one in answer.also]


def test_all_answers_are_proven():
    assert [one for one in proof.verify() if "docs/answers/" in one] == []


PAGE = next(page for page, one in ALL.items() if "@" not in "".join(one.proof))
FAULTS = {
    "there is no claim": {"proof": ["no-such-claim"]},
    "read: there is no": {"read": ["learn/no-such-page.md"]},
    "the number 77.7 % is in none": {"body": "<p>It falls by 77.7 %.</p>"},
    "named without its version": {"body": "<p>In PyTorch it is off.</p>"},
    "TensorFlow was not run": {"body": "<p>TensorFlow drops.</p>"},
}


@pytest.mark.parametrize("message", FAULTS)
def test_a_false_answer_is_refused(monkeypatch, message):
    """Each fault alone is found, by its own message."""
    false = dataclasses.replace(ALL[PAGE], **FAULTS[message])
    monkeypatch.setattr(answers, "all_answers", lambda: {PAGE: false})

    assert any(message in str(problem) for problem in answers.problems())


def test_an_unproven_claim_is_no_proof(monkeypatch):
    monkeypatch.setattr(answers, "all_answers", lambda: {PAGE: ALL[PAGE]})
    monkeypatch.setattr(proof, "claim_status", lambda claim: "failed")

    assert any("is not proven" in str(problem) for problem in answers.problems())
