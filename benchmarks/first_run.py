"""From the first press of Run to its output, as a ratio to a bare page that only loads and prints.

Both in a fresh browser profile, in turns, from the same server: the bare page loads the same
Pyodide and NumPy in the same kind of worker and prints one line. A second visit of each profile
shows what the browser's own cache saves; the first one stays for STAY seconds, as a reader does,
because the browser stores compiled WebAssembly only after a while.
"""

import statistics
import sys
import tempfile
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "site"))
from conftest import BASE, BROWSERS, FLAGS, Handler  # noqa: E402

ROUNDS = 7
STAY = 3.0
WORKER = """const folder = new URL(FOLDER, import.meta.url).href;
const numpy = fetch(`${folder}numpy.zip`).then((answer) => answer.arrayBuffer());
const { loadPyodide } = await import(`${folder}pyodide.mjs`);
const python = await loadPyodide({ indexURL: folder });
python.unpackArchive(await numpy, "zip");
postMessage(python.runPython("import numpy; numpy.ones(3).sum()"));
"""
BARE = """() => new Promise((done) => {
  const begun = performance.now();
  const worker = new Worker('bare.js', {type: 'module'});
  worker.onmessage = () => done(performance.now() - begun);
})"""
RUN = """async () => {
  const begun = performance.now();
  await document.querySelector('run-cell').run();
  return performance.now() - begun;
}"""


def main() -> None:
    """Serve the built site, and time both pages in turns."""
    import shutil

    site = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "site")
    folder = next((site / "assets" / "python").iterdir()).name
    (site / "bare.js").write_text(
        WORKER.replace("FOLDER", f'"assets/python/{folder}/"')
    )
    (site / "bare.html").write_text("<!doctype html><title>bare</title>")
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(site))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}{BASE}"
    browser = next(found for name in BROWSERS if (found := shutil.which(name)))
    cold, warm = [], []
    with sync_playwright() as driver:
        for number in range(ROUNDS):
            times = {}
            pages = [("bare.html", BARE), ("", RUN)]
            for path, script in pages[:: 1 if number % 2 else -1]:
                with tempfile.TemporaryDirectory() as profile:
                    for visit in (cold, warm):
                        context = driver.chromium.launch_persistent_context(
                            profile, executable_path=browser, args=FLAGS
                        )
                        page = context.pages[0]
                        page.goto(address + path)
                        if path == "":
                            page.wait_for_selector("run-cell:defined", state="attached")
                        times[visit is cold, path] = page.evaluate(script)
                        page.wait_for_timeout(STAY * 1000 if visit is cold else 0)
                        context.close()
            for visit in (cold, warm):
                mine, bare = (times[visit is cold, path] for path in ("", "bare.html"))
                visit.append((mine / bare, mine, bare))
    for name, found in (("first visit", cold), ("later visit", warm)):
        ratio, mine, bare = (statistics.median(column) for column in zip(*found))
        print(f"{name}: {ratio:.2f} times the bare page ({mine:.0f} ms, {bare:.0f} ms)")
    for file in ("bare.js", "bare.html"):
        (site / file).unlink()


if __name__ == "__main__":
    main()
