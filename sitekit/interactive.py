"""Figures that answer, in Markdown:

    /// interactive | mask-machine
        caption: "..."
        seed: 3
    ///

stands for the element <mask-machine> of docs/assets/figures/mask-machine.js. Its first drawing is
made here by the same code, for readers without JavaScript; tests/figures compares its numbers.
"""

from __future__ import annotations

import functools
import hashlib
import html
import json
import shutil
import subprocess

from pymdownx.blocks.block import Block, type_any

from . import pages

FOLDER = pages.DOCS / "assets" / "figures"
FRAMEWORKS = pages.DOCS / "practice" / "results" / "frameworks.json"  # one reads it
STILL = pages.ROOT / "sitekit" / "browser" / "still.mjs"


class InteractiveBlock(Block):
    NAME = "interactive"
    ARGUMENT = True
    OPTIONS = {"caption": ["", type_any], "seed": [1, type_any]}

    def on_create(self, parent):
        from xml.etree import ElementTree

        return ElementTree.SubElement(parent, "div", {"class": "generated"})

    def on_end(self, block):
        record, name = pages.record_of(self.md), self.argument.strip()
        caption = str(self.options["caption"])
        if not (FOLDER / f"{name}.js").exists():
            record.fail(f"there is no figure {name}", near=f"interactive | {name}")
            return
        if len(caption) < 20:
            record.fail(f"{name} needs a caption:", near=f"interactive | {name}")
        if record.collecting:
            return
        made = element(name, int(self.options["seed"]), caption)
        block.text = self.md.htmlStash.store(made)


def element(name: str, seed: int, caption: str) -> str:
    """Return the HTML of a figure as it is before anybody touches it."""
    shown = still(name, seed)
    said = html.escape(shown["said"])
    width, height = shown["box"]
    label = f"Drawing, told below: {name.replace('-', ' ')}"  # the sentence says the numbers
    return (
        f'<figure class="figure interactive" data-search-exclude><{name} seed="{seed}">'
        f'<svg class="figure__svg" role="img" viewBox="0 0 {width} {height}" aria-label="{label}">'
        f'{shown["svg"]}</svg><p class="interactive__said">{said}</p></{name}>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


@functools.cache
def still(name: str, seed: int) -> dict:
    """Return a figure's first drawing; an empty one where Node.js is missing."""
    node = shutil.which("node")
    if node is None:
        return {"svg": "", "said": "This figure needs JavaScript.", "box": [400, 10]}
    files = [FOLDER / f"{name}.js", FOLDER / "base.js", STILL, FRAMEWORKS]
    key = hashlib.sha256(b"".join(file.read_bytes() for file in files))
    key.update(str(seed).encode())

    def make() -> dict:
        request = json.dumps({"file": str(files[0]), "seed": seed})
        done = subprocess.run(
            [node, str(STILL)], input=request, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"the figure {name} cannot be drawn: {done.stderr}")
        shown = json.loads(done.stdout)
        return {part: shown[part] for part in ("svg", "said", "box")}

    return pages.cached("stills", key.hexdigest(), make)
