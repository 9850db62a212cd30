"""A suite's tests of what a peer cannot do are left out; the peer's file and docs/pairings.md give the reason."""

import pytest

from tests.pairings.exercise import beyond, marked

# Their asserts shall say as much as those of a test file.
pytest.register_assert_rewrite("tests.pairings.server_suite", "tests.pairings.client_suite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    without = [item for item in items if _is_beyond(item)]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


def _is_beyond(item: pytest.Item) -> bool:
    suite = getattr(item, "cls", None)
    return suite is not None and not marked(item.iter_markers("exercises")).isdisjoint(beyond(suite))
