"""MkDocs events. Only what cannot be done in Markdown: notebooks, verification, proof.json."""

import base64
import hashlib
import os
import re
from pathlib import Path

import jinja2
from mkdocs.exceptions import Abort
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

from sitekit import (
    downloads,
    exercises,
    machines,
    notebooks,
    pages,
    proof,
    runtime,
    search,
)

os.environ.setdefault(
    "NO_MKDOCS_2_WARNING", "1"
)  # Material's notice at every build; see CONTRIBUTING


# Said in every page. A page may run the site's own files, the theme's inline scripts by their
# hashes, and WebAssembly; it asks no other host for anything. Figures have style attributes.
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' {scripts}; worker-src 'self' blob:;"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; frame-src 'none';"
    " base-uri 'self'; form-action 'self'"
)
INLINE = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.*?)</script>", re.S)
CHARSET = '<meta charset="utf-8">'
scripts: set[str] = set()
serving = False


def on_startup(command, dirty):
    global serving
    serving = command == "serve"


def on_config(config):
    notebooks.configure(config)
    if repository := os.environ.get("REPO_URL"):
        config.edit_uri = f"{repository.rstrip('/')}/edit/main/docs/"
    return config


def on_pre_build(config):
    proof.forget()
    problems = proof.verify()
    if problems:
        raise Abort(
            "\n".join([f"{len(problems)} problem(s); nothing is published:", *problems])
        )


@event_priority(100)  # before mkdocs-jupyter marks which files are notebooks
def on_files(files, config):
    for path in pages.notebook_paths():
        source = path.relative_to(pages.DOCS).as_posix()
        made = notebooks.download(config, source)
        made.inclusion = files.get_file_from_path(source).inclusion
        files.remove(files.get_file_from_path(source))
        files.append(made)
    for record in pages.all_records().values():
        if text := record.path.endswith(".md") and downloads.program(record):
            address = f"{record.page}.py"
            files.append(File.generated(config, address, content=text))
        for name in record.exercises:
            exercise = exercises.read(record.page, name)
            address = f"exercises/{record.page}/{name}.py"
            files.append(File.generated(config, address, content=exercise.download))
    if made := runtime.folder():
        content = runtime.constants(made)
        files.append(File.generated(config, "assets/run/runtime.js", content=content))
        for path in sorted(made.iterdir()):
            address = f"assets/python/{made.name}/{path.name}"
            files.append(File.generated(config, address, abs_src_path=str(path)))
    return files


def on_nav(nav, config, files):
    machines.begin(nav, files)
    return nav


def on_env(env, config, files):
    """Keep the theme's compiled templates: a server would compile them for every change."""
    folder = pages.CACHE / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    env.bytecode_cache = jinja2.FileSystemBytecodeCache(str(folder))
    return env


def on_page_content(content, page, config, files):
    if page.file.src_uri.endswith(".py"):
        try:
            return notebooks.page_content(content, page, config, files)
        except pages.PageError as error:
            raise Abort(str(error)) from None
    return content


def on_page_context(context, page, config, nav):
    search.note(page)
    return {**context, "machines": machines.about(page, config)}


def on_post_page(output, page, config):
    """Name the theme's search dialog; drop its templates' blank space and needless namespaces."""
    output = search.use_own_worker(output)
    dialog = 'data-md-component="search" role="dialog"'
    output = output.replace(dialog, f'{dialog} aria-label="Search"')
    output = output.replace(' xmlns="http://www.w3.org/2000/svg"', "")
    parts = re.split(r"(<pre\b.*?</pre>|<script\b.*?</script>)", output, flags=re.S)
    parts[::2] = [re.sub(r"\s*\n\s*", "\n", part) for part in parts[::2]]
    block = r"</?(?:article|div|footer|header|li|main|nav|ol|ul)\b[^>]*>"
    parts[::2] = [re.sub(rf"\n?({block})\n?", r"\1", part) for part in parts[::2]]
    return _collect_scripts("".join(parts))


def on_post_template(output, template_name, config):
    output = search.use_own_worker(output)
    return _collect_scripts(output) if template_name == "404.html" else output


def _collect_scripts(output: str) -> str:
    """Note the hashes of a page's inline scripts."""
    for found in INLINE.finditer(output):
        data = (
            "src=" in found["attributes"] or "application/json" in found["attributes"]
        )
        if not data and found["code"].strip():
            digest = hashlib.sha256(found["code"].encode()).digest()
            scripts.add(f"'sha256-{base64.b64encode(digest).decode()}'")
    return output


def _write_policies(folder: Path) -> None:
    """Say the policy in all pages: the theme shows one page inside of another's document."""
    # The development server adds a script of its own to each page.
    allowed = "'unsafe-inline'" if serving else " ".join(sorted(scripts))
    policy = POLICY.format(scripts=allowed)
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    for path in folder.rglob("*.html"):
        text = path.read_text("utf8")
        if CHARSET not in text:
            raise Abort(
                f"{path.name} has no {CHARSET} to put the security policy after"
            )
        path.write_text(text.replace(CHARSET, CHARSET + meta, 1), "utf8")


def on_post_build(config):
    _write_policies(Path(config.site_dir))
    proof.write(Path(config.site_dir))
    search.write(Path(config.site_dir))
    machines.write(config)
    pages.prune("pages", "maths", "runs", "programs", "terminal", "stills")
