"""The server is killed, with all its processes, in the middle of thirty writers.

What may be lost: an act whose answer never came. Nothing that was acknowledged, and nothing twice.

KILL_ROUNDS says how often; 3 without it.
"""

from __future__ import annotations

import os

from tests.faults.house import House, report
from tests.faults.officers import judge, signed_in, working

WRITERS = 30
KILL_ROUNDS = int(os.environ.get("KILL_ROUNDS", "3"))


def test_what_was_acknowledged_survives_a_killed_server(house_to_kill: House) -> None:
    """May be lost: the acts under way at the blow, which were answered to nobody. Sent again, they are kept once."""
    house = house_to_kill
    officers = signed_in(house, WRITERS)
    in_doubt = 0
    for number in range(KILL_ROUNDS):
        with working(house, officers) as current:
            current.wait_for(300, acknowledged=60 + 37 * number % 90)
            current.over = True  # from here on nobody wonders that the server hangs up
            house.server.kill()
        house.until_nobody_works()
        in_doubt += sum(officer.doubtful is not None for officer in officers)
        assert judge(house, officers).is_clean, f"round {number}: {judge(house, officers)}"
        house.server.start()
        for officer in officers:
            officer.send_the_doubtful_again()
        assert judge(house, officers).is_clean, f"round {number}, sent again: {judge(house, officers)}"
    assert "locked" not in house.server.log
    total = sum(officer.acknowledged for officer in officers)
    report(f"{KILL_ROUNDS} kills, {total} writes acknowledged, {in_doubt} in doubt and sent again; lost 0, doubled 0")
