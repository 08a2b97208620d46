"""Options are stored with a version and inherited by appends."""

import numpy as np
import orjson
import pytest

from service.training.options import Options, Start, inherited

START = Start(np.array([1.0, 2.0]), ("a", "b"), 3.0)


@pytest.mark.parametrize("names", [("a", "b"), None])
def test_stored_options_come_back_from_json(names):
    options = Options(learning_rate=0.1, epochs=3, initial=Start(np.array([1.0, 2.0]), names, 3.0), l2=0.5)
    found = inherited(orjson.loads(orjson.dumps(options.stored())), {})
    assert found.initial.w.tolist() == [1.0, 2.0]
    assert (found.initial.names, found.initial.b) == (names, 3.0)
    assert (found.learning_rate, found.epochs, found.l2, found.method) == (0.1, 3, 0.5, "spectral")


def test_explicit_options_override_inherited_ones():
    found = inherited(Options(epochs=3, l2=0.5).stored(), {"epochs": None, "l2": 1.0})
    assert (found.epochs, found.l2) == (None, 1.0)


def test_a_seed_replaces_an_inherited_start_and_the_reverse():
    seeded = inherited(Options(initial=START).stored(), {"seed": 20})
    assert (seeded.seed, seeded.initial) == (20, None)
    started = inherited(Options(seed=20).stored(), {"initial": START})
    assert (started.seed, started.initial) == (None, START)
