"""Code blocks: the text that SuperFences shows is the text that is run and copied.

SuperFences calls `python`, `output` or `other` below after includes are expanded, at any nesting
(tabs, notes, lists, quotes). It swallows every exception but its own and would print the fence as
prose, so each entry point is wrapped by `loud`.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import html
import re

from pymdownx.superfences import SuperFencesException

from . import pages
from .pages import Example, Record

LANGUAGES = {"text", "console", "bash", "yaml", "toml", "markdown"}
OURS = {"id", "continuation", "figure", "alt", "caption", "wrong", "needs", "browser"}
OURS |= {"srcline"}
SHOWN = {"title", "hl_lines"}
RUNNABLE = {"fence", "snippet"}


class FenceError(SuperFencesException):
    """A fence that must not be published; `near` is text by which its line is found."""

    def __init__(self, message: str, near: str = ""):
        super().__init__(message)
        self.near = near


def first_line(error: Exception) -> str:
    return getattr(error, "near", "")


def loud(entry):
    @functools.wraps(entry)
    def wrapped(*args, **kwargs):
        try:
            return entry(*args, **kwargs)
        except SuperFencesException:
            raise
        except Exception as error:
            raise FenceError(f"{type(error).__name__}: {error}") from error

    return wrapped


# ---- validators: which options a fence may have --------------------------------------


@loud
def python_validator(language, inputs, options, attrs, md):
    unknown = set(inputs) - OURS - SHOWN
    if unknown:
        raise FenceError(
            f"unknown option {', '.join(sorted(unknown))} on a python fence",
            near=sorted(unknown)[0],
        )
    ours = {name: value for name, value in inputs.items() if name in OURS}
    if ours.get("continuation") not in (None, True, "", "continuation"):
        raise FenceError("`continuation` takes no value", near="continuation")
    if "wrong" in ours and "needs" in ours:
        raise FenceError("a block is either wrong= or needs=", near="wrong=")
    if not str(ours.get("browser", "no: x")).startswith("no: "):
        raise FenceError('browser= is "no: " and why', near="browser=")
    for name in ("wrong", "needs", "figure"):
        if name in ours and (ours[name] is True or not ours[name].strip()):
            raise FenceError(f"{name}= must say something", near=f"{name}=")
    if "figure" in ours and len(str(ours.get("alt", ""))) < 30:
        raise FenceError(
            "a figure needs alt= text that says what it shows (30 characters or more)",
            near=f'figure="{ours["figure"]}"',
        )
    for name in SHOWN & set(inputs):
        options[name] = inputs[name]
    options["ours"] = ours
    return True


@loud
def output_validator(language, inputs, options, attrs, md):
    if set(inputs) - {"srcline"}:
        raise FenceError(
            "an output fence has no options", near="output " + sorted(inputs)[0]
        )
    options["srcline"] = inputs.get("srcline", 0)
    return True


@loud
def other_validator(language, inputs, options, attrs, md):
    if language not in LANGUAGES:
        raise FenceError(
            f"fence language {language or 'none'!r} is not allowed; "
            "Python that is shown is ```python",
            near=f"```{language or ''}",
        )
    if set(inputs) - SHOWN:
        raise FenceError(f"unknown option {sorted(inputs)[0]}", near=f"```{language} ")
    options.update(inputs)
    return True


# ---- formatters: record what is shown, then show it ----------------------------------


@loud
def python(source, language, class_name, options, md, **kwargs):
    record, ours = pages.record_of(md), options.pop("ours")
    if kwargs.get("classes"):
        raise FenceError("write options as name=value, without braces", near="{ .")
    code = source.strip("\n")
    if record.collecting:
        _record(record, code, ours)
        return ""
    example = record.examples[record.at]
    record.at += 1
    if example.code != code:
        raise FenceError(
            "the page changed while it was built; build again", near=code[:40]
        )
    return _show(example, md, options, kwargs)


def _record(record: Record, code: str, ours: dict) -> None:
    near = code.split("\n")[0]
    try:
        ast.parse(code)
    except SyntaxError as error:
        raise FenceError(f"not Python: {error.msg}: {error.text}", near=near) from None
    kind, source = _kind(record, code, ours)
    earlier: list[str] = []
    earlier_shown = ""
    if "continuation" in ours:
        allowed = RUNNABLE | {kind} if kind == "needs" else RUNNABLE
        before = [example for example in record.examples if example.kind in allowed]
        if not before:
            raise FenceError("`continuation` without a block to continue", near=near)
        earlier = [*before[-1].earlier, before[-1].code]
        earlier_shown = before[-1].earlier_shown + (before[-1].shown or "")
        if len(earlier) >= pages.MAX_CHAIN:
            raise FenceError(f"a chain has at most {pages.MAX_CHAIN} blocks", near=near)
    if "figure" in ours and "plt.show()" not in code:
        raise FenceError(
            "a figure block ends with plt.show(), or its copy shows nothing", near
        )
    anchor = ours.get("id") or "code-" + hashlib.sha256(code.encode()).hexdigest()[:8]
    if not re.fullmatch(r"[a-z][a-z0-9-]*", anchor) or anchor.startswith("claim-"):
        raise FenceError(
            f"{anchor!r} is no id for a block: words-with-hyphens", near=near
        )
    if not code.strip():
        raise FenceError("an empty block", near="```python")
    if any(example.anchor == anchor for example in record.examples):
        raise FenceError(f"two blocks with the id {anchor}", near=near)
    record.examples.append(
        Example(
            page=record.page,
            anchor=anchor,
            source=source,
            line=int(ours.get("srcline", 0)),
            kind=kind,
            code=code,
            earlier=earlier,
            earlier_shown=earlier_shown,
            figure=ours.get("figure", ""),
            alt=ours.get("alt", ""),
            caption=ours.get("caption", ""),
            note=ours.get("wrong") or ours.get("needs") or "",
            browser=str(ours.get("browser", "")).removeprefix("no: "),
        )
    )


def _kind(record: Record, code: str, ours: dict) -> tuple[str, str]:
    for kind in ("wrong", "needs"):
        if kind in ours:
            return kind, record.path
    for path in pages.SNIPPETS.glob("*.py"):
        if path.read_text("utf8").strip("\n") == code:
            return "snippet", path.relative_to(pages.ROOT).as_posix()
    return "fence", record.path


@loud
def output(source, language, class_name, options, md, **kwargs):
    record = pages.record_of(md)
    if record.collecting:
        last = record.examples[-1] if record.examples else None
        if last is None or last.shown is not None or last.kind == "notebook":
            raise FenceError(
                "an output fence must follow the python fence that prints it",
                "```output",
            )
        record.examples[-1].shown = source.rstrip() + "\n"
        record.examples[-1].shown_line = int(options["srcline"])
    example = record.examples[record.at - 1]
    extra = " output--error" if example.kind == "wrong" else ""
    shown = (
        f'<div class="output{extra} no-copy" data-search-exclude><span class="output__label">Output</span>'
        f'<pre tabindex="0"><code>{html.escape(example.shown.rstrip(), quote=False)}</code></pre></div>'
    )
    return shown if record.collecting else shown + _figure(example)


@loud
def other(source, language, class_name, options, md, **kwargs):
    if any(_is_python(part) for part in _parts(source)):
        raise FenceError(
            "this text is Python that nothing runs; use ```python",
            source.split("\n")[0],
        )
    return _highlight(source, language, options, md, kwargs)


def _parts(source: str):
    """Yield a text, and what it would be without prompts."""
    yield source
    yield "\n".join(re.findall(r"^\s*(?:>>>|\.\.\.) (.*)$", source, re.M))


def _is_python(source: str) -> bool:
    """Return whether a text is a Python program rather than prose or numbers."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    code = (
        *(ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign, ast.Assert, ast.Call),
        *(ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.With, ast.Raise),
    )
    return any(isinstance(node, code) for node in ast.walk(tree))


