"""Long work has a lower priority, and is otherwise what it was."""

import os
import sys
import threading
from contextvars import ContextVar

import numpy as np
import pytest

from service import training
from service.core.statistics import Batch
from service.yielding import NICENESS, yielding

linux = pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")
said = ContextVar("said")


def priority():
    """The calling thread's."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def priority_of_a_new_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(priority()))
    thread.start()
    thread.join()
    return found[0]


@linux
def test_work_yields_with_the_threads_that_it_starts():
    before = priority()
    expected = min(before + NICENESS, 19)
    assert yielding(lambda: (priority(), priority_of_a_new_thread())) == (expected, expected)
    assert priority() == before


@linux
def test_work_is_done_where_priorities_are_forbidden(monkeypatch):
    def forbid(*_):
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", forbid)
    before = priority()
    assert yielding(priority) == before


def test_what_the_work_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        yielding(lambda: 1 // 0)


def test_work_knows_the_context_of_its_caller():
    said.set("so")
    assert yielding(said.get) == "so"


@linux
@pytest.mark.parametrize(("rows", "yields"), [(training.MANY_ROWS, True), (training.MANY_ROWS - 1, False)])
def test_a_training_on_many_rows_yields(tmp_path, monkeypatch, rows, yields):
    seen = []
    gather = training.gather

    def watched(*arguments):
        seen.append(priority())
        return gather(*arguments)

    monkeypatch.setattr(training, "gather", watched)
    trainer = training.Trainer(None, most_columns=1, most_autograd_epochs=1, kept_versions=0)
    request = training.Request(columns=training.Columns.of(None, training.Form.NUMBER, 1), batches=batches(rows))
    trained = trainer.try_out("line", request)
    assert trained.report["n"] == rows + 1
    assert (seen[0] > priority()) is yields


def batches(rows):
    """Some rows, and then one."""
    x = np.arange(rows + 1.0)
    return iter([Batch(x[:-1, None], x[:-1]), Batch(x[-1:, None], x[-1:])])
