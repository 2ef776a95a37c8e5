"""Python in the page: Run, Edit, Reset and Stop, exercises that check, and what readers break."""

import gzip
import http.server
import json
import subprocess
import sys
import threading

import pytest

from sitekit import exercises, pages

FIRST = "index"
FAST = ("", "learn/scaling/", "practice/pitfalls/no-scale/")
# Every block of a page, by its own Run; what the page then says, and what it printed if that differs.
RUN_ALL = """async () => {
  const found = [];
  for (const cell of document.querySelectorAll('run-cell')) {
    await cell.run();
    const same = cell.dataset.same === 'true';
    found.push([cell.getAttribute('for'), same, same ? '' : cell.status.textContent + cell.out.textContent]);
  }
  return found;
}"""
# Code in the editor of a block, run to its end; what the page then says and shows.
TRY = """async ([code, milliseconds]) => {
  const cell = document.querySelector('run-cell');
  await cell.edit();
  const area = document.querySelector('textarea.run-editor');
  area.value = code;
  area.dispatchEvent(new Event('input'));
  const done = cell.run();
  if (milliseconds) setTimeout(() => cell.stop(), milliseconds);
  await done;
  return {state: cell.dataset.state, status: cell.status.textContent, out: cell.out.innerText};
}"""
RESET = "() => document.querySelector('run-cell').reset()"


@pytest.fixture
def open_cells(open_page):
    """Open a page whose blocks can be run."""

    def opener(path="", **options):
        page = open_page(path, **options)
        page.wait_for_selector("run-cell:defined", state="attached")
        return page

    return opener


def test_nothing_of_python_is_loaded_before_the_first_run(open_page):
    """The page with all its blocks asks for no file of Python's; its button says what Run costs."""
    asked = []
    page = open_page("learn/scaling/")
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector("run-cell:defined", state="attached")
    page.wait_for_load_state("networkidle")

    assert not [
        url for url in asked if "/assets/python/" in url or "/run/worker" in url
    ]
    label = page.locator("run-cell button", has_text="Run").first.inner_text()
    assert label == "Run (10 MB once)"


