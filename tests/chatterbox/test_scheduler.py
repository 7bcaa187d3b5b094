"""Who gets a row next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from tts_server.engines.chatterbox.t3.scheduler import Scheduler


@dataclass(eq=False)
class Item:
    group: str
    index: int = 1


def fill(scheduler: Scheduler[Item]) -> list[Item]:
    """Admit until nothing more is let in."""
    admitted: list[Item] = []
    while new := scheduler.admit():
        admitted += new
    return admitted


def test_at_most_two_start_in_a_step() -> None:
    scheduler = Scheduler[Item](16)
    for _ in range(5):
        scheduler.add(Item("a"), 1)
    assert [len(scheduler.admit()) for _ in range(4)] == [2, 2, 1, 0]


def test_first_segments_go_before_later_ones_in_the_order_they_came() -> None:
    scheduler = Scheduler[Item](16)
    later, first, second = Item("book", 5), Item("a", 0), Item("b", 0)
    for item in (later, first, second):
        scheduler.add(item, 1)
    assert fill(scheduler) == [first, second, later]


def test_a_long_and_a_short_request_get_rows_alternately() -> None:
    scheduler = Scheduler[Item](8, reserved_rows=0)
    for group, count in (("long", 100), ("short", 4)):
        for index in range(1, count + 1):
            scheduler.add(Item(group, index), 1)
    assert Counter(item.group for item in fill(scheduler)) == {"long": 4, "short": 4}


def test_groups_with_equally_many_running_alternate() -> None:
    scheduler = Scheduler[Item](1)
    for group in "abc":
        for index in (1, 2):
            scheduler.add(Item(group, index), 1)
    order = []
    while item := next(iter(scheduler.admit()), None):
        order.append((item.group, item.index))
        scheduler.remove(item)
    assert order == [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("b", 2), ("c", 2)]


def test_later_segments_leave_rows_for_the_first_segment_of_a_new_request() -> None:
    scheduler = Scheduler[Item](8)
    for index in range(1, 50):
        scheduler.add(Item("book", index), 1)
    assert len(fill(scheduler)) == 6
    new = Item("new", 0)
    scheduler.add(new, 2)
    assert scheduler.admit() == [new]
    assert scheduler.used_rows == 8


def test_a_segment_that_needs_all_rows_runs_when_it_is_alone() -> None:
    scheduler = Scheduler[Item](2, reserved_rows=1)
    item = Item("a")
    scheduler.add(item, 2)
    assert scheduler.admit() == [item]


def test_the_rows_are_never_overdrawn() -> None:
    scheduler = Scheduler[Item](5)
    for number in range(20):
        scheduler.add(Item(str(number), 0), 1 + number % 2)
    running: list[Item] = []
    served = 0
    while scheduler.num_running + scheduler.num_waiting:
        running += scheduler.admit()
        assert scheduler.used_rows <= 5
        assert scheduler.remove(running.pop(0))
        served += 1
    assert served == 20
    assert scheduler.used_rows == 0


def test_an_item_of_two_rows_is_not_overtaken_by_items_of_one() -> None:
    scheduler = Scheduler[Item](2)
    running, wide, narrow = Item("a", 0), Item("b", 0), Item("c", 0)
    scheduler.add(running, 1)
    scheduler.admit()
    scheduler.add(wide, 2)
    scheduler.add(narrow, 1)
    assert scheduler.admit() == []
    scheduler.remove(running)
    assert scheduler.admit() == [wide]


def test_what_is_removed_while_it_waits_never_starts() -> None:
    scheduler = Scheduler[Item](4)
    items = [Item("a", 0), Item("a", 1), Item("a", 2)]
    for item in items:
        scheduler.add(item, 1)
    assert scheduler.remove(items[0])
    assert scheduler.remove(items[1])
    assert fill(scheduler) == [items[2]]
    assert not scheduler.remove(items[0])


def test_what_is_removed_while_it_runs_gives_its_rows_back() -> None:
    scheduler = Scheduler[Item](2)
    first, second = Item("a", 0), Item("b", 0)
    scheduler.add(first, 2)
    scheduler.add(second, 2)
    assert scheduler.admit() == [first]
    assert scheduler.remove(first)
    assert scheduler.admit() == [second]


def test_a_sequence_wider_than_the_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="2 rows"):
        Scheduler[Item](1).add(Item("a"), 2)


def test_groups_are_forgotten_when_they_are_done() -> None:
    scheduler = Scheduler[Item](2)
    for number in range(100):
        item = Item(str(number), number % 2)
        scheduler.add(item, 1)
        scheduler.admit()
        scheduler.remove(item)
    assert scheduler.is_empty
