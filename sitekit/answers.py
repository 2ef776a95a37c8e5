"""Quick answers: one page a question, `docs/answers/<name>.md`, and the list of all.

    /// answer
        question: 21
        also: other words for the question; as people type them
        tags: pytorch, keras; noisy predictions; practitioner
        proof: eval-is-identity; @torch-dropout
        read: learn/train-and-test.md#what-does-eval-do
    ///

at the end of such a page becomes its proof (the claims it rests on, wherever they stand), where to
read on, and its tags: frameworks, topics, level. `/// answers` and `///` is the list of all, by
topic; docs/assets/answers.js adds the filter.
"""

from __future__ import annotations

import html
import json
import re
import urllib.parse
from xml.etree import ElementTree

from pymdownx.blocks.block import Block, type_any

from . import claims, interactive, pages, proof, tracing
from .pages import Answer, PageError, Record

FOLDER = pages.DOCS / "answers"
FRAMEWORKS = {  # tags, and how they are shown
    "any": "not about a framework",
    "numpy": "NumPy",
    "pytorch": "PyTorch",
    "keras": "Keras",
    "flax": "Flax",
    "jax": "JAX",
    "tensorflow": "TensorFlow",
}
TOPICS = (
    "what it is",
    "scaling",
    "train or evaluation mode",
    "gradients",
    "placement",
    "choosing a rate",
    "noisy predictions",
    "loss looks odd",
    "bad accuracy",
    "randomness and seeds",
    "devices and speed",
    "normalisation",
    "convolutions",
    "recurrent",
    "attention and large models",
    "uncertainty",
    "edge cases",
    "variants",
)
SHOWN = 5  # of the other words; the search finds all
LEVELS = ("student", "practitioner")
# What runs in the parity job, by its name in prose; an answer says which version it is about.
PACKAGES = {"PyTorch": "torch", "Keras": "keras", "Flax": "flax", "JAX": "jax"}
NOT_RUN = ("TensorFlow", "MXNet", "Caffe", "PEFT", "TRL", "Transformers")


def _list(text: object, mark: str = ";") -> list[str]:
    return [part.strip() for part in str(text).split(mark) if part.strip()]


class AnswerBlock(Block):
    NAME = "answer"
    OPTIONS = {
        name: ["", type_any] for name in ("question", "also", "tags", "proof", "read")
    }

    def on_create(self, parent):
        return ElementTree.SubElement(parent, "div", {"class": "generated answer-foot"})

    def on_end(self, block):
        record = pages.record_of(self.md)
        groups = [_list(group, ",") for group in _list(self.options["tags"])]
        if len(groups) != 3 or len(groups[2]) != 1:
            record.fail("tags: frameworks; topics; level", near="tags:")
            return
        record.answer = answer = Answer(
            question=int(self.options["question"] or 0),
            also=_list(self.options["also"]),
            frameworks=groups[0],
            topics=groups[1],
            level=groups[2][0],
            proof=_list(self.options["proof"]),
            read=_list(self.options["read"]),
        )
        if record.collecting:
            _check_tags(record, answer)
        else:
            block.text = self.md.htmlStash.store(_foot(record, answer))


def _check_tags(record: Record, answer: Answer) -> None:
    known = (FRAMEWORKS, TOPICS, LEVELS)
    for given, allowed in zip(
        (answer.frameworks, answer.topics, [answer.level]), known
    ):
        for tag in set(given) - set(allowed):
            record.fail(f"{tag!r} is none of {', '.join(allowed)}", near="tags:")
    for key in (item[1:] for item in answer.proof if item.startswith("@")):
        if key in claims.bibliography():
            record.citations.append(key)
        else:
            record.fail(f"there is no entry {key} in the bibliography", near=f"@{key}")
    if not answer.proof or not answer.read or len(answer.also) < 2:
        record.fail("an answer has proof:, read: and also:", near="/// answer")


def _foot(record: Record, answer: Answer) -> str:
    """Return what stands below an answer: proof, where to read on, other words, tags."""
    root = pages.root_of(record.page)
    by_id = {c.id: c for r in pages.all_records().values() for c in r.claims}
    items = []
    for name in answer.proof:
        if name.startswith("@"):
            link = f"{root}reference/bibliography/#{name[1:]}"
            words = claims.short_name(name[1:])
            items.append(f'<a class="cite" href="{link}">{words}</a>')
            continue
        claim = by_id[name]
        where = "" if claim.page == "index" else f"{claim.page}/"
        kind = claims.KINDS[claim.kind]
        items.append(
            f'<a href="{root}{where}#{claim.anchor}">{name.replace("-", " ")}</a>, {kind.lower()}'
        )
    read = [
        f'<a href="{root}{_address(target)}">{html.escape(_heading(target))}</a>'
        for target in answer.read
    ]
    links = [
        f'<a href="{root}answers/?{urllib.parse.urlencode({kind: tag})}">{tag}</a>'
        for kind, some in _tags(answer).items()
        for tag in some
    ]
    return (
        f"<p><strong>Proof:</strong> {'; '.join(items)}.</p>"
        f"<p><strong>Read on:</strong> {'; '.join(read)}.</p>"
        f'<p class="example-note">Also asked: {html.escape("; ".join(answer.also[:SHOWN]))}. '
        f'Tags: {", ".join(links)}. <a href="{root}answers/">All answers</a></p>'
    )


