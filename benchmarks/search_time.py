"""From the loaded search index to the first result on the screen; and what the index weighs.

Each round is a fresh browser profile: the page opens, the search is opened, which asks for the
index, and a word is typed at PACE. The time runs from the later of two moments, the first key and
the end of the index's transfer. Budgets: 200 ms (median), 150 KB compressed.
"""

import gzip
import shutil
import statistics
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "site"))
from conftest import BASE, BROWSERS, FLAGS, Handler  # noqa: E402

ROUNDS = 9
PACE = 100  # milliseconds from key to key
INDEX = "assets/search/index.json"
SEEN = """() => {
  addEventListener("keydown", () => { window.typed ??= Date.now(); }, true);
  const seen = new MutationObserver(() => {
    if (!document.querySelector(".md-search-result__item")) return;
    seen.disconnect();
    requestAnimationFrame(() => { window.shown = Date.now(); });
  });
  seen.observe(document.querySelector(".md-search-result__list"), { childList: true });
}"""


def first_result(browser, address: str) -> float:
    """Return the milliseconds between the end of the index's transfer and the first result."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.evaluate(SEEN)
    with page.expect_request_finished(lambda r: r.url.endswith(INDEX)) as finished:
        page.locator(".md-search__input").click()
        page.keyboard.type("dropout", delay=PACE)
    page.wait_for_function("window.shown")
    timing = finished.value.timing
    loaded = timing["startTime"] + timing["responseEnd"]
    typed = page.evaluate("window.typed")
    took = page.evaluate("window.shown") - max(loaded, typed)
    context.close()
    return took


def main() -> None:
    """Serve the built site and measure."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "site")
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(site))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}{BASE}"
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        took = [first_result(browser, address) for _ in range(ROUNDS)]
        browser.close()
    weight = len(gzip.compress((site / INDEX).read_bytes(), 9)) / 1000
    print(
        f"search: first result {statistics.median(took):.0f} ms after the index"
        f" ({min(took):.0f} to {max(took):.0f} ms, {ROUNDS} fresh profiles; budget 200 ms);"
        f" index {weight:.0f} KB compressed (budget 150 KB)"
    )


if __name__ == "__main__":
    main()
