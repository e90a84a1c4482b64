"""What of a function's code a fingerprint covers, and what it does not."""

import pytest

from assets_tests.market.fingerprint.written import Write
from pipeline.market.fingerprint import fingerprint

PLAIN = """
    LIMIT = 3

    def doubled(number):
        return number * 2

    def value(numbers):
        total = 0
        for number in numbers:
            total += doubled(number)
        if total > LIMIT:
            raise ValueError("too much")
        return total
"""


def of(write: Write, source: str, name: str = "value") -> str:
    return fingerprint(getattr(write(source), name))


SAME = {
    "comments, layout and docstrings": """
        LIMIT = 3  # a limit

        def doubled(number):
            '''Return twice the number.'''
            return (
                number
                * 2
            )

        def value(numbers):
            '''Sum.'''
            total = 0
            for number in numbers: total += doubled(number)
            if total > LIMIT:
                raise ValueError("too much")
            return total
    """,
    "annotations": """
        LIMIT: int = 3

        def doubled(number: float) -> float:
            return number * 2

        def value(numbers: "list[float]") -> float:
            total: float = 0
            for number in numbers:
                total += doubled(number)
            if total > LIMIT:
                raise ValueError("too much")
            return total
    """,
    "names of functions, constants and variables": """
        MOST = 3

        def twice(x):
            return x * 2

        def value(xs):
            s = 0
            for x in xs:
                s += twice(x)
            if s > MOST:
                raise ValueError("too much")
            return s
    """,
    "the order of definitions, and others beside them": """
        import math

        OTHER = 5

        def value(numbers):
            total = 0
            for number in numbers:
                total += doubled(number)
            if total > LIMIT:
                raise ValueError("too much")
            return total

        def doubled(number):
            return number * 2

        def other(x):
            return OTHER

        LIMIT = 3
    """,
    "the words of an error": PLAIN.replace("too much", "{total} is more than {LIMIT}"),
}


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_it_does_not_cover(write: Write, source: str) -> None:
    assert of(write, source) == of(write, PLAIN)


CHANGED = {
    "a number": PLAIN.replace("total = 0", "total = 1"),
    "a constant elsewhere": PLAIN.replace("LIMIT = 3", "LIMIT = 4"),
    "the type of a number": PLAIN.replace("LIMIT = 3", "LIMIT = 3.0"),
    "a function that it calls": PLAIN.replace("number * 2", "number * 2 + 0.5"),
    "an operator": PLAIN.replace("total > LIMIT", "total >= LIMIT"),
    "the order of steps": PLAIN.replace("return total", "total += LIMIT; return total"),
    "which variable is meant": PLAIN.replace("doubled(number)\n", "doubled(total)\n"),
    "a decorator": PLAIN.replace("    def doubled", "    from functools import cache\n    @cache\n    def doubled"),
}


@pytest.mark.parametrize("source", CHANGED.values(), ids=CHANGED)
def test_it_covers(write: Write, source: str) -> None:
    assert of(write, source) != of(write, PLAIN)


def test_moving_code_into_another_module_changes_nothing(write: Write) -> None:
    other = write(PLAIN).__name__
    moved = f"""
        from {other} import LIMIT as MOST, doubled

        def value(numbers):
            total = 0
            for number in numbers:
                total += doubled(number)
            if total > MOST:
                raise ValueError("too much")
            return total
    """
    # The package of a user's own code is followed: here each module is one of its own, which is left by its name.
    assert of(write, moved) != of(write, PLAIN)
    market = "from pipeline.market.prices.tolerance import {}\n\ndef value(x):\n    return {}(x, 1)\n"
    through = "from pipeline.market.indicators.kernels.patterns import SAME\n\ndef value(x):\n    return x * SAME\n"
    direct = "from pipeline.market.prices.tolerance import SAME\n\ndef value(x):\n    return x * SAME\n"
    assert of(write, through) == of(write, direct)
    assert of(write, market.format("above", "above")) != of(write, market.format("below", "below"))


def test_parameters_that_a_function_was_made_with_count(write: Write) -> None:
    made = write("""
        def average(n, name):
            return lambda panel: [panel.mean(panel.column(name), n)]
    """)
    first = fingerprint(made.average(20, "close"))
    assert first == fingerprint(made.average(20, "close"))
    assert len({first, fingerprint(made.average(21, "close")), fingerprint(made.average(20, "open"))}) == 3


def test_methods_count_where_the_class_is_known(write: Write) -> None:
    source = """
        class Panel:
            def mean(self, n):
                return self.total(n) / n

            def total(self, n):
                return n

            def other(self):
                return 0

        def value(panel):
            return panel.mean(3)
    """
    assert of(write, source) == of(write, source.replace("return 0", "return 1"))
    assert of(write, source) != of(write, source.replace("return n\n", "return n + 1\n"))


def test_a_class_that_the_code_does_not_name_can_be_handed_to_it(write: Write) -> None:
    source = "def value(panel):\n    return panel.highest(panel.column('high'), 3)\n"
    received = [("pipeline.market.indicators.panel", "Panel")]
    function = write(source).value
    assert fingerprint(function, received=received) != fingerprint(function)


def test_functions_that_call_themselves_and_each_other_end(write: Write) -> None:
    source = """
        def even(n):
            return n == 0 or odd(n - 1)

        def odd(n):
            return n != 0 and even(n - 1)

        def factorial(n):
            return 1 if n < 2 else n * factorial(n - 1)
    """
    assert of(write, source, "even") != of(write, source, "odd")
    assert of(write, source, "factorial") != of(write, source.replace("n < 2", "n < 3"), "factorial")


def test_definitions_that_are_left_count_by_their_name(write: Write) -> None:
    source = "DECLARED = (1, 2)\n\ndef value():\n    return DECLARED\n"
    function, other = write(source).value, write(source.replace("(1, 2)", "(1, 2, 3)")).value
    assert fingerprint(function) != fingerprint(other)
    assert fingerprint(function, leave=["DECLARED"]) == fingerprint(other, leave=["DECLARED"])


def test_a_fingerprint_is_the_same_on_every_machine_and_version_of_python(write: Write) -> None:
    source = """
        from dataclasses import dataclass

        RATIOS = {"half": 0.5, "tenth": 1e-1}

        @dataclass
        class Span:
            first: int
            last: int = 9

            def __len__(self):
                return self.last - self.first

        def value(spans, *, text=None, **more):
            try:
                found = [len(one) for one in spans if (size := one.first) is not None and not size % 2]
            except (TypeError, KeyError) as broken:
                return f"{broken!r:>{RATIOS['half']}} {text}" f"."
            match found:
                case [first, *others]:
                    return lambda x=first: x ** -1 if others else {**more}
                case _:
                    return Span(first=1, last=None)
    """
    assert of(write, source) == "73919a5455b7"