def _tags(answer: Answer) -> dict[str, list[str]]:
    return {
        "framework": [FRAMEWORKS[name] for name in answer.frameworks],
        "topic": answer.topics,
        "level": [answer.level],
    }


def _address(target: str) -> str:
    """Return where the site has what stands in a file: "learn/mask/#what-is-random"."""
    path, _, anchor = target.partition("#")
    page = re.sub(r"(?:^|/)index$", "", re.sub(r"\.(?:md|py)$", "", path))
    return (f"{page}/" if page else "") + (f"#{anchor}" if anchor else "")


def _heading(target: str) -> str:
    """Return the title of a page or the heading that an address names."""
    path, _, anchor = target.partition("#")
    text = (pages.DOCS / path).read_text("utf8")
    mark = "# # " if path.endswith(".py") else "# "
    title = re.search(rf"^{mark}(.+)$", text, re.M)[1]
    for heading in re.findall(r"^#{2,4} (.+)$", text, re.M) if anchor else ():
        words, _, given = heading.partition("{")
        if anchor in (_slug(words.strip()), given.strip(" #}")):
            return words.strip().replace("`", "")
    return title.replace("`", "")


def _slug(words: str) -> str:
    from markdown.extensions.toc import slugify

    return slugify(re.sub(r"[`*$]", "", words), "-")


def all_answers() -> dict[str, Answer]:
    """Return the answers by page, in the order of their titles."""
    found = {
        record.page: record.answer
        for record in pages.all_records().values()
        if record.answer
    }
    return dict(sorted(found.items(), key=lambda one: one[1].title))


def versions() -> dict[str, str]:
    """Return the versions that `make parity` ran: {"PyTorch": "2.13", ...}."""
    stored = json.loads(interactive.FRAMEWORKS.read_text("utf8"))["versions"]
    return {
        name: ".".join(stored[package].split(".")[:2])
        for name, package in PACKAGES.items()
    }


def problems() -> list[PageError]:
    """Return what is wrong with answers as seen from the whole site: proof, numbers, links."""
    records = pages.all_records()
    by_id = {claim.id: claim for r in records.values() for claim in r.claims}
    examples = {e.id: e for r in records.values() for e in r.examples}
    found = []
    for page, answer in all_answers().items():
        record, said, code = records[page], "", ""
        near = record.line_of("proof:")
        for name in answer.proof:
            if name.startswith("@"):
                said += claims.short_name(name[1:]) + "\n"
                continue
            if name not in by_id:
                found.append(PageError(record.path, near, f"there is no claim {name}"))
                continue
            claim = by_id[name]
            if proof.claim_problems(claim) or proof.claim_status(claim) != "passed":
                message = f"its proof, claim {name}, is not proven"
                found.append(PageError(record.path, near, message))
            said += claim.text + "\n"
            for item in claim.proof:
                if item in examples:
                    code += examples[item].program
                    said += (examples[item].shown or "") + "\n"
        cited = any(name.startswith("@") for name in answer.proof)
        words = re.sub(r"<[^>]+>|PyTorch backend", "", answer.body)
        for name, version in versions().items():
            said += f"{version}\n"
            if name in words and f"{name} {version}" not in words:
                message = f"{name} is named without its version, {name} {version}"
                found.append(PageError(record.path, record.line_of(name), message))
        for name in NOT_RUN:
            if re.search(rf"\b{name}\b", words) and not cited:
                message = f"{name} was not run: cite it, with its version"
                found.append(PageError(record.path, record.line_of(name), message))
        text = f'<div class="output">{html.escape(said)}</div>{answer.body}'
        for number in sorted(set(tracing.untraced(text, code))):
            message = f"the number {number} is in none of its claims"
            found.append(PageError(record.path, record.line_of(number), message))
        for target in answer.read:
            path = target.partition("#")[0]
            if not (pages.DOCS / path).exists():
                message = f"read: there is no {path}"
                found.append(PageError(record.path, record.line_of("read:"), message))
    return found


class AnswersBlock(Block):
    NAME = "answers"

    def on_create(self, parent):
        return ElementTree.SubElement(parent, "div", {"class": "generated answers"})

    def on_end(self, block):
        record = pages.record_of(self.md)
        if record.collecting:
            return
        root, parts = pages.root_of(record.page), ["<answer-filter></answer-filter>"]
        every = all_answers()
        for topic in TOPICS:
            mine = {p: a for p, a in every.items() if a.topics[0] == topic}
            items = "".join(_item(root, page, answer) for page, answer in mine.items())
            if items:
                head = f'<h2 id="{_slug(topic)}">{topic.capitalize()}</h2>'
                parts.append(f"<section>{head}<ul>{items}</ul></section>")
        block.text = self.md.htmlStash.store("".join(parts))


def _item(root: str, page: str, answer: Answer) -> str:
    data = " ".join(
        f'data-{kind}="{"|".join(some)}"' for kind, some in _tags(answer).items()
    )
    title = html.escape(answer.title, quote=False)
    return f'<li {data}><a href="{root}{page}/">{title}</a></li>'
