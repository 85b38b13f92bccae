"""Chance falls in Python exactly as in the scripts that invented data were designed with."""

from __future__ import annotations

import statistics

import pytest

from elearn.domain.labs.chance import mulberry32, normal

# The first numbers of the reference in JavaScript, times 2 to the 32.
REFERENCE = {
    0: [1144304738, 1416247, 958946056, 627933444],
    1: [2693262067, 11749833, 2265367787, 4213581821],
    20250821: [1419541460, 3653989657, 3810302364, 61626482],
    2**32 - 1: [3850105811, 813802916, 3073704848, 4054706436],
}


@pytest.mark.parametrize("seed", REFERENCE)
def test_a_seed_gives_the_numbers_of_the_reference(seed: int) -> None:
    draw = mulberry32(seed)
    assert [draw() * 2**32 for _ in REFERENCE[seed]] == REFERENCE[seed]


def test_normal_values_are_those_of_the_reference() -> None:
    draw = mulberry32(20250821)
    told = [0.5300056355145236, 2.080411781814791, -2.4122130708903744]
    assert [normal(draw) for _ in told] == pytest.approx(told, abs=1e-12)


def test_normal_values_have_mean_0_and_deviation_1() -> None:
    draw = mulberry32(7)
    values = [normal(draw) for _ in range(20_000)]
    assert statistics.fmean(values) == pytest.approx(0, abs=0.02)
    assert statistics.stdev(values) == pytest.approx(1, abs=0.02)
