"""Error messages are bounded, however many faults a request has."""

import itertools
import re

from service.errors import MAX_DETAIL, MAX_FAULT, MAX_FAULTS, Fault, InvalidRequest


def test_only_the_first_faults_are_reported():
    error = InvalidRequest.of(Fault(f"/x/{i}", "is wrong") for i in itertools.count())
    assert [fault.pointer for fault in error.faults] == [f"/x/{i}" for i in range(MAX_FAULTS)]
    assert error.detail == "; ".join(f"/x/{i}: is wrong" for i in range(MAX_FAULTS))
    assert len(InvalidRequest("Wrong.", [Fault("/x", "is wrong")] * 99).faults) == MAX_FAULTS


def test_several_faults_of_a_field_are_grouped():
    faults = [Fault("/x", "is wrong"), Fault("/x", "is ugly"), Fault("/y", "is wrong")]
    assert InvalidRequest.of(faults, "Mend them.").detail == "/x: is wrong; is ugly; /y: is wrong. Mend them."


def test_long_pointers_and_details_are_cut():
    for length in range(MAX_FAULT - 5, MAX_FAULT + 5):
        error = InvalidRequest.at("/" + "a" * length + "~1" * 10_000, "b" * 10_000)
        [fault] = error.faults
        assert len(error.detail) <= MAX_DETAIL + 1
        assert len(fault.detail) == MAX_FAULT + 1
        assert len(fault.pointer) in (MAX_FAULT, MAX_FAULT + 1)
        assert re.fullmatch(r"(/([^~/]|~0|~1)*)*", fault.pointer)
