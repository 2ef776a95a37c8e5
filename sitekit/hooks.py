"""MkDocs events. Only what cannot be done in Markdown: notebooks, verification, proof.json."""

import os
import re
from pathlib import Path

import jinja2
from mkdocs.exceptions import Abort
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

from sitekit import exercises, notebooks, pages, proof

os.environ.setdefault(
    "NO_MKDOCS_2_WARNING", "1"
)  # Material's notice at every build; see CONTRIBUTING


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
        for name in record.exercises:
            exercise = exercises.read(record.page, name)
            address = f"exercises/{record.page}/{name}.py"
            files.append(File.generated(config, address, content=exercise.download))
    return files


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


def on_post_page(output, page, config):
    """Name the theme's search dialog; drop its templates' blank space and needless namespaces."""
    dialog = 'data-md-component="search" role="dialog"'
    output = output.replace(dialog, f'{dialog} aria-label="Search"')
    output = output.replace(' xmlns="http://www.w3.org/2000/svg"', "")
    parts = re.split(r"(<pre\b.*?</pre>|<script\b.*?</script>)", output, flags=re.S)
    parts[::2] = [re.sub(r"\s*\n\s*", "\n", part) for part in parts[::2]]
    block = r"</?(?:article|div|footer|header|li|main|nav|ol|ul)\b[^>]*>"
    parts[::2] = [re.sub(rf"\n?({block})\n?", r"\1", part) for part in parts[::2]]
    return "".join(parts)


def on_post_build(config):
    proof.write(Path(config.site_dir))
    pages.prune("pages", "maths", "runs", "programs", "terminal")
