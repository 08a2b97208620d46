"""The description of text that is not a number, and its cure."""

import pytest

from service.formats.bad_cells import ENCODE, not_a_number

DATE = "convert the date to a number"


@pytest.mark.parametrize(
    ("text", "in_csv", "in_json"),
    [
        ("178,000", "add thousands=, to the query if the comma separates thousands", "remove the thousands separator"),
        ("1,234.5", "add thousands=, to the query", "remove the thousands separator"),
        ("1.234,5", "add thousands=.&decimal=, to the query", "separator and write a decimal point"),
        ("1.234.567", "add thousands=.&decimal=, to the query", "remove the thousands separator"),
        ("12,34,567.5", "add thousands=, to the query", "remove the thousands separator"),
        ("178 000", "add thousands=%20 to the query", "remove the thousands separator"),
        ("1\u202f234,5", "add thousands=%20&decimal=, to the query", "separator and write a decimal point"),
        ("1'234", "add thousands=' to the query", "remove the thousands separator"),
        ("1,5", "add decimal=, to the query", "write a decimal point"),
        ("-3,14159", "add decimal=, to the query", "write a decimal point"),
        ("12", "the decimal sign of decimal=", "send the number without quotes"),
        ("€178,000", "remove the currency sign", "remove the currency sign"),
        ("$ 5", "remove the currency sign", "remove the currency sign"),
        ("178 000 EUR", 'remove the unit "EUR"', 'remove the unit "EUR"'),
        ("52 m2", 'remove the unit "m2"', 'remove the unit "m2"'),
        ("-3.5kg", 'remove the unit "kg"', 'remove the unit "kg"'),
        ("5 %", "remove the percent sign", "remove the percent sign"),
        ("Yes", "write 1 for yes and 0 for no", "write 1 for yes and 0 for no"),
        *((date, DATE, DATE) for date in ("2024-05-01", "1.5.2024", "5/1/24", "2024-05-01T10:00:00Z", "12:30")),
        *((date, DATE, DATE) for date in ("12 Mar 2024", "Mar 5, 2024", "2024-05-01 10:00")),
        ("-", "leave the cell empty", "send null"),
        ("n/a", "leave the cell empty", "send null"),
        ("\N{REPLACEMENT CHARACTER}5", "with the encoding UTF-8", "with the encoding UTF-8"),
        ("Berlin", ENCODE, ENCODE),
        ("", "leave the cell empty", "send null"),
    ],
)
def test_the_likely_cure_is_named(text, in_csv, in_json):
    assert in_csv in not_a_number(text, in_csv=True)
    assert in_json in not_a_number(text)
    assert not_a_number(text).startswith(f'"{text}" is not a number; ')


def test_a_long_text_is_cut_and_its_cure_is_found_at_once():
    assert not_a_number("7" * 5_000_000 + "x").startswith(f'"{"7" * 40}…" is not a number; ')
