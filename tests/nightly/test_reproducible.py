"""Equal sources give equal bytes, wherever and whenever they are built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sitekit import execute

ROOT = Path(__file__).resolve().parents[2]
LEAVE = {".cache", ".artifacts", "site", "node_modules"}
ELSEWHERE = {
    "LC_ALL": "POSIX",
    "TZ": "America/St_Johns",
    "PYTHONHASHSEED": "2",
    "OPENBLAS_NUM_THREADS": "1",
}


def generated(folder: str, names: list[str]) -> list[str]:
    """Return what a copy leaves out: everything installed, built or cached."""
    if Path(folder) != ROOT:
        return ["__pycache__"]
    return [name for name in names if name in LEAVE or name.startswith(".venv")]


def files_of(site: Path) -> dict[str, bytes]:
    return {
        p.relative_to(site).as_posix(): p.read_bytes()
        for p in site.rglob("*")
        if p.is_file()
    }


def test_a_cold_build_elsewhere_is_byte_identical(site, published, tmp_path):
    """Other folder, locale, time zone, umask, hash seed, thread count, no cache; same bytes."""
    root = tmp_path / "a-longer-name" / "deeper"
    shutil.copytree(ROOT, root, symlinks=True, ignore=generated)
    elsewhere = {**ELSEWHERE, "READER_PYTHON": str(execute.READER)}
    done = subprocess.run(
        [sys.executable, "-m", "sitekit", "build"],
        cwd=root,
        umask=0o077,
        env={**os.environ, **published, **elsewhere},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = files_of(site), files_of(root / "site")

    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