def test_a_first_run_downloads_at_most_nine_and_a_half_megabytes(open_cells):
    """All bodies as they come over the wire, the worker and Python with NumPy."""
    page = open_cells()
    client = page.context.new_cdp_session(page)
    del client  # the sizes come from the responses, also of the worker
    sizes = {}
    page.context.on("response", lambda r: sizes.update({r.url: size_of(r)}))
    page.evaluate(RUN_ALL)

    python = {url: size for url, size in sizes.items() if "/assets/python/" in url}
    assert {url.split("/")[-1] for url in python} == {
        *("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "pyodide-lock.json"),
        *("python_stdlib.zip", "numpy.zip"),
    }
    assert 5e6 < sum(python.values()) <= 9.5e6


def size_of(response) -> int:
    return int(response.headers["content-length"])


@pytest.mark.parametrize("path", FAST)
def test_blocks_give_in_the_page_what_was_tested(open_cells, path):
    """Pressing Run on each: the same output, or the same error for wrong code."""
    found = open_cells(path).evaluate(RUN_ALL)

    assert found
    assert [one for one in found if not one[1]] == []


def test_what_has_no_run_button_is_listed_and_rare():
    """Of the plain blocks at most 3 %; a framework's never has one. The page gives the reason."""
    blocks = [
        example
        for record in pages.all_records().values()
        for example in record.examples
        if example.kind in ("fence", "snippet", "wrong", "needs")
    ]
    plain = [one for one in blocks if one.kind != "needs"]
    without = [one for one in plain if one.browser]
    frameworks = [one for one in blocks if one.kind == "needs"]

    assert len(without) <= 0.03 * len(plain)
    assert all(one.note for one in frameworks)


def test_an_edit_is_run_copied_kept_and_taken_back(open_cells):
    """The copied program holds the edit, also below; it survives another page and ends with Reset."""
    page = open_cells("", permissions=["clipboard-read", "clipboard-write"])
    tested = page.evaluate("() => document.querySelector('.highlight').dataset.copy")
    page.get_by_role("button", name="Edit code block 1").click()
    area = page.locator("textarea.run-editor")
    area.wait_for()
    area.fill("x, keep_prob, rng = 1.0, 0.25, None\nprint('edited', keep_prob)")
    area.press("Control+Enter")
    page.wait_for_selector('run-cell[data-state="done"]')

    cell = page.locator("run-cell").first
    assert "edited 0.25" in cell.locator(".run-out").inner_text()
    assert "Edited" in cell.locator(".run-status").inner_text()
    mark = "# Edited in the page: this is not the tested code.\n"
    assert copied(page, 0).startswith(mark + "x, keep_prob, rng = 1.0, 0.25, None\n")
    assert "print('edited', keep_prob)\n\n" in copied(page, 1)  # it continues the first

    page.locator(".md-tabs__link", has_text="Learn").click()
    page.wait_for_url("**/learn/why/")
    page.go_back()
    page.wait_for_selector("run-cell:defined", state="attached")
    page.wait_for_selector(".highlight.edited")
    assert "edited" in page.locator(".highlight code").first.inner_text()
    assert "print('edited', keep_prob)\n\n" in copied(page, 1)

    page.get_by_role("button", name="Reset code block 1").click()
    assert copied(page, 0).strip() == tested.strip()
    assert page.locator("run-cell + .output").first.is_visible()


def copied(page, number: int) -> str:
    """Return what the theme's copy button puts on the clipboard."""
    page.evaluate("() => navigator.clipboard.writeText('')")
    button = ".md-clipboard, button[data-md-type=copy]"
    block = page.locator(".language-python.highlight").nth(number)
    block.hover()
    block.locator(button).click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()) !== ''")
    return page.evaluate("navigator.clipboard.readText()")


ABUSE = {  # code, milliseconds until Stop, how it ends, what is printed, what the page says
    "endless loop": ("print('a', end='')\nwhile True: pass", 3000, "stopped", "a", ""),
    "printed before": (
        "for i in range(400): print(i)\nwhile True: pass",
        3000,
        "stopped",
        "\n399",
        "Stopped. Run starts Python anew.",
    ),
    "endless printing": (
        "while True: print('x' * 50)",
        3000,
        "stopped",
        "cut here",
        "",
    ),
    "endless drawing": (
        "import matplotlib.pyplot as plt\nwhile True:\n    plt.plot([1, 2]); plt.show()",
        3000,
        "stopped",
        "cut here: more than 20 drawings",
        "",
    ),
    "recursion": ("def f(): return f()\nf()", 0, "error", "RecursionError", "Your"),
    "huge array": ("import numpy as np\nnp.ones(10**12)", 0, "error", "Error", ""),
    "huge message": ("raise ValueError('x' * 5_000_000)", 0, "error", "cut here", ""),
    "exit": ("import sys\nsys.exit(3)", 0, "error", "SystemExit", ""),
    "hard exit": ("import os\nos._exit(1)", 0, "failed", "", "Python ended"),
    "missing module": ("import scipy", 0, "error", "library and NumPy only", ""),
    "syntax": ("print('x'\n", 0, "error", "SyntaxError", ""),
    "input": ("input()", 0, "error", "EOFError", ""),
    "traceback": ("def f():\n    1 / 0\nf()", 0, "error", "line 2, in f", "an error"),
    "group": (
        """import json
try: json.loads('{')
except ValueError as e: raise ExceptionGroup('two', [e])""",
        0,
        "error",
        "ExceptionGroup: two",
        "",
    ),
    "unprintable": (
        "class E(Exception):\n    def __str__(self): 1 / 0\nraise E",
        0,
        "error",
        "E",
        "an error",
    ),
    "threads": (
        "import threading\nthreading.Thread(target=print).start()",
        0,
        "error",
        "no threads",
        "",
    ),
    "asyncio": (
        "import asyncio\nasync def f(): pass\nasyncio.run(f())",
        0,
        "error",
        "asyncio.run does not work",
        "",
    ),
    "no output": (
        "import io, sys\nsys.stdout = sys.stderr = io.StringIO()",
        0,
        "done",
        "",
        "Your version ran",
    ),
}


