"""The repository itself: its commands, its locks, its workflows, what it must not contain."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from sitekit.pages import ROOT

LINTERS = ROOT / ".venv-workflows" / "bin"
HOSTS = "|".join(
    [
        "py" + "pi[.]org",
        "python" + "hosted[.]",
        "regis" + "try[.]npm",
        "deb[.]deb" + "ian",
    ]
)


def tracked() -> list[str]:
    if not (ROOT / ".git").exists() and not os.environ.get("CI"):
        pytest.skip("NOT CHECKED: this is not a git checkout")
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_no_file_names_the_host_of_a_package_registry():
    for name in tracked():
        if (ROOT / name).is_file() and not name.endswith((".woff2", ".js")):
            text = (ROOT / name).read_text("utf8")
            assert not re.search(HOSTS, text), name


def test_nothing_generated_and_nothing_large_is_committed():
    large = [
        n
        for n in tracked()
        if (ROOT / n).is_file() and (ROOT / n).stat().st_size > 500_000
    ]
    generated = [
        n for n in tracked() if n.startswith(("site/", ".cache/", "node_modules/"))
    ]

    assert large == []
    assert generated == []


@pytest.mark.parametrize("name", ["all", "reader", "lowest", "workflows"])
def test_every_locked_package_has_hashes(name):
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf8")
    blocks = re.split(r"\n(?=\S)", text.replace("\\\n", " "))

    assert len(blocks) >= 3
    assert all("--hash=sha256:" in block for block in blocks if block.strip())
    assert "://" not in text


def test_every_dependency_is_locked():
    """What pyproject.toml asks for by name is in the lock of its group."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))[
        "dependency-groups"
    ]
    locked = (ROOT / "requirements" / "all.txt").read_text("utf8")
    for group in ("reader", "site", "test", "all"):
        for entry in groups[group]:
            if isinstance(entry, str):
                name = re.match(r"[\w-]+", entry)[0]
                assert re.search(rf"^{name}==", locked, re.M), name


def test_every_command_of_the_contract_exists():
    text = (ROOT / "Makefile").read_text("utf8")
    for name in [
        "serve",
        "test",
        "site",
        "nightly",
        "update",
        "bench",
        "experiments",
        "parity",
        "lock",
    ]:
        assert re.search(rf"^{name}:.*## ", text, re.M), name


def test_the_vendored_tex_engine_is_the_published_file():
    """The hash of Temml's file is the one in vendor/README.md."""
    import hashlib

    folder = ROOT / "sitekit" / "vendor"
    digest = hashlib.sha256((folder / "temml.min.js").read_bytes()).hexdigest()
    assert digest in (folder / "README.md").read_text("utf8")


def test_the_npm_lock_names_no_host_and_pins_by_integrity():
    packages = json.loads((ROOT / "package-lock.json").read_text("utf8"))["packages"]
    for name, entry in packages.items():
        assert "resolved" not in entry, name
        assert not name or entry["integrity"].startswith("sha512-"), name


def linter(name: str) -> str:
    path = LINTERS / name
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing, and CI skips nothing")
        pytest.skip(f"NOT CHECKED: {name} is missing (make workflow-parts)")
    return str(path)


def run(*command: str) -> None:
    environment = {**os.environ, "PATH": f"{LINTERS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_are_correct():
    run(
        linter("actionlint"),
        *map(str, sorted((ROOT / ".github/workflows").glob("*.yml"))),
    )


def test_workflows_are_safe():
    options = [
        "--offline",
        "--persona=pedantic",
        "--strict-collection",
        "--collect=all",
    ]
    run(linter("zizmor"), *options, ".github")


def test_shell_scripts_are_clean():
    run(linter("shellcheck"), ".ci/run")


def test_every_action_is_pinned_by_hash():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        for used in re.findall(r"uses:\s*(\S+)", path.read_text("utf8")):
            assert used.startswith("./") or re.search(r"@[0-9a-f]{40}$", used), used


def test_ci_calls_the_command_of_the_readme():
    assert "exec make test" in (ROOT / ".ci" / "run").read_text("utf8")
    assert shutil.which("bash")


def test_a_plain_run_collects_every_test_file():
    """No pattern in the settings hides a folder: `make test` runs all but the nightly tests."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    collected = {line.split("::")[0] for line in done.stdout.splitlines()}
    files = {
        p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("test_*.py")
    }
    hidden = {name for name in files - collected if "/nightly/" not in name}

    assert done.returncode == 0, done.stdout[-2000:]
    assert hidden == set()
