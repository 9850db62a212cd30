"""``address_list``: a backslash takes its meaning from what follows it, quickly."""

from contextlib import suppress
from time import perf_counter

import pytest

from postroad.errors import AddressError
from postroad.message.address_list import address_list


@pytest.mark.parametrize("piece", ['\\"', "\\(", "\\", '"\\', '<\\"'])
def test_backslashes_take_no_time(piece: str) -> None:
    start = perf_counter()
    with suppress(AddressError):
        address_list(f"{piece * 50_000} <a@example.com>", "To")
    assert perf_counter() - start < 5  # seconds; what takes quadratic time here takes minutes


@pytest.mark.parametrize("raw", ['x \\"y <a@example.com>', "a@example.com (b\\), c)", '"x\\", y" <a@example.com>'])
def test_what_is_quoted_with_a_backslash_ends_nothing(raw: str) -> None:
    assert [address.addr_spec for address in address_list(raw, "To")] == ["a@example.com"]
