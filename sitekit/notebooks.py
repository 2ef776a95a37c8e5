"""Notebooks: mkdocs-jupyter executes them, the site's own Markdown writes the page.

A notebook is a percent-format file in docs/experiments/. Its markdown cells may use everything a
page may (claims, citations, formulas); its copy unit is the file itself. A cell that draws says
what it shows: `# %% alt="..." caption="..."`.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import shutil
from dataclasses import asdict
from pathlib import Path

from . import downloads, execute, experiments, fences, figures, pages
from .pages import Example, PageError, Record

TEMPLATES = Path(__file__).parent / "templates"
PART = re.compile(r"<sitekit-(\w+)>(.*?)</sitekit-\1>", re.S)


def collect(path: Path) -> Record:
    """Return what a notebook contains: one example (the file) and the claims of its text."""
    text = experiments.assembled(path.read_text("utf8"))
    relative, page = path.relative_to(pages.ROOT).as_posix(), pages.name_of(path)
    parts = [pages.engine_hash(), execute.reader_environment(), relative, text]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    data = pages.cached(
        "pages", key, lambda: asdict(_read(Record(relative, page), text))
    )
    record = Record(**data)
    record.examples = [Example(**example) for example in data["examples"]]
    record.claims = [pages.Claim(**claim) for claim in data["claims"]]
    record.problems = [tuple(problem) for problem in data["problems"]]
    return record


def _read(record: Record, text: str) -> Record:
    import jupytext

    example = Example(
        page=record.page,
        anchor="notebook",
        source=record.path,
        line=1,
        kind="notebook",
        code=text.rstrip("\n"),
    )
    record.examples.append(example)
    record.lines = pages.source_lines(record.path)  # not kept in the cache
    result = execute.copied(example)
    record.printed, example.line = result.printed, result.error_line or 1
    cells = jupytext.reads(text, fmt="py:percent").cells
    body = []
    for cell in cells:
        if cell.cell_type == "markdown":
            body.append(cell.source)
            continue
        if "plt.show()" in cell.source and len(cell.metadata.get("alt", "")) < 30:
            near = cell.source.split("\n")[0]
            record.fail(
                "a cell that draws needs alt= text that says what it shows", near=near
            )
    try:
        pages.new_markdown(record).convert("\n\n".join(body))
    except Exception as error:
        record.fail(f"{type(error).__name__}: {error}", near=getattr(error, "near", ""))
    return record


# ---- MkDocs events -------------------------------------------------------------------


def download(config, source: str):
    """Return the file that stands for a notebook: with what it includes, in one program."""
    from mkdocs.structure.files import File

    folder = pages.CACHE / "assembled"
    made = folder / source
    made.parent.mkdir(parents=True, exist_ok=True)
    text = experiments.assembled((pages.DOCS / source).read_text("utf8"))
    made.write_text(text.rstrip("\n") + "\n", "utf8")
    return File(source, str(folder), config.site_dir, config.use_directory_urls)


def configure(config) -> None:
    """Make mkdocs-jupyter use our template, the site's figure colours and an honest cache key."""
    from mkdocs_jupyter.config import settings

    settings.templates_dir = str(TEMPLATES)
    settings_dir = pages.CACHE / "jupyter"
    _write_settings(settings_dir)
    for name in ("IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_CONFIG_DIR"):
        os.environ[name] = str(settings_dir)
    os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
    os.environ.update(execute.ONE_CORE)
    salt = hashlib.sha256((pages.ENGINE + repr(execute.environment())).encode())
    # Snippets count although a notebook imports none: so that it cannot lag behind one.
    snippets = pages.SNIPPETS.glob("*.py")
    for path in sorted([*TEMPLATES.rglob("*.j2"), *snippets]):
        salt.update(path.read_bytes())
    folder = pages.CACHE / "notebooks" / salt.hexdigest()[:16]
    for other in (pages.CACHE / "notebooks").glob("*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    config.plugins["mkdocs-jupyter"].config["cache_dir"] = str(folder)


def _write_settings(folder: Path) -> None:
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    values = {name: value for name, value in figures.rc().items() if name != "backend"}
    lines = [f"{name}: {_rc_text(value)}" for name, value in values.items()]
    (folder / "matplotlibrc").write_text("\n".join(lines) + "\n", "utf8")
    (profile / "ipython_kernel_config.py").write_text(
        "c.InlineBackend.figure_formats = {'svg'}\n"
        "c.InlineBackend.rc = {}\n"
        "c.InlineBackend.print_figure_kwargs = {'bbox_inches': 'tight', 'metadata': {'Date': None}}\n",
        "utf8",
    )
    (folder / "jupyter_nbconvert_config.py").write_text(
        "c.KernelManager.transport = 'ipc'\n",
        "utf8",  # no network port, no warning about one
    )


def _rc_text(value) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    text = repr(value) if "cycler" in repr(value) else str(value)
    return text.replace("#", "")  # a comment in this file's language


def page_content(content: str, page, config, files) -> str:
    """Return a notebook's page, made of the cells that the template marked."""
    from mkdocs.structure.pages import _RelativePathTreeprocessor
    from mkdocs.structure.toc import get_toc

    record = pages.all_records()[pages.name_of(pages.DOCS / page.file.src_uri)]
    record.collecting = False
    body, cells, parts = [], [], []
    alt = caption = included = printed = ""
    # Two writes of one cell are one output.
    content = re.sub(r"</sitekit-printed>\s*<sitekit-printed>", "", content)
    for kind, escaped in PART.findall(content):
        text = html.unescape(escaped)
        if kind == "printed":
            printed, kind = printed + text, "text"
        parts.append((kind, text))
        if kind == "markdown":
            body.append(text)
        elif kind == "alt":
            alt = text
        elif kind == "caption":
            caption = text
        elif kind == "include":
            included = text
        elif kind == "input" and included:
            body.append(f"SITEKITCELL{len(cells)}END")
            cells.append(_included(record, included))
        else:
            body.append(f"SITEKITCELL{len(cells)}END")
            cells.append(_part(record, kind, text, alt, caption))
    if found := execute.difference(printed, record.printed):
        message = f"as a notebook it prints something else than as a program\n{found}"
        raise PageError(record.path, 1, message)
    md = pages.new_markdown(record)
    relative = _RelativePathTreeprocessor(page.file, files, config)
    relative._register(
        md
    )  # links between pages work, and are validated, as in Markdown pages
    made = md.convert("\n\n".join(body))
    for number, cell in enumerate(cells):
        made = made.replace(f"<p>SITEKITCELL{number}END</p>", cell)
    page.toc = get_toc(md.toc_tokens)
    page.links_to_anchors = relative.links_to_anchors
    page.present_anchor_ids = set(re.findall(r'\bid="([^"]+)"', made))
    answer = re.search(r'<p class="answer">(.*?)</p>', made, re.S)
    if answer:
        words = html.unescape(re.sub(r"<[^>]+>", "", answer[1])).split()
        page.meta.setdefault("description", " ".join(words))
    name = Path(record.path).name
    executed = Path(page.file.abs_dest_path).with_name(f"{Path(name).stem}.ipynb")
    executed.parent.mkdir(parents=True, exist_ok=True)
    address = page.canonical_url or ""
    executed.write_text(downloads.ipynb(record, parts, address), "utf8")
    packages = {"numpy": "NumPy", "sklearn": "scikit-learn", "matplotlib": "Matplotlib"}
    code = record.examples[0].code
    used = [
        said
        for name, said in packages.items()
        if re.search(rf"^(?:import|from) {name}\b", code, re.M)
    ]
    needs = " and ".join(", ".join(used).rsplit(", ", 1))
    download = (
        f'<p class="download" id="notebook"><a href="{name}" download>Download {name}</a>, '
        f'the whole notebook as one program, or <a href="{executed.name}" download>'
        f"{executed.name}</a>, with its outputs. They need {needs}.</p>"
    )
    return (
        made.replace(answer[0], answer[0] + download, 1) if answer else download + made
    )


def _included(record: Record, path: str) -> str:
    """Return a line that stands for a file which the download contains."""
    count = (pages.ROOT / path).read_text("utf8").count("\n")
    return (
        f'<p class="example-note">Here the download contains <a href="{pages.root_of(record.page)}{path}">'
        f"<code>{Path(path).name}</code></a>, {count} lines.</p>"
    )


def _part(record: Record, kind: str, text: str, alt: str, caption: str) -> str:
    """Return the HTML of a cell's code, or of one of its outputs."""
    if kind == "input":
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        code = highlight(text, PythonLexer(), HtmlFormatter(nowrap=True))
        return (
            '<div class="language-notebook highlight no-copy">'
            f'<pre tabindex="0"><code>{fences.slim(code)}</code></pre></div>'
        )
    if kind == "text":
        return (
            '<div class="output no-copy" data-search-exclude><span class="output__label">Output</span>'
            f'<pre tabindex="0"><code>{html.escape(text.rstrip(), quote=False)}</code></pre></div>'
        )
    if kind == "figure" and len(alt) < 30:
        raise PageError(record.path, 1, "a cell draws without alt= text that says what")
    if kind == "figure":
        prefix = f"n{hashlib.sha256(text.encode()).hexdigest()[:5]}-"
        return figures.element(figures.themed(text, prefix), alt, caption)
    raise PageError(
        record.path, record.line_of(text[:40]), f"a cell writes to {kind}: {text}"
    )
