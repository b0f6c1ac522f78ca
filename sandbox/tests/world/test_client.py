"""What the outside client says of lost orders."""

from __future__ import annotations

from pilot_sandbox.client import Confirmed, longest_gap_seconds, losses


def _confirmed(*numbers: int) -> list[Confirmed]:
    """Orders of one second each: number 7 was confirmed at 7 s."""
    return [Confirmed(number, float(number), "us-east-1") for number in numbers]


def test_each_loss_is_counted_from_the_order_before_it_that_survived() -> None:
    orders = _confirmed(1, 2, 3, 4, 5, 6, 7, 8, 9)
    assert losses(orders, {1, 2, 5, 6, 8, 9}) == [{"orders": 2, "seconds": 2.0}, {"orders": 1, "seconds": 1.0}]


def test_orders_that_were_never_confirmed_divide_no_loss() -> None:
    assert losses(_confirmed(1, 2, 5, 9), {1}) == [{"orders": 3, "seconds": 8.0}]


def test_nothing_lost_and_everything_lost() -> None:
    assert losses(_confirmed(1, 2), {1, 2}) == []
    assert losses(_confirmed(3, 4), set()) == [{"orders": 2, "seconds": 1.0}]


def test_the_longest_gap_is_between_confirmed_orders() -> None:
    assert longest_gap_seconds(_confirmed(1, 2, 5, 9, 10)) == 4.0
    assert longest_gap_seconds(_confirmed(1)) is None
