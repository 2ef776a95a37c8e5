"""The built site, served under a sub-path as GitHub Pages does, and a real browser."""

import functools
import gzip
import http.server
import io
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE = "/dropout/"
ZIPPED = ("application/json", "application/wasm", "application/xml", "image/svg+xml")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # CI machines run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing(what: str):
    """Skip loudly; with CI set, a skipped check is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI skips nothing")
    pytest.skip(f"NOT CHECKED: {what} is missing")


class Handler(http.server.SimpleHTTPRequestHandler):
    """As GitHub Pages serves: under BASE, text and WebAssembly compressed, kept for ten minutes."""

    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".woff2": "font/woff2",
    }
    compressed: ClassVar[dict] = {}

    def translate_path(self, path):
        if not path.startswith(BASE):
            return "/nonexistent"
        return super().translate_path(path.removeprefix(BASE[:-1]))

    def send_head(self):
        path = Path(self.translate_path(self.path.split("?")[0]))
        if path.is_dir() and self.path.endswith("/"):
            path = path / "index.html"
        kind = self.guess_type(str(path))
        zipped = kind.startswith("text/") or kind in ZIPPED
        if not path.is_file() or not zipped:
            return super().send_head()
        key = (str(path), path.stat().st_mtime)
        if key not in self.compressed:
            self.compressed[key] = gzip.compress(path.read_bytes(), 6)
        body = self.compressed[key]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return io.BytesIO(body)

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def server():
    """A server whose folder is filled by the build; the address is known before."""
    folder = ROOT / ".artifacts" / "site"
    folder.mkdir(parents=True, exist_ok=True)
    handler = functools.partial(Handler, directory=str(folder))
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{httpd.server_port}{BASE}"
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture(scope="session")
def published(server):
    """What a published build is told: addresses, and a date for the site map."""
    return {
        "SITE_URL": server[1],
        "REPO_URL": "https://github.com/example/dropout-proven",
        "SOURCE_DATE_EPOCH": "1700000000",
    }


@pytest.fixture(scope="session")
def site(server, published):
    """The folder of the site, built the way it is published."""
    folder, _ = server
    done = subprocess.run(
        [sys.executable, "-m", "sitekit", "build", str(folder)],
        cwd=ROOT,
        env={**os.environ, **published},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def address(server, site):
    return server[1]


@pytest.fixture(scope="session")
def page_paths(site):
    """The address of every page, relative to the site."""
    found = sorted(path.parent.relative_to(site) for path in site.rglob("index.html"))
    return ["" if path == Path() else f"{path.as_posix()}/" for path in found]


@pytest.fixture(scope="session")
def sampled_paths(page_paths):
    """The address of every page, but of the answers, which have one form, every eighth only."""
    one_form = [
        path
        for path in page_paths
        if path.startswith("answers/") and path != "answers/"
    ]
    return [
        path for path in page_paths if path not in one_form or path in one_form[::8]
    ]


@pytest.fixture(scope="session")
def browser():
    from playwright import sync_api as playwright

    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        missing("a browser (chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Open pages in a fresh context; the test fails if one complains or asks elsewhere."""
    contexts, complaints = [], []

    def opener(path="", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: note(page, m.text) if m.type in LOUD else None)
        page.on("pageerror", lambda error: note(page, f"exception: {error}"))
        page.on("requestfailed", lambda r: failed(page, r))
        page.on("request", lambda r: r.url.startswith(GOOD) or note(page, r.url))
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        return page

    def failed(page, request):
        if "ERR_ABORTED" not in request.failure:  # the page was left before it came
            note(page, f"failed: {request.url} {request.failure}")

    def note(page, text):
        complaints.append(f"{page.url}: {text}")

    LOUD = ("error", "warning")
    GOOD = (address.removesuffix(BASE), "data:", "blob:")
    yield opener
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe():
    """The accessibility rules, as JavaScript."""
    path = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        missing("axe-core (npm)")
    return path.read_text("utf8")
