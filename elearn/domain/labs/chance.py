"""Chance that comes out the same everywhere: the generator behind the labs' invented data, here and in page scripts."""

import math
from collections.abc import Callable

WORD = 0xFFFFFFFF  # 32 bits


def mulberry32(seed: int) -> Callable[[], float]:
    """Draws numbers from 0 to below 1, the same for the same seed; `static/labs/frame.js` draws the same.

    By Tommy Ettinger, public domain: a counter stepped by an odd number, then mixed by two rounds of shifts and
    multiplications in 32 bits.
    """
    state = seed & WORD

    def draw() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) & WORD
        mixed = ((state ^ state >> 15) * (state | 1)) & WORD
        mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) & WORD
        return (mixed ^ mixed >> 14) / 2**32

    return draw


def normal(draw: Callable[[], float]) -> float:
    """A draw from the standard normal distribution by Box and Muller, who take two even draws for it."""
    return math.sqrt(-2 * math.log(1 - draw())) * math.cos(2 * math.pi * draw())
