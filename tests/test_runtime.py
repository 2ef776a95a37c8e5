"""Python for the page: made of the packages that were checked, or not at all."""

import shutil

import pytest

from sitekit import interactive, runtime


@pytest.fixture(autouse=True)
def anew():
    """Ask again: the answer is kept during a build."""
    runtime.folder.cache_clear()
    yield
    runtime.folder.cache_clear()


def test_another_wheel_is_refused(monkeypatch, tmp_path):
    """One byte more, and nothing is built from it."""
    if not runtime.WHEEL.exists():
        pytest.skip("NOT CHECKED: npm's packages are missing")
    wheel = tmp_path / runtime.NAME
    wheel.write_bytes(runtime.WHEEL.read_bytes() + b"x")
    monkeypatch.setattr(runtime, "WHEEL", wheel)
    monkeypatch.setattr(runtime.pages, "CACHE", tmp_path / "cache")

    with pytest.raises(runtime.RuntimePartsError, match="not the wheel that was check"):
        runtime.folder()
    assert not list((tmp_path / "cache").rglob("*.zip"))


def test_without_npm_packages_the_build_says_so(monkeypatch, tmp_path, capsys):
    """No folder, and one sentence about what is missing."""
    monkeypatch.setattr(runtime, "WHEEL", tmp_path / "none")

    assert runtime.folder() is None
    assert runtime.folder() is None
    said = "".join(capsys.readouterr())
    assert said.count("the site is built WITHOUT Run buttons") == 1


def test_without_node_figures_have_no_first_drawing(monkeypatch, capsys):
    """The build says so; the figure's place says what it needs."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    interactive.still.cache_clear()
    try:
        assert runtime.folder() is None
        assert "needs JavaScript" in interactive.element("mask-machine", 1, "caption")
    finally:
        interactive.still.cache_clear()
    assert "Node.js is missing" in "".join(capsys.readouterr())


def test_the_folder_is_named_after_its_content(monkeypatch):
    """A new rule of pruning gives a new address, so no browser mixes old and new files."""
    before = runtime._name()
    monkeypatch.setattr(runtime, "WHEEL_SHA256", "0" * 64)

    assert runtime._name() != before
    assert before.startswith("pyodide-0.29.")


def test_the_page_is_told_folder_and_weight(tmp_path):
    """Megabytes as they come over the wire, rounded up."""
    made = tmp_path / "pyodide-1"
    made.mkdir()
    (made / "numpy.zip").write_bytes(bytes(range(256)) * 8000)  # 2.05 MB, as it is
    (made / "pyodide.asm.js").write_bytes(b" " * 3_000_000)  # text, compressed

    assert 2.0 < runtime.megabytes(made) < 2.1
    told = runtime.constants(made)
    assert 'FOLDER = "../python/pyodide-1/"' in told
    assert "MEGABYTES = 3;" in told
