"""What errors tell is bounded, however much is wrong."""

import itertools
import re

from service.errors import LONGEST_DETAIL, LONGEST_FAULT, MOST_FAULTS, Fault, InvalidRequest


def test_the_first_of_any_number_of_faults_are_told():
    error = InvalidRequest.of(Fault(f"/x/{i}", "is wrong") for i in itertools.count())
    assert [fault.pointer for fault in error.faults] == [f"/x/{i}" for i in range(MOST_FAULTS)]
    assert error.detail == "; ".join(f"/x/{i}: is wrong" for i in range(MOST_FAULTS))
    assert len(InvalidRequest("Wrong.", [Fault("/x", "is wrong")] * 99).faults) == MOST_FAULTS


def test_a_place_with_several_faults_is_told_once():
    faults = [Fault("/x", "is wrong"), Fault("/x", "is ugly"), Fault("/y", "is wrong")]
    assert InvalidRequest.of(faults, "Mend them.").detail == "/x: is wrong; is ugly; /y: is wrong. Mend them."


def test_texts_of_any_length_are_cut():
    for length in range(LONGEST_FAULT - 5, LONGEST_FAULT + 5):
        error = InvalidRequest.at("/" + "a" * length + "~1" * 10_000, "b" * 10_000)
        [fault] = error.faults
        assert len(error.detail) <= LONGEST_DETAIL + 1
        assert len(fault.detail) == LONGEST_FAULT + 1
        assert len(fault.pointer) in (LONGEST_FAULT, LONGEST_FAULT + 1)
        assert re.fullmatch(r"(/([^~/]|~0|~1)*)*", fault.pointer)
