"""The practice labs by name: each re-runs an officer's choices deterministically; imports the standard library only."""

from collections.abc import Mapping

from elearn.domain.labs.grievance_sorter import GRIEVANCE_SORTER
from elearn.domain.labs.hamlets import HAMLETS
from elearn.domain.labs.lab import BadChoices, Lab, Run
from elearn.domain.labs.next_word import NEXT_WORD
from elearn.domain.labs.similar_cases import SIMILAR_CASES
from elearn.domain.labs.spot_the_invention import SPOT_THE_INVENTION
from elearn.domain.labs.threshold import THRESHOLD

__all__ = ["LABS", "BadChoices", "Lab", "Run"]

LABS: Mapping[str, Lab] = {
    lab.name: lab for lab in (GRIEVANCE_SORTER, THRESHOLD, NEXT_WORD, SPOT_THE_INVENTION, SIMILAR_CASES, HAMLETS)
}
