"""Words for stored results: where they come from, what the rule said, the scorecard."""

from __future__ import annotations

import html
from collections import Counter

from . import claims, experiments, pages


def unbroken(text: str) -> str:
    """Return a text whose intervals stay on one line."""
    return text.replace(" ± ", "\u00a0±\u00a0")


def provenance(stored: dict) -> str:
    """Return when, with what, on which seeds and for how long a result was made."""
    made = ", ".join(f"{what} {which}" for what, which in stored["versions"].items())
    text = f"Run on {stored['date']} with {made}."
    if "seeds" in stored:
        first, count, tuning = (
            stored["seeds"][k] for k in ("first", "count", "tuning")
        )
        text += f" Seeds {first} to {first + count - 1}"
        text += f", settings chosen on {tuning} others" if tuning else ""
        seconds = stored["processor seconds"]
        text += f"; {seconds} seconds of one core. {_runs(stored)}"
    return text


def _runs(stored: dict) -> str:
    """Return how often the reported seeds were run, so that nobody picks among runs."""
    excluded = stored.get("excluded", 0)
    text = "No run was excluded." if not excluded else f"Excluded runs: {excluded}."
    if stored.get("edges"):
        text += f" Chosen at the end of a grid: {'; '.join(stored['edges'])}."
    if stored["earlier"]:
        verdicts = [run["verdict"] for run in stored["earlier"]]
        times = "once" if len(verdicts) == 1 else f"{len(verdicts)} times"
        text += (
            f" The reported seeds were run {times} before with other code;"
            f" verdicts then: {', '.join(verdicts)}."
        )
    return text


def verdict(stored: dict) -> list[tuple[str, str]]:
    """Return the paragraphs of a verdict: (class, text)."""
    lines = [("verdict__word", f"The claim {stored['verdict']}: {stored['effect']}.")]
    if fresh := stored["fresh"]:
        again = "again" if fresh["verdict"] == stored["verdict"] else "this time"
        text = f"Repeated on fresh seeds, it {again} {fresh['verdict']}: {fresh['effect']}."
        lines.append(("example-note", text))
    for name, quick in stored["quick"].items():
        passed, of = quick["passed"], quick["repetitions"]
        chance = (
            f"about {quick['bound']:.0e}" if quick["bound"] > 1e-12 else "below 1e-12"
        )
        text = (
            f"Quick check, {name}: above {quick['margin']} on {passed} of {of} other sets of seeds; "
            f"chance of a false alarm {chance}."
        )
        lines.append(("example-note", text))
    return [(kind, unbroken(text)) for kind, text in lines]


def chart_note(chart: dict, stored: dict) -> str:
    """Return what a caption adds about seeds and intervals."""
    if chart["kind"] in ("masks", "gallery"):
        return "One draw at keep_prob 0.8. A cross is a factor of 0; the area of a square is the factor, an outline means below zero."
    count = stored["seeds"]["count"]
    if chart["kind"] == "intervals":
        return f"A dot is one of {count} paired seeds; a square is their mean with its 95 % interval."
    return f"Bars are 95 % intervals over {count} seeds."


HEAD = (
    "Source",
    "Claim",
    "Reported there",
    "Verdict here",
    "Effect here",
    "Fresh seeds",
)


def scorecard(root: str) -> str:
    """Return the table of all experiments, and a sentence that counts its verdicts."""
    found = [
        (experiments.about(path), experiments.result_of(path), pages.name_of(path))
        for path in pages.notebook_paths()
    ]
    found = [one for one in found if one[0] and one[1]]
    found.sort(key=lambda one: _order(one[0]))
    head = "".join(f'<th scope="col">{cell}</th>' for cell in HEAD)
    rows = "".join(_scorecard_row(root, *one) for one in found)
    return (
        f"<p>{_counted([stored for _, stored, _ in found])}</p>"
        f'<table class="proof-table scorecard"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _counted(found: list[dict]) -> str:
    words = Counter(stored["verdict"] for stored in found)
    ends = {"holds", "does not hold"}
    both = [{s["verdict"], s["fresh"].get("verdict", "not run")} for s in found]
    agree, turned = sum(len(two) == 1 for two in both), both.count(ends)
    minutes = sum(stored["processor seconds"] for stored in found) / 60
    return (
        f"Of {len(found)} claims, {words['holds']} hold, {words['holds weakly']} hold weakly, "
        f"{words['does not hold']} do not hold. On fresh seeds, {agree} of {len(found)} verdicts "
        f"are the same; {turned or 'none'} turned from one end to the other. All full runs together took {minutes:.0f} minutes of one core."
    )


def _scorecard_row(root: str, about: dict, stored: dict, page: str) -> str:
    code = stored["code"]
    stale = experiments.code_hash(code["path"]) != code["sha256"]
    source = about["source"]
    link = f"{root}reference/bibliography/#{source}"
    cells = [
        f'<a class="cite" href="{link}">{claims.short_name(source)}</a>, {html.escape(about["section"])}',
        f'<a href="{root}{page}/">{html.escape(about["claim"])}</a>',
        html.escape(about.get("paper", "no number")),
        f"<strong>{stored['verdict']}{' (stale)' if stale else ''}</strong>",
        html.escape(unbroken(stored["effect"])),
        html.escape(stored["fresh"].get("verdict", "not run")),
    ]
    made = (f'<td data-label="{name}">{cell}</td>' for name, cell in zip(HEAD, cells))
    return f"<tr>{''.join(made)}</tr>"


def _order(about: dict) -> tuple:
    """Return a key that sorts by source, oldest first, then "7.2" before "7.10"."""
    year = claims.bibliography()[about["source"]]["year"]
    section = about["section"]
    number = section.removeprefix("section ").split(",")[0].split(" ")[0]
    parts = number.split(".")
    if all(part.isdigit() for part in parts):
        return (year, about["source"], 0, [int(part) for part in parts], section)
    return (year, about["source"], 1, [], section)
