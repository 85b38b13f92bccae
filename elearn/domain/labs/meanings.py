"""Makes the vectors by which the lab "similar-cases" searches by meaning: what notes are about, turned into numbers.

They are made by hand and not by a model. For each note we wrote down what it is about and how much (`about` in
`similar_cases.json`); every concept is given a direction by a seeded draw; a note's vector is the sum of the directions
of its concepts and a little noise, as whole numbers. Notes about the same things therefore lie near each other in
whatever words or language they are written, and nobody can tell from the numbers why.

The seed was chosen so that the practice has something to judge: the three notes on the officer's point of law are among
the first five, the Hindi one first, and two on other points stand between them.
"""

import math
from collections.abc import Mapping, Sequence

from elearn.domain.labs.chance import mulberry32

LENGTH = 24
NOISE = 1.2  # against weights from 1 to 3
SCALE = 8


def vectors(seed: int, concepts: Sequence[str], abouts: Sequence[Mapping[str, int]]) -> list[list[int]]:
    """A vector of LENGTH whole numbers for each text, given what it is about: weights by concept.

    Only sums and products, so that every machine makes the same ones.
    """
    draw = mulberry32(seed)

    def direction() -> list[float]:
        return [2 * draw() - 1 for _ in range(LENGTH)]

    directions = {concept: direction() for concept in concepts}
    return [_vector(about, directions, direction()) for about in abouts]


def _vector(about: Mapping[str, int], directions: Mapping[str, list[float]], noise: Sequence[float]) -> list[int]:
    made = [0.0] * LENGTH
    for concept, weight in about.items():
        made = [value + weight * along for value, along in zip(made, directions[concept], strict=True)]
    return [math.floor(SCALE * (value + NOISE * stray) + 0.5) for value, stray in zip(made, noise, strict=True)]
