"""GET /models/NAME/versions: the versions of a model in pages, newest first."""

import re
from pathlib import Path

import pytest

from service.store import Store

PATH = "/models/m/versions"


def train(client, **options):
    answer = client.post("/models/m/train", json={"x": [1, 2, 3], "y": [2, 4, 7], **options})
    assert answer.status_code == 201, answer.text
    return answer.json


def numbers(answer):
    return [version["version"] for version in answer["versions"]]


def flagged(answer, flag):
    return [version["version"] for version in answer["versions"] if version[flag]]


def test_versions_are_listed_newest_first_with_their_fits(client):
    fits = [train(client, **options) for options in ({}, {"epochs": 2, "learning_rate": 0.01}, {"y": [1, 1, 1]})]
    answer = client.get(PATH).json
    names = ("version", "trained_at", "loss", "r2", "n")
    expected = [{name: fit[name] for name in names} for fit in reversed(fits)]
    assert answer["model"] == "m"
    assert [{name: version[name] for name in names} for version in answer["versions"]] == expected
    assert set(answer) == {"model", "versions"}
    assert all(set(version) == {*names, "serving", "pinned"} for version in answer["versions"])
    assert [version["r2"] is None for version in answer["versions"]] == [True, False, False]


def test_times_are_iso_8601_in_utc_with_milliseconds(client):
    train(client)
    [version] = client.get(PATH).json["versions"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", version["trained_at"])


def test_the_newest_version_serves_unless_another_is_pinned(client):
    for _ in range(3):
        train(client)
    answer = client.get(PATH).json
    assert (flagged(answer, "serving"), flagged(answer, "pinned")) == ([3], [])
    client.put("/models/m/serving", json={"version": 1})
    answer = client.get(PATH).json
    assert (flagged(answer, "serving"), flagged(answer, "pinned")) == ([1], [1])


def test_no_version_serves_if_the_model_configuration_is_invalid(client, settings):
    train(client)
    (Path(settings.store) / "m/config.pbtxt").write_text("version_policy { specific { versions: [ 9 ] } }")
    answer = client.get(PATH).json
    assert (numbers(answer), flagged(answer, "serving"), flagged(answer, "pinned")) == ([1], [], [])


def test_pages_continue_below_the_last_version_of_the_previous_page(client):
    for _ in range(5):
        train(client)
    first = client.get(f"{PATH}?limit=2").json
    second = client.get(f"{PATH}?limit=2&page_token={first['next_page_token']}").json
    train(client)
    third = client.get(f"{PATH}?limit=2&page_token={second['next_page_token']}").json
    assert [numbers(page) for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert "next_page_token" not in third
    assert "next_page_token" not in client.get(f"{PATH}?limit=6").json


@pytest.mark.parametrize(
    ("query", "pointer", "detail"),
    [
        ("limit=0", "/limit", "is '0'; give a whole number from 1 to 1000"),
        ("limit=1001", "/limit", "is '1001'; give a whole number from 1 to 1000"),
        ("page_token=abc", "/page_token", "is 'abc'; give the next_page_token of the previous page"),
        ("prefix=a", "/prefix", "is not a known query parameter; the query parameters are limit, page_token"),
    ],
)
def test_an_invalid_query_is_rejected(client, query, pointer, detail):
    train(client)
    answer = client.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json["errors"]) == (422, [{"pointer": pointer, "detail": detail}])


def test_the_versions_of_an_unknown_model_are_a_404(client):
    answer = client.get("/models/none/versions")
    assert (answer.status_code, answer.json["type"]) == (404, "urn:descent:problem:model-not-found")


def test_a_damaged_version_has_a_problem_and_null_values(client, settings):
    for _ in range(3):
        train(client)
    (Path(settings.store) / "m/2/model.pt").write_bytes(b"damaged")
    answer = client.get(PATH).json
    assert numbers(answer) == [3, 2, 1]
    damaged = answer["versions"][1]
    assert damaged.pop("problem")["type"] == "urn:descent:problem:corrupt-artifact"
    nulls = dict.fromkeys(("trained_at", "loss", "r2", "n"))
    assert damaged == {"version": 2, **nulls, "serving": False, "pinned": False}
    assert all(version["loss"] is not None for version in (answer["versions"][0], answer["versions"][2]))


def test_a_version_that_is_deleted_meanwhile_is_left_out(client, monkeypatch):
    for _ in range(3):
        train(client)
    versions = Store.versions

    def delete_afterwards(self, model):
        found = versions(self, model)
        if 2 in found:
            monkeypatch.undo()
            self.delete_version(model, 2)
        return found

    monkeypatch.setattr(Store, "versions", delete_afterwards)
    assert numbers(client.get(PATH).json) == [3, 1]


def test_the_list_is_conditional(client):
    train(client)
    tag = client.get(PATH).headers["ETag"]
    assert client.get(PATH, headers={"If-None-Match": tag}).status_code == 304
    train(client)
    assert client.get(PATH, headers={"If-None-Match": tag}).status_code == 200