def _highlight(source, language, options, md, kwargs) -> str:
    """Return coloured code; made once, because a server shows every page again and again."""
    key = repr((source, language, sorted(options.items()), sorted(kwargs.items())))
    if key not in _HIGHLIGHTED:
        highlight = md.preprocessors["fenced_code_block"].highlight
        block = highlight(
            src=source, language=language, options=options, md=md, **kwargs
        )
        _HIGHLIGHTED[key] = slim(block)
    return _HIGHLIGHTED[key]


_HIGHLIGHTED: dict[str, str] = {}


def slim(block: str) -> str:
    """Unwrap tokens without a colour of their own: names, numbers, operators."""
    plain = r'<span class="(?:mf|mi|n|nb|nn|o|ow|p|sa|si|w)">([^<]*)</span>'
    block = re.sub(plain, r"\1", block)
    return re.sub(r'</span>(\{[^<]*\})<span class="s2">', r"\1", block)  # f-strings


def _show(example: Example, md, options: dict, kwargs: dict) -> str:
    from . import proof

    proof.require(example)
    block = _highlight(example.code, "python", options, md, kwargs)
    language = {"wrong": "wrong", "needs": "needs"}.get(example.kind, "python")
    copy = html.escape(example.program).replace("\n", "&#10;")
    block = block.replace(
        '<div class="language-python highlight">',
        f'<div class="language-{language} highlight" id="{example.anchor}" data-copy="{copy}">',
        1,
    )
    cell = _cell(example, pages.record_of(md))
    if example.kind == "wrong":
        reason = html.escape(example.note)
        badge = f'<p class="badge badge--wrong">Wrong on purpose: {reason}</p>'
        return f'<div class="example-wrong">{badge}{block}{cell}</div>'
    if example.kind == "needs":
        name = html.escape(example.note)
        block = f'<p class="badge badge--needs">Needs {name}. Run in the parity job.</p>{block}'
    if example.kind == "snippet":
        href = pages.root_of(example.page) + example.source
        name = example.source.split("/")[-1]
        block += f'<p class="example-note">The whole file: <a href="{href}" download>{name}</a></p>'
    if example.earlier:
        block += (
            '<p class="example-note">Continues the code above. '
            "The copy button gives the whole program.</p>"
        )
    block += cell
    return block if example.shown else block + _figure(example)


