"""The decompression budget of a body."""

from types import SimpleNamespace

import pytest

from service.errors import BodyTooLarge
from service.formats.table import ALWAYS_ALLOWED_BYTES, Limits

LIMITS = Limits(max_buffered_bytes=1, max_decompression_ratio=100)


def test_a_small_body_can_always_have_sixteen_mebibytes():
    budget = LIMITS.decompression_budget(SimpleNamespace(size=1))
    budget.consume(ALWAYS_ALLOWED_BYTES)
    with pytest.raises(BodyTooLarge, match="100 times its size"):
        budget.consume(1)


def test_the_budget_grows_with_the_bytes_received():
    body = SimpleNamespace(size=1)
    budget = LIMITS.decompression_budget(body)
    budget.consume(ALWAYS_ALLOWED_BYTES)
    body.size = ALWAYS_ALLOWED_BYTES // 50
    budget.consume(100 * body.size - ALWAYS_ALLOWED_BYTES)
    with pytest.raises(BodyTooLarge, match=f"more than {100 * body.size} bytes"):
        budget.consume(1)


def test_a_bound_in_bytes_is_below_what_is_always_allowed():
    budget = LIMITS.decompression_budget(SimpleNamespace(size=1 << 30), max_bytes=1000)
    budget.consume(1000)
    with pytest.raises(BodyTooLarge, match="at most 1000 bytes"):
        budget.consume(1)
