"""Describe text that is not a number, with the likely cure: one wording for all formats."""

import json
import re
import unicodedata

from service.errors import quoted

MAX_TEXT = 40
"""Characters of a cell that a message shows."""
MAX_CURED = 100
"""Characters of a cell that the cure depends on."""
BLANKS = " \u00a0\u202f"
"""The blanks that separate thousands: space, no-break space, narrow no-break space."""
LEAVE_OUT = "leave the column out, by naming the others with x="
ENCODE = f"Descent needs numbers: encode text, for example with pandas' get_dummies, or {LEAVE_OUT}"

_BLANK = f"[{BLANKS}]"
_GROUPED = re.compile(rf"[+-]?\d{{1,3}}([,.'\u2019_]|{_BLANK})(?:\d{{2,3}}\1)*\d{{3}}(?:([.,])\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_UNIT = re.compile(
    rf"([^\d\s.,+-]{{0,9}}){_BLANK}?[+-]?\d(?:[\d.,'\u2019_]|{_BLANK}\d)*{_BLANK}?((?:[^\d\s.,]\S{{0,9}})?)"
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2}([T ].*)?)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( .*)?|\d{1,2}:\d{2}(:.*)?"
    rf"|(\w+,? )?\d{{1,2}}\.?[- ]{_MONTH}[-, ]*\d{{2,4}}.*|(\w+,? )?{_MONTH}[- ]\d{{1,2}}(, | )\d{{4}}.*",
    re.IGNORECASE,
)
_YES_OR_NO = {"yes", "no", "y", "n", "on", "off", "t", "f", "true", "false"}
_MISSING = {"", "-", "--", "?", ".", "na", "n/a", "n.a.", "nan", "nil", "none", "null", "missing", "unknown", "#n/a"}


def not_a_number(text: str, *, in_csv: bool = False) -> str:
    """Return the description of `text`. in_csv: whether the options decimal and thousands apply."""
    cure = _cure(text.strip()[:MAX_CURED], in_csv=in_csv)
    return f"{shown(text)} is not a number; {cure}"


def shown(text: str) -> str:
    """Return `text` in quotes, cut to its maximum length."""
    return json.dumps(text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…", ensure_ascii=False)


def cell(name: str, line: int, detail: str) -> str:
    """Return the description of a cell by its column and line."""
    return f"column {json.dumps(name, ensure_ascii=False)}, line {line}: {detail}"


def late_name(name: str) -> str:
    """Return the description of a key that the records which name the columns do not have."""
    return f"has the column {quoted(name)}, which the first 1,000 records do not have; name the columns with x="


def _cure(text: str, *, in_csv: bool) -> str:
    is_missing = "leave the cell empty if the value is missing" if in_csv else "send null if the value is missing"
    is_number = (
        "remove blanks and line breaks, and write the decimal sign of decimal="
        if in_csv
        else "send the number without quotes"
    )
    cures = (
        ("\N{REPLACEMENT CHARACTER}" in text, "it is not UTF-8, so save the file with the encoding UTF-8"),
        (text.lower() in _MISSING, is_missing),
        (text.lower() in _YES_OR_NO, "write 1 for yes and 0 for no"),
        (any(unicodedata.category(character) == "Sc" for character in text), "remove the currency sign"),
        (text.endswith("%"), "remove the percent sign, in all rows of the column"),
        (_DATE.fullmatch(text), f"convert the date to a number, such as days since a date, or {LEAVE_OUT}"),
        (_NUMBER.fullmatch(text), is_number),
    )
    found = next((cure for applies, cure in cures if applies), None)
    return found or _separator(text, in_csv=in_csv) or _unit(text) or ENCODE


def _separator(text: str, *, in_csv: bool) -> str | None:
    """Return the cure of a number with a decimal comma or a thousands separator; None for other text."""
    grouped = _GROUPED.fullmatch(text)
    if grouped is None:
        if not _DECIMAL_COMMA.fullmatch(text):
            return None
        return "add decimal=, to the query" if in_csv else "write a decimal point instead of the comma"
    separator, point = grouped[1], grouped[2]
    if not in_csv:
        return "remove the thousands separator" + (" and write a decimal point" if point == "," else "")
    option = f"thousands={'%20' if separator in BLANKS else separator}"
    if separator == "," and point is None:
        return f"add {option} to the query if the comma separates thousands, or decimal=, if it is a decimal comma"
    return f"add {option}{'&decimal=,' if point == ',' or separator == '.' else ''} to the query"


def _unit(text: str) -> str | None:
    found = _UNIT.fullmatch(text)
    units = [unit.strip() for unit in found.groups() if unit.strip()] if found else []
    return f"remove the unit {shown(units[0])}" if units else None
