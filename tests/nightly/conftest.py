"""The built site for the nightly checks, built as for the others."""

from tests.site.conftest import published, server, site

__all__ = ["published", "server", "site"]