def _cell(example: Example, record: Record) -> str:
    """Return the element that runs a block in the page; see docs/assets/run/cell.js."""
    from . import exercises, runtime

    if example.browser:
        why = html.escape(example.browser)
        return f'<p class="example-note">Does not run in the page: {why}</p>'
    if example.kind == "needs" or not runtime.folder():
        return ""
    anchor = {other.code: other.anchor for other in record.examples}
    words = f'for="{example.anchor}"'
    if example.earlier:
        words += f' chain="{" ".join(anchor[code] for code in example.earlier)}"'
    words += " shown" if example.shown else ""
    words += " wrong" if example.kind == "wrong" else ""
    name = example.anchor.removeprefix("start-")
    if name in record.exercises and example.anchor != name:
        check = html.escape(exercises.read(example.page, name).check)
        words += f' check="{check}"'.replace("\n", "&#10;")
    return f"<run-cell {words}></run-cell>"


def _figure(example: Example) -> str:
    if not example.figure:
        return ""
    from . import execute, figures

    drawn = execute.result_of(example).figures[0]
    return figures.element(drawn, example.alt, example.caption)


# ---- line numbers: SuperFences does not pass them ------------------------------------

_FENCE = re.compile(
    r"^(?P<lead>[>\s]*(?:[-*+]\s+|\d+\.\s+)?(?:`{3,}|~{3,})[ \t]*)(?P<head>.*?)[ \t]*$"
)


def add_lines(record: Record, body: str) -> None:
    """Convert once more with each fence's line number in its header, and keep the numbers."""
    tagged = Record(record.path, record.page)
    lines = []
    for number, line in enumerate(body.split("\n"), 1):
        match = _FENCE.match(line)
        if match and re.match(r"(python|output)\b", match["head"]):
            line = f'{match["lead"]}{match["head"]} srcline="{number}"'
        lines.append(line)
    md = pages.new_markdown(tagged)
    try:
        for preprocessor in md.preprocessors:
            lines = preprocessor.run(lines)
            if preprocessor is md.preprocessors["fenced_code_block"]:
                break
    except Exception:
        return  # the untagged run has met and reported the same defect
    for line in lines:
        if re.match(r"[>\s]*(?:`{3,}|~{3,})", line):
            text = re.sub(r'\s*srcline="\d+"', "", line).strip("> ")
            record.fail(f"this fence was not understood: {text}", near=text)
    for example, with_line in zip(record.examples, tagged.examples):
        example.line, example.shown_line = with_line.line, with_line.shown_line
