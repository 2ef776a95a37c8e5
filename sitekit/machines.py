"""What machines read, and what one cites: Markdown twins, llms.txt, robots.txt, BibTeX.

The twin of learn/mask/ is learn/mask.md. It is made from the page's HTML, so whatever a block shows
is in it; what only HTML can show (tabs, seals, figures, formulas) becomes words and TeX.
theme/main.html writes what `about` returns into each page.
"""

from __future__ import annotations

import functools
import html
import posixpath
import re
import subprocess
from pathlib import Path
from urllib.parse import urldefrag, urljoin

import yaml
from markdownify import ATX, MarkdownConverter

from . import cards, claims, maths, pages

PAGES: list = []  # of the build, in the order of the navigation


def begin(nav, files) -> None:
    """Remember the pages: those of the navigation in its order, then the others."""
    every = [*nav.pages, *(file.page for file in files.documentation_pages())]
    PAGES[:] = {page.file.src_uri: page for page in every}.values()


def name_of(page) -> str:
    """Return the name of a page's files: "learn/mask", "practice/pitfalls/index"."""
    return posixpath.splitext(page.file.src_uri)[0]


def title_of(page) -> str:
    return html.unescape(page.title)


def about(page, config) -> dict[str, str]:
    """Return what a page's template says for machines and for citing."""
    return {
        "twin": f"{name_of(page)}.md",
        "card": urljoin(config.site_url, f"cards/{name_of(page)}.png"),
        "bibtex": bibtex(title_of(page), page.canonical_url, name_of(page)),
        "citation": citation(title_of(page), page.canonical_url),
    }


def write(config) -> None:
    """Write all files for machines into the built site."""
    site, root = Path(config.site_dir), config.site_url
    twins = {page.canonical_url: f"{root}{name_of(page)}.md" for page in PAGES}
    known = tuple(twins.items())
    for page in PAGES:
        foot = f"\n\n---\n\n{citation(title_of(page), page.canonical_url)}\n"
        text = markdown(page.content, page.canonical_url, known) + foot
        (site / f"{name_of(page)}.md").write_text(text, "utf8")
        path = site / "cards" / f"{name_of(page)}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cards.card(title_of(page), section_of(page), config.site_name))
    (site / "llms.txt").write_text(llms(config), "utf8")
    robots = f"User-agent: *\nAllow: /\n\nSitemap: {root}sitemap.xml\n"
    (site / "robots.txt").write_text(robots, "utf8")


def section_of(page) -> str:
    """Return where a page stands: "Practice / Pitfalls / Scale"."""
    titles = [section.title for section in reversed(page.ancestors)]
    folder = page.file.src_uri.rpartition("/")[0]
    return " / ".join(titles) or folder.capitalize() or "Start here"


def llms(config) -> str:
    """Return the site as llmstxt.org wants it: a title, a summary, links with descriptions."""
    sections: dict[str, list[str]] = {}
    for page in PAGES:
        title = re.sub(r"([\[\]])", r"\\\1", title_of(page))
        link = f"[{title}]({config.site_url}{name_of(page)}.md)"
        line = f"- {link}: {page.meta['description']}"
        sections.setdefault(section_of(page), []).append(line)
    text = f"# {config.site_name}\n\n> {config.site_description}\n\n"
    text += (
        "Each page is linked as Markdown. A claim names its kind and its proof; all of them with "
        f"their status are in [proof.json]({config.site_url}proof.json).\n"
    )
    for section, lines in sections.items():
        text += f"\n## {section}\n\n" + "\n".join(lines) + "\n"
    return text


# ---- Markdown twins ------------------------------------------------------------------

FORMULA = re.compile(r'<div class="formula".*?</div>|<math\b.*?</math>', re.S)


@functools.lru_cache(maxsize=2000)
def markdown(content: str, address: str, twins: tuple) -> str:
    """Return a page's HTML as Markdown; `twins` are addresses of pages, and of their twins."""

    def formula(match: re.Match) -> str:
        return f"<samp>{maths.tex_of(match[0])}</samp>"

    # What is long and says nothing here is dropped before it is parsed.
    content = FORMULA.sub(formula, content)
    content = re.sub(r"(<svg\b[^>]*>).*?</svg>", r"\1</svg>", content, flags=re.S)
    parts = re.split(r"(<pre\b.*?</pre>)", content, flags=re.S)
    parts[1::2] = [re.sub(r"</?span\b[^>]*>", "", part) for part in parts[1::2]]
    return Twin(address, dict(twins)).convert("".join(parts))


