"""Words for stored results: where they come from, what the rule said, the scorecard."""

from __future__ import annotations

import html

from . import claims, experiments, pages


def provenance(stored: dict) -> str:
    """Return when, with what, on which seeds and for how long a result was made."""
    made = ", ".join(f"{what} {which}" for what, which in stored["versions"].items())
    text = f"Run on {stored['date']} with {made}."
    if "seeds" in stored:
        first, count, tuning = (stored["seeds"][k] for k in ("first", "count", "tuning"))
        text += f" Seeds {first} to {first + count - 1}"
        text += f", settings chosen on {tuning} others" if tuning else ""
        seconds = stored["processor seconds"]
        text += f"; {seconds} seconds of one core. {_runs(stored)}"
    return text


def _runs(stored: dict) -> str:
    """Return how often the reported seeds were run, so that nobody picks among runs."""
    excluded = stored.get("excluded", 0)
    text = "No run was excluded." if not excluded else f"Excluded runs: {excluded}."
    if stored["earlier"]:
        verdicts = [run["verdict"] for run in stored["earlier"]]
        text += (
            f" The reported seeds were run {len(verdicts)} times before with other code;"
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
        text = (
            f"Quick check, {name}: above {quick['margin']} on {passed} of {of} other sets of seeds; "
            f"chance of a false alarm at most {quick['bound']:.0e}."
        )
        lines.append(("example-note", text))
    return lines


def chart_note(chart: dict, stored: dict) -> str:
    """Return what a caption adds about seeds and intervals."""
    count = stored["seeds"]["count"]
    if chart["kind"] == "intervals":
        return f"A dot is one of {count} paired seeds; a square is their mean with its 95 % interval."
    return f"Bars are 95 % intervals over {count} seeds."


def scorecard(root: str) -> tuple[list[str], list[list[str]]]:
    """Return the head and rows of the table of all experiments, as HTML."""
    head = ["Source", "Claim", "Reported there", "Verdict here", "Effect here, 95 % interval"]
    head += ["On fresh seeds"]
    rows = []
    for path in pages.notebook_paths():
        stored, about = experiments.result_of(path), experiments.about(path)
        if not stored or not about:
            continue
        page = pages.name_of(path)
        stale = experiments.code_hash(stored["code"]["path"]) != stored["code"]["sha256"]
        words = stored["verdict"] + (" (stale)" if stale else "")
        cells = [
            html.escape(about["section"]),
            f'<a href="{root}{page}/">{html.escape(about["claim"])}</a>',
            html.escape(about.get("paper", "no number")),
            f"<strong>{words}</strong>",
            html.escape(stored["effect"]),
            html.escape(stored["fresh"].get("verdict", "not run")),
        ]
        if source := about.get("source"):
            link = f"{root}reference/bibliography/#{source}"
            cells[0] = f'<a class="cite" href="{link}">{claims.short_name(source)}</a>, {cells[0]}'
        rows.append((about["section"], cells))
    return head, [cells for _, cells in sorted(rows, key=lambda row: _order(row[0]))]


def _order(section: str) -> tuple:
    """Return a key that sorts "7.2" before "7.10", and other words last."""
    number = section.removeprefix("section ").split(",")[0].split(" ")[0]
    parts = number.split(".")
    if all(part.isdigit() for part in parts):
        return (0, [int(part) for part in parts], section)
    return (1, [], section)
