"""Chance falls as the reference generator says."""

from __future__ import annotations

import pytest

from elearn.domain.labs.chance import mulberry32


@pytest.mark.parametrize(
    ("seed", "numbers"),
    [
        (1, [0.6270739405881613, 0.002735721180215478, 0.5274470399599522]),
        (20, [0.7526106622535735, 0.38500334043055773, 0.5976068757008761]),
        (20250821, [0.3305127518251538, 0.8507607637438923, 0.887155151925981]),
        (160916, [0.08068221737630665, 0.29974989662878215, 0.466222487622872]),
    ],
)
def test_a_seed_gives_the_numbers_of_the_reference_generator(seed: int, numbers: list[float]) -> None:
    """Numbers of the JavaScript original, run in Node.js."""
    following = mulberry32(seed)
    assert [following() for _ in numbers] == numbers


def test_numbers_lie_between_0_and_1_and_are_spread() -> None:
    following = mulberry32(7)
    drawn = [following() for _ in range(10_000)]
    assert 0 <= min(drawn) < 0.001
    assert 0.999 < max(drawn) < 1
    assert sum(drawn) / len(drawn) == pytest.approx(0.5, abs=0.01)
