"""The short form of `make chaos`: a few rounds of kills at random instants, under load."""

import os
import random
from pathlib import Path

import pytest

from chaos.campaign import Tally, campaign
from delivery_rig import workplace

ROUNDS = 2


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6])
def test_kills_at_random_instants_break_no_promise(number: int, tmp_path: Path) -> None:
    """Main process, workers or both, at any instant: nothing is lost, doubled, torn or stranded."""
    tally, seed = Tally(), int.from_bytes(os.urandom(4), "big")
    with workplace() as elsewhere:
        campaign(tmp_path, elsewhere, number, ROUNDS, random.Random(seed), tally)
    assert tally.scans > 0
    assert tally.broken == {}, f"seed {seed}"
