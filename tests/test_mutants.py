"""Faults that tests/benchmarks/mutation.py plants."""

from benchmarks.mutants import mutants

SOURCE = '''
"""A docstring."""
LIMIT = 3


def half(x: int = 1) -> float:
    """Another one."""
    if x < LIMIT:
        raise ValueError(f"{x} is below {LIMIT}")
    return x / 2
'''


def test_each_fault_is_planted_once_and_what_people_read_is_left_alone() -> None:
    found = mutants(SOURCE)
    assert [(mutant.line, mutant.what.replace("  ->  ", " > ", 1)) for mutant in found] == [
        (3, "3 > 4"),
        (6, "1 > 2"),
        (8, "x < LIMIT > x <= LIMIT"),
        (8, "x < LIMIT > x >= LIMIT"),
        (9, "raise ValueError(f'{x} is below {LIMIT}') > pass"),
        (10, "return x / 2 > return None"),
        (10, "x / 2 > x * 2"),
        (10, "2 > 3"),
    ]
    assert "return x * 2" in found[6].source
    assert "return x * 2" not in found[7].source


def test_a_fault_has_the_lines_of_the_tests_that_may_notice_it() -> None:
    _, default, condition, *_ = mutants(SOURCE)
    assert default.lines == range(6, 11)
    assert condition.lines == range(8, 9)
