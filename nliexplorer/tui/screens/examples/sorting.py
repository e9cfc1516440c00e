"""Orders of the list: by confidence or length, either way, or as the split has the pairs."""

from __future__ import annotations

from nliexplorer.store.filters import SortKey

Order = tuple[SortKey, ...]
#: Fields whose columns sort, each largest first, then smallest first.
FIELDS = ("conf", "len")


def next_order(now: Order) -> Order:
    """The order after this one; the split's own after the last, and before the first."""
    orders: list[Order] = [()]
    orders += [(SortKey(field, down=down),) for field in FIELDS for down in (True, False)]
    return orders[(orders.index(now) + 1) % len(orders)] if now in orders else ()


def order_by(field: str, now: Order) -> Order:
    """What a click on the column of `field` asks for: largest first, smallest first, neither."""
    orders: tuple[Order, ...] = ((SortKey(field, down=True),), (SortKey(field),), ())
    return orders[orders.index(now) + 1] if now in orders[:2] else orders[0]


def in_words(order: Order) -> str:
    """`conf, largest first`."""
    if not order:
        return "as in the split"
    return ", ".join(f"{key.name}, {'largest' if key.down else 'smallest'} first" for key in order)
