"""How long after a save does `make serve` show a text edit? Budget: 2 s, median of five."""

import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

from build_time import LEAVE, ROOT

WORK = ROOT / ".artifacts" / "edit_time"
BUDGET = 2.0
OLD = "Backward multiplies by the same scaled mask"


def page_at(address: str) -> str:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return ""


def wait_for(address: str, text: str) -> float:
    """Return the seconds until the page holds a text."""
    started = time.perf_counter()
    while text not in page_at(address):
        time.sleep(0.02)
        if time.perf_counter() - started > 120:
            raise SystemExit(f"{address} never showed {text!r}")
    return time.perf_counter() - started


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(ROOT, WORK, symlinks=True, ignore=LEAVE)
    page = WORK / "docs" / "learn" / "scaling.md"
    text = page.read_text()
    server = subprocess.Popen(
        [sys.executable, "-m", "sitekit", "serve"],
        cwd=WORK,
        env=os.environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = ""
        while "then open " not in said:
            said = server.stderr.readline()
        address = said.split("then open ")[1].split()[0] + "learn/scaling/"
        print(f"first page after {wait_for(address, OLD):.1f} s", flush=True)
        seconds = []
        for word in (
            "So",
            "Thus",
            "Hence",
            "Then",
            "Now",
        ):  # a number would need a source
            new = f"{word} backward multiplies by the same scaled mask"
            page.write_text(text.replace(OLD, new))
            seconds.append(wait_for(address, new))
            time.sleep(1)
    finally:
        server.kill()
    median = statistics.median(seconds)
    print(f"save to visible: {median:.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")
    if median > BUDGET:
        raise SystemExit(f"over the budget of {BUDGET} s")


if __name__ == "__main__":
    main()
