"""What a reader sees of the verdicts: the seal of a claim, and the tables of the testing page."""

from __future__ import annotations

import html
import re
from collections import Counter

from . import claims, fences, pages, proof, results
from .pages import Claim, PageError


def seal(claim: Claim) -> str:
    """Return the HTML of the seal that opens a claim's proof."""
    status = proof.claim_status(claim)
    if status == "failed":
        raise PageError(
            pages.all_records()[claim.page].path, claim.line, f"claim {claim.id} fails"
        )
    word = claims.KINDS[claim.kind] + (" (stale)" if status == "stale" else "")
    items = "".join(f"<li>{_item_html(item, claim.page)}</li>" for item in claim.proof)
    if claim.red:
        old, new = (
            html.escape(part.strip()) or "nothing"
            for part in claim.red.split(" => ", 1)
        )
        items += (
            f"<li>Turns red when <code>{old}</code> becomes <code>{new}</code>.</li>"
        )
    return (
        '<details class="proof generated" data-search-exclude><summary class="seal">'
        f'<span class="seal__mark" aria-hidden="true"></span><span class="seal__word">{word}</span>'
        f'</summary><ul class="proof__list">{items}</ul></details>'
    )


def _item_html(item: str, page: str) -> str:
    root = pages.root_of(page)
    if item.startswith("tests/"):
        path, _, name = item.partition("::")
        promise, source = proof.test_functions(path)[name]
        code = html.escape(source, quote=False)
        return (
            f'Test <a href="{root}{path}"><code>{name}</code></a>: {html.escape(promise)}'
            f'<pre class="proof__code no-copy" tabindex="0"><code>{code}</code></pre>'
        )
    if item.endswith(".json"):
        name = item.removeprefix("docs/")
        return f'Stored result <a href="{root}{name}"><code>{name}</code></a>'
    if "#" in item:
        where, _, anchor = item.partition("#")
        if where == page:
            return f'Code on this page: <a href="#{anchor}">{anchor}</a>'
        return f'Code on another page: <a href="{root}{where}/#{anchor}">{where}</a>'
    return f'<a class="cite" href="{root}reference/bibliography/#{item}">{claims.short_name(item)}</a>'


def table(name: str, page: str) -> str:
    """Return a generated table by name, for the page that asks for it."""
    makers = {
        "claims": _claims_table,
        "examples": _examples_table,
        "environment": _environment_list,
        "not-in-page": _not_in_page,
        "scorecard": lambda data, root: results.scorecard(root),
    }
    if name not in makers:
        raise fences.FenceError(
            f"there is no generated table {name!r}", near=f"generated | {name}"
        )
    return makers[name](proof.proof_json(), pages.root_of(page))


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _table(head: list[str], rows: list[str]) -> str:
    cells = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    return f'<table class="proof-table"><thead><tr>{cells}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _status(status: str) -> str:
    other = "" if status == "passed" else f" status--{status}"
    return f'<span class="status{other}">{status}</span>'


def _title_of(page: str) -> str:
    record = pages.all_records()[page]
    text = "\n".join(pages.source_lines(record.path))
    mark = "# # " if record.path.endswith(".py") else "# "
    title = re.search(rf"^{mark}(.+)$", pages.body_of(text)[0], re.M)
    return html.escape(title[1].replace("`", "")) if title else page


def _claims_table(data: dict, root: str) -> str:
    rows = []
    for page in dict.fromkeys(claim["page"] for claim in data["claims"]):
        rows.append(f'<tr><th scope="rowgroup" colspan="3">{_title_of(page)}</th></tr>')
        where = "" if page == "index" else f"{page}/"
        for claim in data["claims"]:
            if claim["page"] == page:
                link = f'<a href="{root}{where}#{claim["anchor"]}">{claim["id"]}</a>'
                rows.append(_row(link, claim["kind"], _status(claim["status"])))
    return _table(["Claim", "Kind", "Status"], rows)


def _examples_table(data: dict, root: str) -> str:
    rows = []
    for page in dict.fromkeys(example["page"] for example in data["examples"]):
        mine = [example for example in data["examples"] if example["page"] == page]
        where = "" if page == "index" else f"{page}/"
        outputs = sum(example["output_sha256"] is not None for example in mine)
        status = "passed" if all(e["status"] == "passed" for e in mine) else "stale"
        link = f'<a href="{root}{where}">{_title_of(page)}</a>'
        rows.append(_row(link, str(len(mine)), str(outputs), _status(status)))
    return _table(["Page", "Blocks run", "Outputs compared", "Status"], rows)


def _not_in_page(data: dict, root: str) -> str:
    """Return the blocks without a Run button, with their reasons."""
    rows = []
    for page, record in pages.all_records().items():
        for example in record.examples:
            why = example.browser or (
                f"Needs {example.note}." if example.kind == "needs" else ""
            )
            if why:
                where = "" if page == "index" else f"{page}/"
                link = f'<a href="{root}{where}#{example.anchor}">{_title_of(page)}</a>'
                rows.append(_row(link, html.escape(why)))
    rows.append(
        _row(
            "All notebooks",
            "They need scikit-learn's data; each is a file to download.",
        )
    )
    return _table(["Page", "Why"], rows)


def _environment_list(data: dict, root: str) -> str:
    kinds = Counter(claim["kind"] for claim in data["claims"])
    parts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    versions = data["environment"]
    return (
        f"<p>This build: {len(data['claims'])} claims ({parts}), {len(data['examples'])} examples; "
        f"Python {versions['python']}, NumPy {versions['numpy']}, Matplotlib "
        f'{versions["matplotlib"]}. Everything as data: <a href="{root}proof.json">proof.json</a>.</p>'
    )
