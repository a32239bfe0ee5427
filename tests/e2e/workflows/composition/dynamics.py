"""Graphs made while running: a loop over letters, and a merge sort that calls itself through a conditional."""

from typing import List, Tuple

from flytekit import conditional, dynamic, task, workflow


@task
def place_in_alphabet(letter: str) -> int:
    return ord(letter.lower()) - ord("a")


@task
def count_up(counts: List[int], place: int) -> List[int]:
    return [count + (1 if index == place else 0) for index, count in enumerate(counts)]


@task
def overlap(one: List[int], other: List[int]) -> int:
    return sum(min(pair) for pair in zip(one, other))


@dynamic
def compare_letters(one: str, other: str) -> int:
    totals = []
    for word in (one, other):
        counts = [0] * 26
        for letter in word:
            counts = count_up(counts=counts, place=place_in_alphabet(letter=letter))
        totals.append(counts)
    return overlap(one=totals[0], other=totals[1])


@workflow
def common_letters(one: str, other: str) -> int:
    return compare_letters(one=one, other=other)


@task
def halve(numbers: List[int]) -> Tuple[List[int], List[int], int, int]:
    middle = len(numbers) // 2
    return numbers[:middle], numbers[middle:], middle, len(numbers) - middle


@task
def interleave(one: List[int], other: List[int]) -> List[int]:
    merged = []
    while one and other:
        merged.append(one.pop(0) if one[0] < other[0] else other.pop(0))
    return merged + one + other


@task
def sort_here(numbers: List[int]) -> List[int]:
    return sorted(numbers)


@dynamic
def sort_in_halves(numbers: List[int], small: int) -> List[int]:
    one, other, one_size, other_size = halve(numbers=numbers)
    return interleave(
        one=sorting(numbers=one, size=one_size, small=small),
        other=sorting(numbers=other, size=other_size, small=small),
    )


@workflow
def sorting(numbers: List[int], size: int, small: int = 2) -> List[int]:
    return (
        conditional("small_enough")
        .if_(size <= small)
        .then(sort_here(numbers=numbers))
        .else_()
        .then(sort_in_halves(numbers=numbers, small=small))
    )
