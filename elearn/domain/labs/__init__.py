"""The practice labs by name: each re-runs an officer's choices deterministically; imports the standard library only."""

from collections.abc import Mapping

from elearn.domain.labs.grievance_sorter import GRIEVANCE_SORTER
from elearn.domain.labs.lab import BadChoices, Lab, Run
from elearn.domain.labs.similar_cases import SIMILAR_CASES

__all__ = ["LABS", "BadChoices", "Lab", "Run"]

LABS: Mapping[str, Lab] = {lab.name: lab for lab in (GRIEVANCE_SORTER, SIMILAR_CASES)}