class Twin(MarkdownConverter):
    class Options:
        heading_style = ATX
        bullets = "-"
        escape_underscores = False  # inside of words they mean themselves

    def __init__(self, address: str, twins: dict[str, str]):
        super().__init__()
        self.address, self.twins = address, twins

    def convert_soup(self, soup):
        needless = ".headerlink, .output__label, .proof__code, run-cell, input"
        for element in soup.select(needless):
            element.extract()
        for element in soup.select("details, figure"):
            element.name = "div"  # or the blank lines around it are kept
        for tabs in soup.select(".tabbed-set"):
            blocks = tabs.select(":scope > .tabbed-content > .tabbed-block")
            labels = tabs.select(":scope > .tabbed-labels > label")
            for block, label in zip(blocks, labels):
                block.insert(0, label)
        return super().convert_soup(soup)

    def convert_a(self, el, text, parent_tags):
        address, anchor = urldefrag(urljoin(self.address, el.get("href", "")))
        if address.endswith("/reference/bibliography/") and anchor:
            el["href"] = claims.bibliography()[anchor]["url"]
        else:
            page, mark, query = address.partition("?")
            address = self.twins.get(
                page, page + mark + query
            )  # a twin filters nothing
            el["href"] = f"{address}#{anchor}" if anchor else address
        return super().convert_a(el, text, parent_tags)

    def convert_pre(self, el, text, parent_tags):
        box, code, above = el.find_parent("div"), text.strip("\n"), ""
        kind = re.search(r"language-(\w+)|$", " ".join(box["class"]))[1] or "text"
        name = box.get("id", "code-")
        if "output" in box["class"]:
            above = "Output:\n\n"
        elif not name.startswith("code-"):
            above = f"Code `{name}`:\n\n"
        if kind == "wrong":
            reason = el.find_parent(class_="example-wrong").p.get_text()
            code = f"# {reason.replace('Wrong on purpose', 'WRONG ON PURPOSE')}\n{code}"
        kind = "python" if kind in ("wrong", "needs", "notebook") else kind
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", code))])
        return f"\n\n{above}{fence}{kind}\n{code}\n{fence}\n\n"

    def convert_div(self, el, text, parent_tags):
        if "claim" in el.get("class", ()):
            kind = el.select_one(".seal__word").get_text().lower()
            name = el["id"].removeprefix("claim-")
            text = f"**Claim `{name}`, {kind}:** {text.strip()}"
        return super().convert_div(el, text, parent_tags)

    def convert_p(self, el, text, parent_tags):
        classes = el.get("class", ())
        if "badge--wrong" in classes:
            return ""
        if "admonition-title" in classes:
            return self.convert_label(el, text, parent_tags)
        text = text.replace(" The copy button gives the whole program.", "")
        return super().convert_p(el, text, parent_tags)

    def convert_label(self, el, text, parent_tags):
        return f"\n\n**{text.strip()}**\n\n"

    def convert_summary(self, el, text, parent_tags):
        seal = "seal" in el.get("class", ())
        return "\n\nProof:\n\n" if seal else self.convert_label(el, text, parent_tags)

    def convert_samp(self, el, text, parent_tags):
        return text  # a formula

    def convert_svg(self, el, text, parent_tags):
        said = self.escape(el.get("aria-label", ""), parent_tags)
        return f"\n\n*Figure: {said}*\n\n" if said else ""

    def convert_td(self, el, text, parent_tags):
        return super().convert_td(el, text.replace("|", r"\|"), parent_tags)

    def convert_th(self, el, text, parent_tags):
        return super().convert_th(el, text.replace("|", r"\|"), parent_tags)


# ---- citing --------------------------------------------------------------------------


@functools.cache
def project() -> dict[str, str]:
    """Return what CITATION.cff says, with date and number of the commit that is built."""
    said = yaml.safe_load((pages.ROOT / "CITATION.cff").read_text("utf8"))
    names = [
        author.get("name") or f"{author['given-names']} {author['family-names']}"
        for author in said["authors"]
    ]
    try:
        command = ["git", "log", "-1", "--format=%cs %H"]
        done = subprocess.run(command, cwd=pages.ROOT, capture_output=True, text=True)
        date, _, commit = done.stdout.strip().partition(" ")
    except FileNotFoundError:
        date = commit = ""
    date = date or str(said.get("date-released", ""))
    version = f"version {said['version']}" + (f", commit {commit[:7]}" * bool(commit))
    return {"names": names, "title": said["title"], "date": date, "version": version}


def citation(title: str, address: str) -> str:
    """Return the reference to a page as one line."""
    made = project()
    parts = [made["title"], made["version"], made["date"]]
    where = ", ".join(part for part in parts if part)
    stop = "" if title.endswith("?") else "."
    return f"{', '.join(made['names'])}. {title}{stop} In: {where}. {address}"


def bibtex(title: str, address: str, name: str) -> str:
    """Return the reference to a page as a BibTeX entry."""
    made = project()
    fields = {
        "author": " and ".join(f"{{{_tex(name)}}}" for name in made["names"]),
        "title": f"{{{_tex(title)}}}",
        "howpublished": _tex(made["title"]),
        "year": made["date"][:4],
        "note": _tex(", ".join(filter(None, [made["version"], made["date"]]))),
        "url": address,
    }
    lines = [f"  {field} = {{{text}}}," for field, text in fields.items() if text]
    key = f"dropout-proven-{name}".replace("/", "-").removesuffix("-index")
    return "\n".join([f"@misc{{{key},", *lines, "}"])


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
