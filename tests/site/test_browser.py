"""Every page in a real browser: quiet, same-origin, accessible, readable at 320 px."""

import json
import subprocess
import tempfile

import pytest

from sitekit import execute

SCHEMES = ["light", "dark"]
WIDE = """() => {
  const width = document.documentElement.clientWidth, found = [];
  const clipped = e => {
    for (let p = e.parentElement; p; p = p.parentElement)
      if (getComputedStyle(p).overflowX !== 'visible') return true;
    return false;
  };
  if (document.documentElement.scrollWidth > width)
    for (const e of document.querySelectorAll('body *'))
      if (e.getBoundingClientRect().right > width + 1 && !clipped(e))
        found.push(e.outerHTML.slice(0, 90));
  return [document.documentElement.scrollWidth - width, found];
}"""


def test_pages_are_quiet_and_ask_no_other_host(open_page, sampled_paths):
    """No console message, no exception, no failed or foreign request: see open_page."""
    page = open_page()
    for path in sampled_paths[1:]:
        page.goto(page.url.split("/dropout/")[0] + "/dropout/" + path)
        page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("width", [320, 360, 768])
def test_nothing_is_wider_than_the_window(open_page, page_paths, width):
    page = open_page(viewport={"width": width, "height": 740})
    root = page.url
    for path in page_paths:
        page.goto(root + path)
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        assert page.evaluate(WIDE) == [0, []], path


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing(open_page, sampled_paths, axe, scheme):
    """On every page, with all proofs and solutions opened; schemes differ in their colours only."""
    only = "{resultTypes: ['violations'], runOnly: ['color-contrast']}"
    options = only if scheme == "dark" else "{resultTypes: ['violations']}"
    page = open_page(color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    root = page.url
    for path in sampled_paths:
        page.goto(root + path)
        page.wait_for_load_state("networkidle")
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        page.evaluate(axe)
        found = page.evaluate(f"axe.run(document, {options})")
        problems = [
            (v["id"], [n["html"][:120] for n in v["nodes"]][:3])
            for v in found["violations"]
        ]
        assert problems == [], path


@pytest.mark.parametrize("scheme", SCHEMES)
def test_formulas_and_figures_are_visible(open_page, sampled_paths, scheme):
    """They have a size, and their ink differs from the paper in this scheme."""
    page = open_page(color_scheme=scheme)
    root = page.url
    fractions = figures = 0
    for path in sampled_paths:
        page.goto(root + path)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        for formula in page.locator("div.formula math").all():
            box = formula.bounding_box()
            assert box["height"] > 10, path
            assert formula.evaluate("e => getComputedStyle(e).color") != paper
        fractions += page.locator("div.formula mfrac").count()
        for figure in page.locator("svg.figure__svg").all():
            box = figure.bounding_box()
            small = figure.evaluate("e => Boolean(e.closest('.gallery'))")
            assert box["width"] > (120 if small else 200), path
            assert box["height"] > 80, path
            assert figure.evaluate("e => getComputedStyle(e).color") != paper
            figures += 1
    assert fractions >= 3
    assert figures >= 5


def test_instant_navigation_crosses_pages_with_figures(open_page):
    """The next-page link switches the page without a reload, five times in a row."""
    page = open_page()
    page.evaluate("window.stayed = true")
    seen = [page.title()]
    for _ in range(5):
        page.locator("a.md-footer__link--next").click()
        page.wait_for_function("before => document.title !== before", arg=seen[-1])
        seen.append(page.title())
        assert page.evaluate("window.stayed"), f"reloaded at {page.url}"
    assert len(set(seen)) == 6


def test_every_copy_button_gives_the_tested_program(open_page, sampled_paths, site):
    """The clipboard holds the text whose hash is in proof.json, for every block."""
    proof = json.loads((site / "proof.json").read_text("utf8"))
    copied = [e for e in proof["examples"] if e["kind"] != "notebook"]
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    root, pressed = page.url, 0
    press = """async anchors => {
      const found = {}, wait = () => new Promise(then => setTimeout(then, 15));
      for (const anchor of anchors) {
        const block = document.getElementById(anchor);
        await navigator.clipboard.writeText('');
        block.querySelector('button[data-md-type=copy], .md-clipboard').click();
        let text = '';
        for (let tries = 0; !text && tries < 100; tries++) {
          await wait();
          text = await navigator.clipboard.readText();
        }
        const bytes = new TextEncoder().encode(text + '\\n');
        const hash = await crypto.subtle.digest('SHA-256', bytes);
        found[anchor] = [...new Uint8Array(hash)]
          .map(b => b.toString(16).padStart(2, '0')).join('');
      }
      return found;
    }"""
    for path in sampled_paths:
        name = path.strip("/") or "index"
        wanted = {e["anchor"]: e["code_sha256"] for e in copied if e["page"] == name}
        if not wanted:
            continue
        page.goto(root + path)
        page.locator(".md-clipboard, button[data-md-type=copy]").first.wait_for(
            state="attached"
        )
        assert page.evaluate(press, list(wanted)) == wanted, path
        pressed += len(wanted)
    assert pressed == len(copied) > 20


def test_a_copied_program_runs_where_a_reader_pastes_it(open_page):
    """Taken from the clipboard of the browser, run with python -I in an empty folder."""
    page = open_page(
        "learn/scaling/", permissions=["clipboard-read", "clipboard-write"]
    )
    page.locator("#mean-by-enumeration").hover()
    page.locator("#mean-by-enumeration button").first.click()
    page.wait_for_timeout(50)
    program = page.evaluate("navigator.clipboard.readText()")
    with tempfile.TemporaryDirectory() as empty:
        run = [execute.READER, "-I", "-c", program]
        done = subprocess.run(
            run, cwd=empty, capture_output=True, text=True, check=True
        )
    shown = page.locator("#mean-by-enumeration ~ .output code").first.inner_text()

    assert done.stdout.strip() == shown.strip()


def test_pages_work_without_javascript(browser, address):
    """Text, code, outputs, formulas, figures and proofs are all there."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address + "learn/scaling/")
    page.locator("summary.seal").first.click()

    assert page.locator("details.proof[open] .proof__list").first.is_visible()
    assert page.locator("svg.figure__svg").first.is_visible()
    assert page.locator("div.formula math").first.is_visible()
    context.close()
