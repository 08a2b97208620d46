"""Settings are read once, and fail fast with the variable's name."""

import dataclasses
from pathlib import Path

import pytest

from service import settings
from service.observability import metrics
from service.settings import InvalidSetting, Settings

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_environment({}) == Settings()


def test_variables_override_defaults():
    found = Settings.from_environment({"DESCENT_PORT": "0", "DESCENT_STORE": "elsewhere", "HOME": "/"})
    assert (found.port, found.store) == (0, "elsewhere")


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("PORT", "65536"), ("PORT", "-1"), ("WORKERS", "0"), ("STORE", ""), ("THREADS", "1.5")],
)
def test_a_bad_value_names_its_variable(name, value):
    with pytest.raises(InvalidSetting, match=f"DESCENT_{name}={value!r}: give"):
        Settings.from_environment({f"DESCENT_{name}": value})


def test_misspelt_variables_are_found():
    assert Settings.unknown({"DESCENT_PROT": "1", "DESCENT_PORT": "1", "PATH": ""}) == ["DESCENT_PROT"]


def test_every_setting_says_what_it_sets():
    assert all(field.metadata["about"] for field in dataclasses.fields(Settings))


def test_the_readme_lists_the_settings_as_they_are():
    assert settings.table() in README


def test_the_readme_lists_the_metrics_as_they_are():
    assert metrics.table() in README
