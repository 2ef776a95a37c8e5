"""A second browser: formulas, an interactive figure and Run in Firefox."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.site.conftest import missing


def test_formulas_figures_and_run_work_in_firefox(site, address):
    """One page: a formula has its height, the figure answers, Run prints what was tested."""
    browser = shutil.which("firefox-esr") or shutil.which("firefox")
    if browser is None or shutil.which("node") is None:
        missing("firefox or node")
    script = Path(__file__).with_name("firefox.mjs")
    done = subprocess.run(
        ["node", script, browser, address], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    assert (found["state"], found["same"]) == ("done", "true"), found
    assert found["formula"] > 15
    assert found["figure"] > 50
    assert found["moved"]
    assert found["complaints"] == []
