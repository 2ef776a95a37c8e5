"""The built site for the nightly checks, built as for the others."""

from tests.site.conftest import (
    address,
    browser,
    open_page,
    page_paths,
    published,
    server,
    site,
)

__all__ = ["address", "browser", "open_page", "page_paths", "published", "server"]
__all__ += ["site"]
