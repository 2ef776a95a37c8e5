"""The figures of docs/assets/figures, as the page loads them."""

import pytest

from tests.figures import draws


@pytest.fixture
def shown():
    """Return a function: (name, seed, **values) -> what the figure shows at first."""

    def ask(name: str, seed: int = 1, **values) -> dict:
        return draws.pressed(name, seed, [], **values)

    return ask