def test_abuse_gets_a_clear_message_and_the_next_run_works(open_cells):
    """Loops, floods, exits, errors: the page lives, says what happened, and runs on."""
    page = open_cells()
    page.evaluate(RUN_ALL)  # Python is there
    for name, (code, milliseconds, state, text, says) in ABUSE.items():
        found = page.evaluate(TRY, [code, milliseconds])
        assert found["state"] == state, (name, found)
        assert text in found["out"], (name, found)
        assert says in found["status"], (name, found)
        assert "decoder.py" not in found["out"], name
        assert len(found["out"]) < 25_000, name
        assert "pyodide" not in found["out"], (name, found)  # only the reader's lines
        after = page.evaluate(TRY, ["print(6 * 7)", 0])
        assert (after["state"], "42" in after["out"]) == ("done", True), (name, after)


def test_hostile_output_stays_text(browser, address):
    """Tags, handlers, links and control characters are shown or dropped, never obeyed."""
    context = browser.new_context()
    page = context.new_page()  # the policy tells the console what it refuses
    page.goto(address)
    page.wait_for_selector("run-cell:defined", state="attached")
    page.evaluate("() => { window.hit = 0; }")
    code = (
        "print('<img src=x onerror=\"window.hit=1\"><script>window.hit=2</script>')\n"
        "print('a\\x1b[31mred\\x07 \\u202eright to left')\n"
        "class Picture:\n    def _repr_svg_(self):\n"
        '        return (\'<svg xmlns="http://www.w3.org/2000/svg" onload="window.hit=3">\'\n'
        "                '<script>window.hit=4</script><a href=\"javascript:window.hit=5\">'\n"
        "                '<text>link</text></a><foreignObject><b>no</b></foreignObject>'\n"
        '                \'<rect width="5" height="5" onclick="window.hit=6" style="x"/></svg>\')\n'
        "Picture()"
    )
    found = page.evaluate(TRY, [code, 0])
    out = page.locator("run-cell .run-out").first

    assert "<img src=x" in found["out"]
    assert "\x1b" not in found["out"]
    assert "\u202e" not in found["out"]
    assert out.locator("img, script, a, foreignObject, b").count() == 0
    assert out.locator("svg rect").count() == 1
    names = out.locator("svg rect").evaluate("e => e.getAttributeNames()")
    assert set(names) == {"width", "height"}
    assert page.evaluate("() => window.hit") == 0
    context.close()


def test_a_worker_that_was_killed_is_replaced(open_cells):
    """Stop is always there; after it the next Run has a new Python."""
    page = open_cells()
    page.evaluate(RUN_ALL)
    found = page.evaluate(TRY, ["import js\njs.close()\nwhile True: pass", 2000])
    assert found["state"] == "stopped"
    assert "42" in page.evaluate(TRY, ["print(42)", 0])["out"]


