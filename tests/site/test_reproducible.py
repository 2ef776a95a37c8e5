"""Equal sources give equal bytes, wherever and whenever they are built."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from sitekit import execute

ROOT = Path(__file__).resolve().parents[2]
LEAVE = {".git", ".cache", ".artifacts", "site", "node_modules"}
HERE = {
    "LC_ALL": "C.UTF-8",
    "TZ": "Pacific/Kiritimati",
    "PYTHONHASHSEED": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
THERE = {
    "LC_ALL": "POSIX",
    "TZ": "America/St_Johns",
    "PYTHONHASHSEED": "2",
    "OPENBLAS_NUM_THREADS": "2",
}


def generated(folder: str, names: list[str]) -> list[str]:
    """Return what a copy leaves out: everything installed, built or cached."""
    if Path(folder) != ROOT:
        return ["__pycache__"]
    return [name for name in names if name in LEAVE or name.startswith(".venv")]


def start(root: Path, umask: int, settings: dict) -> subprocess.Popen:
    """Begin a build from nothing in a copy of the project."""
    shutil.copytree(ROOT, root, symlinks=True, ignore=generated)
    return subprocess.Popen(
        [sys.executable, "-m", "sitekit", "build"],
        cwd=root,
        umask=umask,
        env={
            **os.environ,
            **settings,
            "SOURCE_DATE_EPOCH": "1700000000",
            "READER_PYTHON": str(execute.READER),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def files_of(site: Path) -> dict[str, bytes]:
    return {
        p.relative_to(site).as_posix(): p.read_bytes()
        for p in site.rglob("*")
        if p.is_file()
    }


def test_two_cold_builds_are_byte_identical(tmp_path):
    """Other folder, locale, time zone, umask, hash seed and thread count; same bytes."""
    one, two = tmp_path / "a", tmp_path / "a-longer-name" / "deeper"
    builds = [start(one, 0o022, HERE), start(two, 0o077, THERE)]
    for build in builds:
        said, _ = build.communicate()
        assert build.returncode == 0, said
    first, second = files_of(one / "site"), files_of(two / "site")

    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
