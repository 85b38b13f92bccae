"""Chance that always falls the same way: invented data are drawn with it, the same in Python and in JavaScript.

Sequences are those of mulberry32 (Tommy Ettinger, 2017, public domain); normal values come from them by the
method of Box and Muller (Annals of Mathematical Statistics 29, 1958).
"""

import math
from collections.abc import Callable

Draw = Callable[[], float]
"""Gives the next number of a sequence: at least 0 and below 1."""

_WORD = 0xFFFFFFFF


def mulberry32(seed: int) -> Draw:
    """The sequence that begins at this seed."""
    state = seed & _WORD

    def draw() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) & _WORD
        mixed = (state ^ state >> 15) * (state | 1) & _WORD
        mixed ^= (mixed + ((mixed ^ mixed >> 7) * (mixed | 61) & _WORD)) & _WORD
        return (mixed ^ mixed >> 14) / 2**32

    return draw


def normal(draw: Draw) -> float:
    """A normal value with mean 0 and standard deviation 1, made from the next two numbers."""
    distance = math.sqrt(-2 * math.log(1 - draw()))
    return distance * math.cos(2 * math.pi * draw())
