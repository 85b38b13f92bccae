"""Chance that falls the same way everywhere: a seed gives the same numbers here and in a page's script."""

from collections.abc import Callable

_32_BITS = 0xFFFFFFFF


def mulberry32(seed: int) -> Callable[[], float]:
    """A function that gives one number after another from 0 up to, but not including, 1.

    The generator is Tommy Ettinger's mulberry32, with a state of 32 bits; scripts write it with Math.imul.
    """
    state = seed & _32_BITS

    def following() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) & _32_BITS
        mixed = (state ^ state >> 15) * (state | 1) & _32_BITS
        mixed ^= (mixed + ((mixed ^ mixed >> 7) * (mixed | 61) & _32_BITS)) & _32_BITS
        return (mixed ^ mixed >> 14) / 2**32

    return following
