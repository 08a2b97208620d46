import pytest
from fake_service import FakeService, problem

from descent import Problem


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("Send the values, or set missing=drop to go on.", "Send the values, or set missing='drop' to go on."),
        ('send fewer, or "method": "spectral", which', "send fewer, or method='spectral', which"),
        ('"append": true, "epochs": null, l2=-0.5; strict=true.', "append=True, epochs=None, l2=-0.5; strict=True."),
        ("add delimiter=; to the query if ';'", "add delimiter=';' if ';'"),
        ("add thousands=%20&decimal=, to the query", "add thousands=' ' decimal=','"),
        ("choose another with y=; /l2: is -1", "choose another with y=; /l2: is -1"),
        ('send a line such as {"x": 1, "y": 2}', 'send a line such as {"x": 1, "y": 2}'),
        ("POST /train?model=homes&y=price", "POST /train?model=homes&y=price"),
        ("", "Some"),
    ],
)
def test_a_problem_speaks_of_parameters_of_the_client(detail, expected):
    with pytest.raises(Problem) as raised:
        FakeService(problem(422, detail=detail)).client().predict([1])
    assert str(raised.value) == expected
    assert raised.value.detail == raised.value.document()["detail"] == detail
