"""The options say what they mean, in the schemas and in the README alike."""

from pathlib import Path

from service.api.schemas import options, requests

README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
TABLES = [
    (options.FitOptions, requests.LabelledRequest),
    (options.ContinueOptions,),
    (options.PredictOptions, options.RowOptions),
]


def test_the_readme_lists_the_options_as_they_are():
    for classes in TABLES:
        assert options.table(*classes) in README


def test_the_tables_leave_no_option_out():
    listed = {name for classes in TABLES for each in classes for name in each().fields}
    for request in (requests.TrainRequest, requests.PredictRequest, requests.EvaluateRequest):
        assert set(request().fields) <= listed
