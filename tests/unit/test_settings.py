"""Settings are read once; errors name the variable."""

import dataclasses

import pytest

from scripts.readme_tables import README, metric_table, setting_table
from service.settings import RENAMED, InvalidSetting, Settings


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


def test_every_renamed_setting_has_a_new_name():
    names = {field.name for field in dataclasses.fields(Settings)}
    assert set(RENAMED.values()) <= names
    assert not set(RENAMED) & names


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("GRACEFUL_SECONDS", "GRACEFUL_TIMEOUT_SECONDS"),
        ("CLIENT_SECONDS", "CLIENT_TIMEOUT_SECONDS"),
        ("MAX_INFLATION", "MAX_DECOMPRESSION_RATIO"),
        ("AUTOGRAD_EPOCHS", "MAX_AUTOGRAD_EPOCHS"),
        ("CACHED_MODELS", "MODEL_CACHE_SIZE"),
        ("METRICS_MODELS", "METRICS_MAX_MODELS"),
        ("REFRESH_SECONDS", "STORE_REFRESH_SECONDS"),
        ("LOG_SLOWER_THAN_MS", "LOG_MIN_DURATION_MS"),
    ],
)
def test_a_former_name_stops_the_start_and_names_the_new_one(old, new):
    with pytest.raises(InvalidSetting, match=f"^DESCENT_{old} is now DESCENT_{new}$"):
        Settings.from_environment({f"DESCENT_{old}": "5", f"DESCENT_{new}": "5"})


def test_unknown_variables_are_found():
    assert Settings.unknown({"DESCENT_PROT": "1", "DESCENT_PORT": "1", "PATH": ""}) == ["DESCENT_PROT"]


def test_every_setting_has_a_description():
    assert all(field.metadata["about"] for field in dataclasses.fields(Settings))


def test_the_readme_has_the_table_of_settings():
    assert setting_table() in README.read_text("utf-8")


def test_the_readme_has_the_table_of_metrics():
    assert metric_table() in README.read_text("utf-8")
