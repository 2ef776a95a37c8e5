"""Every block with a Run button, pressed in the page: the output that was tested."""

from tests.site.test_run import RUN_ALL


def test_every_block_gives_in_the_page_what_was_tested(open_page, page_paths):
    """All pages, one after the other, with one Python for all."""
    wrong, count = [], 0
    page = open_page("")
    page.set_default_timeout(600_000)
    base = page.url
    for path in page_paths:
        page.goto(base + path)
        if page.locator("run-cell").count() == 0:
            continue
        page.wait_for_selector("run-cell:defined", state="attached")
        found = page.evaluate(RUN_ALL)
        count += len(found)
        wrong += [(path, *one) for one in found if not one[1]]

    assert wrong == []
    assert count > 350
