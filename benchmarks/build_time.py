"""Build time of 40 pages: with the engine, and with the same plugins and stock fences.

Copies the learner's pages until there are 40, builds both sites warm and in turn, whole
processes, and prints the ratio. Budget: the engine adds at most 60 %.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".artifacts" / "build_time"
PAGES, ROUNDS, BUDGET = 40, 5, 1.6
LEAVE = shutil.ignore_patterns(
    ".git", ".venv*", ".artifacts", "site", "node_modules", "__pycache__"
)


def make_engine_arm() -> Path:
    """A copy of the project with 40 pages more; no notebook and no exercise, which stock lacks."""
    arm = WORK / "engine"
    shutil.copytree(ROOT, arm, symlinks=True, ignore=LEAVE)
    docs = arm / "docs"

    def without_notebook(match: re.Match) -> str:
        if "experiments/" not in match[0]:
            return match[0]
        return re.sub(
            r"    proof: .*", '    proof: "@srivastava2014"', match[0]
        ).replace(f"kind: {match[2]}", "kind: cited")

    for path in docs.rglob("*.md"):
        text = re.sub(r"^/// exercise \|.*\n///\n", "", path.read_text(), flags=re.M)
        text = re.sub(
            r"^/// claim \| (\S+)\n    kind: (\w+)\n(?:.*\n)*?///\n",
            without_notebook,
            text,
            flags=re.M,
        )
        here = "mask.md" if path.parent.name == "learn" else "index.md"
        here = "../index.md" if path.parent.name == "reference" else here
        path.write_text(
            re.sub(r"\([./]*(?:experiments/)?[\w-]+\.py[^)]*\)", f"({here})", text)
        )
    originals = sorted((docs / "learn").glob("*.md"))
    nav = []
    for number in range(PAGES):
        text = originals[number % len(originals)].read_text()
        text = re.sub(
            r"^/// claim \| (.*)$", rf"/// claim | \1-{number}", text, flags=re.M
        )
        text = re.sub(r"\(#claim-[^)]*\)", "(mask.md)", text)
        (docs / "learn" / f"page-{number}.md").write_text(text)
        nav.append(f"      - learn/page-{number}.md")
    config = (arm / "mkdocs.yml").read_text()
    config = re.sub(r"  - Experiments:\n(?:      - .*\n)+", "", config)
    config = config.replace(
        "      - learn/mask.md\n", "      - learn/mask.md\n" + "\n".join(nav) + "\n"
    )
    (arm / "mkdocs.yml").write_text(config)
    for path in (docs / "experiments").glob("*.py"):
        path.unlink()
    for path in (arm / "exercises").rglob("*.md"):
        path.unlink()
    return arm


def make_stock_arm(engine: Path) -> Path:
    """The same pages: stock fences, no hooks, no engine extension; formulas stay TeX."""
    arm = WORK / "stock"
    shutil.copytree(engine, arm, symlinks=True, ignore=LEAVE)
    config = (arm / "mkdocs.yml").read_text()
    config = re.sub(r"      custom_fences:\n.*?(?=  - sitekit)", "", config, flags=re.S)
    config = config.replace("  - sitekit.claims\n", "").replace(
        "hooks: [sitekit/hooks.py]\n", ""
    )
    (arm / "mkdocs.yml").write_text(config)
    for path in (arm / "docs").rglob("*.md"):
        text = re.sub(r"```python .*", "```python", path.read_text())
        path.write_text(text.replace("```output", "```text"))
    return arm


def build(arm: Path, command: list[str]) -> float:
    """Return the seconds of one whole build process."""
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=arm,
        env=environment,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return seconds


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    engine = make_engine_arm()
    stock = make_stock_arm(engine)
    commands = {engine: ["sitekit", "build"], stock: ["mkdocs", "build", "--quiet"]}
    for arm, command in commands.items():
        print(f"warm up {arm.name}: {build(arm, command):.1f} s", flush=True)
    seconds = {arm: [] for arm in commands}
    for number in range(1, ROUNDS + 1):
        for arm, command in commands.items():
            seconds[arm].append(build(arm, command))
        print(f"round {number} of {ROUNDS}", flush=True)
    ratios = [a / b for a, b in zip(seconds[engine], seconds[stock])]
    ratio = statistics.median(ratios)
    for arm, measured in seconds.items():
        print(f"{arm.name:6} {statistics.median(measured):.2f} s")
    print(
        f"engine / stock at {PAGES} pages: {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )
    if ratio > BUDGET:
        raise SystemExit(f"over the budget of {BUDGET}")


if __name__ == "__main__":
    main()