@pytest.fixture
def other_host():
    """Another host, and what it was asked for."""
    asked = []

    class Note(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    httpd = http.server.HTTPServer(("127.0.0.1", 0), Note)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/", asked
    httpd.shutdown()
    httpd.server_close()


def test_python_in_the_page_is_under_the_policy_too(browser, address, other_host):
    """Code that a reader pastes cannot build JavaScript from text or ask another host."""
    host, asked = other_host
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("run-cell:defined", state="attached")

    found = page.evaluate(TRY, ["import js\nprint(js.eval('6 * 7'))", 0])
    assert found["state"] == "error"
    assert "42" not in found["out"]
    code = (
        f"import js\nr = js.XMLHttpRequest.new()\nr.open('GET', '{host}', False)\n"
        "r.send()\nprint(r.status)"
    )
    assert page.evaluate(TRY, [code, 0])["state"] == "error"
    assert asked == []
    context.close()


def test_tested_code_runs_as_tested_whatever_an_edit_did(open_cells):
    """An edit that changes NumPy, or leaves names, does not reach the tested code or a check."""
    page = open_cells("learn/mask/")
    code = "import numpy as np\nnp.random.default_rng = None\nprint = None"
    assert page.evaluate(TRY, [code, 0])["state"] == "done"
    page.evaluate(RESET)
    found = page.evaluate(RUN_ALL)
    assert [one for one in found if not one[1]] == []

    left = """async (name) => {
      const cell = (part) => document.querySelector(`run-cell[for="${part}-${name}"]`);
      await cell('solution').run();
      await cell('start').edit();
      const area = document.querySelector(`#start-${name} textarea`);
      area.value = '# nothing';
      area.dispatchEvent(new Event('input'));
      await cell('start').run(true);
      return [cell('solution').dataset.state, cell('start').dataset.state];
    }"""
    assert page.evaluate(left, "chance-dropped") == ["done", "error"]


def test_leaving_and_resetting_end_what_runs(open_cells):
    """A loop, and a block that waits for it: Reset ends the loop; so does another page."""
    page = open_cells()
    page.evaluate(RUN_ALL)
    loop = """() => {
      const [first, second] = document.querySelectorAll('run-cell');
      return first.edit().then(() => {
        const area = document.querySelector('textarea.run-editor');
        area.value = 'while True: pass';
        area.dispatchEvent(new Event('input'));
        first.run();
        second.run();
      });
    }"""
    states = (
        "() => [...document.querySelectorAll('run-cell')].map(c => c.dataset.state)"
    )
    page.evaluate(loop)
    page.wait_for_selector('run-cell[data-state="running"]')
    assert page.evaluate(states)[:2] == ["running", "waiting"]
    page.get_by_role("button", name="Stop code block 2").click()  # the one that waits
    assert page.evaluate(states)[:2] == ["running", "stopped"]
    page.get_by_role("button", name="Reset code block 1").click()
    page.wait_for_selector('run-cell[data-state="idle"]')
    assert page.evaluate(RUN_ALL)[0][1]

    page.evaluate(loop)
    page.evaluate("() => { document.querySelector('run-cell').dataset.old = ''; }")
    page.locator(".md-tabs__link", has_text="Learn").click()
    page.wait_for_function(
        "() => !document.querySelector('[data-old]') && document.querySelector('run-cell')?.bar"
    )
    run = "() => document.querySelector('run-cell').run()"
    page.evaluate(run)
    assert page.evaluate(states)[0] == "done"


def test_what_was_remembered_may_be_broken(open_cells):
    """A spoilt store of edits or of progress is taken as empty."""
    page = open_cells("learn/mask/")
    page.evaluate("""() => {
      localStorage.setItem('dropout solved', '{');
      const id = document.querySelector('run-cell').getAttribute('for');
      sessionStorage.setItem(`dropout edit ${location.pathname}#${id}`, '{');
    }""")
    page.reload()
    page.wait_for_selector("run-cell:defined", state="attached")
    solve = """async (code) => {
      const cell = document.querySelector('run-cell[for="start-chance-dropped"]');
      await cell.edit();
      const area = document.querySelector('#start-chance-dropped textarea');
      area.value = code;
      area.dispatchEvent(new Event('input'));
      await cell.run(true);
      const first = document.querySelector('run-cell');
      await first.run();
      return [cell.dataset.state, first.dataset.state];
    }"""
    code = exercises.read("learn/mask", "chance-dropped").solution
    assert page.evaluate(solve, code) == ["done", "done"]


def test_the_editor_lies_exactly_over_the_code(open_cells):
    """Same letters, same lines: the caret stands where the reader sees it; also in wrong code."""
    page = open_cells("practice/pitfalls/no-scale/")
    cells = page.locator("run-cell").count()
    measure = """async (n) => {
      const cell = document.querySelectorAll('run-cell')[n];
      await cell.edit();
      const pre = document.getElementById(cell.getAttribute('for')).querySelector('pre');
      const area = pre.querySelector('textarea'), code = pre.querySelector('code');
      const [a, b] = [area, code].map((e) => {
        const s = getComputedStyle(e), r = e.getBoundingClientRect();
        return [s.fontSize, s.lineHeight, s.fontFamily, s.paddingTop, s.paddingLeft, r.top, r.left];
      });
      const lines = area.scrollHeight - code.scrollHeight;
      return [a, b, lines];
    }"""
    for number in range(cells):
        area, code, lines = page.evaluate(measure, number)
        assert area == code, number
        assert abs(lines) <= 1, number


def test_a_lost_editor_is_told(browser, address):
    """The code stays as it was, and the page says what happened."""
    context = browser.new_context()
    context.route("**/run/editor.js", lambda route: route.abort())
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("run-cell:defined", state="attached")
    said = page.evaluate("""async () => {
      const cell = document.querySelector('run-cell');
      await cell.edit();
      return cell.status.textContent;
    }""")
    assert "could not be loaded" in said
    context.close()


@pytest.mark.parametrize("broken", ["lost", "corrupted"])
def test_a_broken_download_is_told_and_tried_again(browser, address, broken):
    """Network lost, or a file that is not what it was: a message; the next Run loads it anew."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("run-cell:defined", state="attached")

    def disturb(route):
        route.abort() if broken == "lost" else route.fulfill(body="nonsense")

    context.route("**/numpy.zip", disturb)
    run = (
        "async () => { const cell = document.querySelector('run-cell'); await cell.run();"
        " return [cell.dataset.state, cell.status.textContent]; }"
    )
    state, status = page.evaluate(run)
    assert state == "failed"
    assert "press Run again" in status

    context.unroute("**/numpy.zip")
    assert page.evaluate(run)[0] == "done"
    context.close()


# ---- exercises -----------------------------------------------------------------------


def test_every_answer_of_every_exercise_is_judged_right_in_the_page(open_cells):
    """Solution and variant pass; the start and each wrong answer get the message for it."""
    page = open_cells()
    judge = """async (job) => {
      const { kernel } = await import(job.module);
      let said = '';
      const result = await kernel.run({earlier: [], code: job.code, check: job.check},
        ({type, text, summary}) => { if (type === 'wrong') said = text; if (type === 'error') said = summary; });
      return [result.ok, said];
    }"""
    module = page.evaluate("() => new URL('assets/run/cell.js', location.href).href")
    judged, wrong = 0, []
    for record in pages.all_records().values():
        for name in record.exercises:
            exercise = exercises.read(record.page, name)
            answers = [(exercise.solution, ""), (exercise.variant, "")]
            answers += [(code, message) for message, code in exercise.wrong]
            for code, message in answers:
                job = {"module": module, "code": code}
                ok, said = page.evaluate(judge, {**job, "check": exercise.check})
                judged += 1
                if (ok, said) != (not message, message):
                    wrong.append((record.page, name, message, ok, said))
            ok, _ = page.evaluate(
                judge, {**job, "code": exercise.start, "check": exercise.check}
            )
            wrong += [(record.page, name, "the start is right", ok, "")] * ok
    assert wrong == []
    assert judged >= 40 * 5


def test_an_exercise_tells_what_is_wrong_and_remembers_what_was_solved(open_cells):
    """Hints one by one, a message, Right, kept after a reload, cleared on request."""
    path, name = "learn/mask", "chance-dropped"
    exercise = exercises.read(path, name)
    page = open_cells(f"{path}/")
    cell = page.locator(f'run-cell[for="start-{name}"]')
    hints = page.locator(f"#{name} ~ details.hint")
    assert hints.nth(0).is_visible()
    assert not hints.nth(1).is_visible()
    hints.nth(0).locator("summary").click()
    hints.nth(1).wait_for(state="visible")

    def answer(code):
        cell.get_by_role("button", name="Edit").click()
        area = page.locator(f"#start-{name} textarea")
        area.wait_for()
        area.fill(code)
        area.press("Control+Enter")
        page.wait_for_function(
            "c => !['idle', 'waiting', 'running'].includes(c.dataset.state)",
            arg=cell.element_handle(),
        )
        return cell.locator(".run-feedback").inner_text()

    message, code = exercise.wrong[0]
    assert answer(code) == message
    assert answer(exercise.solution) == "Right."
    page.reload()
    page.wait_for_selector("run-cell:defined", state="attached")
    cell.locator(".run-progress").wait_for()
    cell.get_by_role("button", name="Clear my progress").click()
    assert cell.locator(".run-progress").count() == 0
    assert page.evaluate("() => localStorage.getItem('dropout solved')") is None


# ---- for everybody -------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing_with_output_editor_and_feedback_open(
    open_cells, axe, scheme, width
):
    """An edited and run block, an error, an exercise with feedback, a moved figure."""
    page = open_cells(
        "learn/mask/",
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
        reduced_motion="reduce",
    )
    page.evaluate(TRY, ["print('one')\n1 / 0", 0])
    page.evaluate("""async () => {
      const cell = document.querySelector('run-cell[check]');
      await cell.run(true);
      for (const details of document.querySelectorAll('details')) details.open = true;
    }""")
    page.locator("mask-machine input[type=range]").press("ArrowRight")
    page.evaluate(axe)
    found = page.evaluate(
        "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.html)])"
    )
    assert found == []
    overflow = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(overflow) <= 0


def test_everything_is_done_by_keyboard_alone(open_cells):
    """Run, Edit, write, run from the editor, leave it, Reset: no pointer."""
    page = open_cells()
    page.locator("run-cell button").filter(has_text="Run").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector('run-cell[data-state="done"]')
    assert page.evaluate("() => document.activeElement.textContent") == "Run"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("textarea.run-editor:focus")
    page.keyboard.press("Control+a")
    page.keyboard.type("print('by hand')")
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "() => document.querySelector('run-cell .run-out').innerText.includes('by hand')"
    )
    status = page.locator("run-cell .run-status").first.inner_text()
    assert status.count("Edited") == 1
    page.keyboard.press("Escape")
    focused = "() => document.activeElement.textContent"
    assert page.evaluate(focused) == "Edit"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("textarea.run-editor").count() == 0
    assert "by hand" not in page.locator(".highlight code").first.inner_text()

    page.keyboard.press("Enter")
    page.wait_for_selector("textarea.run-editor:focus")
    page.keyboard.press("Control+a")
    page.keyboard.type("while True: pass")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('run-cell[data-state="running"]')
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(focused) == "Stop"
    page.keyboard.press("Enter")
    page.wait_for_selector('run-cell[data-state="stopped"]')
    assert page.evaluate(focused) == "Run"


def test_figures_are_moved_started_anew_and_read_out_once(open_cells):
    """By keyboard: a slider, a button, Start again; the sentence changes when the slider rests."""
    page = open_cells("learn/train-and-test/")
    figure = page.locator("two-modes")
    said = figure.locator(".interactive__said")
    first = said.inner_text()
    changes = """(said) => {
      window.changes = 0;
      new MutationObserver(() => { window.changes++; }).observe(said, {childList: true});
    }"""
    said.evaluate(changes)
    slider = figure.get_by_role("slider", name="keep_prob", exact=True)
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => window.changes > 0")
    page.wait_for_timeout(500)
    assert page.evaluate("() => window.changes") == 1
    assert slider.get_attribute("aria-valuetext") == slider.input_value()

    def now():
        page.wait_for_timeout(500)
        return said.inner_text()

    def press(name):
        button = figure.get_by_role("button", name=name)
        button.focus()
        page.keyboard.press("Enter")
        return now()

    drawn = press("New points and weights")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert now() != drawn
    page.keyboard.press("ArrowRight")
    assert now() == drawn  # the slider keeps the new points and weights
    assert press("Start again") == first


def test_without_javascript_no_button_promises_anything(browser, address):
    """Code and tested output are there; figures show their first drawing and its sentence."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + "learn/mask/")
    assert page.locator("run-cell").first.is_hidden()
    assert page.locator("mask-machine svg").bounding_box()["height"] > 100
    assert page.locator("mask-machine .interactive__said").inner_text()
    context.close()


# ---- weight and safety ---------------------------------------------------------------


def test_own_scripts_are_light(site):
    """At most 15 KB for Run, editor and style; at most 3 KB for each figure, by gzip."""
    assets = site / "assets"

    def weight(*names):
        return sum(
            len(gzip.compress((assets / name).read_bytes(), 9)) for name in names
        )

    style = (assets / "site.css").read_text("utf8").split("/* 15 Run in the page")[1]
    run = [path.relative_to(assets) for path in (assets / "run").glob("*.js")]
    assert weight("site.js", *run) + len(gzip.compress(style.encode(), 9)) <= 15_000
    figures = [path.name for path in (assets / "figures").glob("*.js")]
    assert len(figures) >= 8
    for name in figures:
        assert weight(f"figures/{name}") <= 3_000, name


def test_every_page_has_the_security_policy(site):
    """Said before anything is loaded."""
    for path in site.rglob("*.html"):
        head = path.read_text("utf8").split("<script", 1)[0].split("<link", 1)[0]
        assert 'http-equiv="Content-Security-Policy"' in head, path
        assert "'unsafe-eval'" not in head
        assert "script-src 'self' 'wasm-unsafe-eval' 'sha256-" in head


def test_the_policy_refuses_what_was_put_into_a_page(browser, address):
    """An inline script and a text that is to be run as code do nothing."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    hit = page.evaluate("""() => new Promise((done) => {
      const script = document.createElement('script');
      script.textContent = 'window.hit = 1';
      document.head.append(script);
      setTimeout('window.hit = 2');
      setTimeout(() => done(window.hit ?? 0), 200);
    })""")
    assert hit == 0
    context.close()


def test_numpy_behaves_under_node_as_here(site, tmp_path):
    """The precompiled Python and NumPy: generators, linear algebra, FFT, dtypes and errors."""
    folder = next((site / "assets" / "python").iterdir())
    script = tmp_path / "check.mjs"
    code = (pages.ROOT / "tests" / "site" / "numpy_checks.py").read_text("utf8")
    asked = code + "report"  # its last line is what Pyodide returns
    script.write_text(
        'import { readFileSync } from "node:fs";\n'
        'import { createRequire } from "node:module";\n'
        f"const folder = {json.dumps(str(folder))};\n"
        "const { loadPyodide } = await import(`${folder}/pyodide.mjs`);\n"
        "const python = await loadPyodide({ indexURL: `${folder}/` });\n"
        'python.unpackArchive(new Uint8Array(readFileSync(`${folder}/numpy.zip`)), "zip");\n'
        f"console.log(python.runPython({json.dumps(asked)}));\n"
    )
    (site / "assets" / "python" / "package.json").write_text('{"type": "commonjs"}')
    try:
        node = subprocess.run(["node", script], capture_output=True, text=True)
    finally:
        (site / "assets" / "python" / "package.json").unlink()
    assert node.returncode == 0, node.stderr[-2000:]
    here = subprocess.run(
        [sys.executable, "-c", code + "\nprint(report)"], capture_output=True, text=True
    )
    assert node.stdout == here.stdout
