"""The options say what they mean, in the schemas and in the README alike."""

from scripts.readme_tables import OPTIONS, README, option_table
from service.api.schemas import requests


def test_the_readme_lists_the_options_as_they_are():
    for classes in OPTIONS:
        assert option_table(*classes) in README.read_text("utf-8")


def test_the_tables_leave_no_option_out():
    listed = {name for classes in OPTIONS for each in classes for name in each().fields}
    for request in (requests.TrainRequest, requests.PredictRequest, requests.EvaluateRequest):
        assert set(request().fields) <= listed
