"""Links and paths in the documentation exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "models/README.md"]
SOURCES = re.compile(r"`((?:service|benchmarks|scripts|tests|monitoring|docs)/[\w/.-]+)`")
LINKS = re.compile(r"\]\((?!https?:)([^)#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files(page):
    missing = [link for link in LINKS.findall(page.read_text("utf-8")) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_in_a_page_exist(page):
    missing = [path for path in SOURCES.findall(page.read_text("utf-8")) if not (ROOT / path).exists()]
    assert missing == []


def test_every_decision_is_listed_once():
    index = (ROOT / "docs/decisions/README.md").read_text("utf-8")
    records = sorted(path.name for path in ROOT.glob("docs/decisions/[0-9]*.md"))
    assert sorted(re.findall(r"\(([0-9][\w-]+\.md)\)", index)) == records


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/decisions/[0-9]*.md")), ids=lambda path: path.stem[:3])
def test_a_decision_has_its_parts(path):
    text = path.read_text("utf-8")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert re.search(r"^Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
