"""Check docstrings, comments, messages, names and Markdown for banned words and long sentences.

python scripts/check_prose.py [--count] [PATH ...]

Prints one line for each fault and exits with 1 if there is any. --count prints the number of faults of each file.
Without paths, the whole project is checked, and the subjects of its commits where their history is available.
"""

import argparse
import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MAX_WORDS = 40
MAX_SUBJECT = 72
BASE = "ff2edc2101efab4838fc8c55db2ba9a12620c980"
"""Subjects of commits after this one are checked."""

BANNED = re.compile(
    r"""\btold\b | \bquick\s+ways?\b | \bordinary\s+ways?\b | \bknock(?:s|ed|ing)?\b | \bheard\s+of\b
    | \bso\s+many\b | \bwhatever\b | (?<=\w\ )(?:is|are|was|were)\s+there\b(?!\s+(?:an?|any|no)\b)
    | \bstands\b(?!\s+for\b)""",
    re.IGNORECASE | re.VERBOSE,
)
OPENINGS = re.compile(r"(?:What(?:ever)?|Those that)\b")
SENTENCE_END = re.compile(r"""(?<=[.!?])["'”)\]*_]*\s+(?=["'“(\[*_]*[A-Z0-9])""")
PARAGRAPH = re.compile(
    r"""\n\s*\n | (?<=:)\n | \n(?=\s*(?:[-*+]|\d+\.)\s)  # blank lines, introductions, list items
    | \n(?=\s*(?:\#|`?\w+`?:\s)) | \n(?=\s*\S+(?:\s\S+)*\s{2,}\S)  # headings, attributes, rows of columns""",
    re.VERBOSE,
)
ABBREVIATION = re.compile(r"\b(e\.g|i\.e|cf|vs|etc|no)\.", re.IGNORECASE)
DIRECTIVE = re.compile(r"^(?:noqa|type|ruff|fmt|pragma):.*")

FOLDERS = ("service", "client", "tests", "benchmarks", "scripts", "docs", "monitoring")
FILES = (
    *("gunicorn.conf.py", "Makefile", "Dockerfile", "docker-compose.yml", "pyproject.toml", "models/README.md"),
    *("requirements.txt", "requirements-dev.txt"),
)
PROSE_SUFFIXES = {".py", ".md", ".toml", ".yml"}
EXEMPT = {"tests/unit/test_prose_check.py"}
"""The test of this check has every banned word in it."""


class Passage(NamedTuple):
    """Text of a file that people read, and the line it begins on."""

    line: int
    text: str
    has_sentences: bool = True


class Fault(NamedTuple):
    """A fault and its line."""

    line: int
    reason: str


def of_python(source: str) -> Iterator[Passage]:
    """Yield the docstrings, other strings, comments and names of a Python module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Passage(node.lineno, node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield Passage(token.start[0], token.string.replace("_", " "), has_sentences=False)
    yield from of_comments(source)


def of_markdown(source: str) -> Iterator[Passage]:
    """Yield the prose of a Markdown page, then its tables and code, of which only the words are checked."""
    prose: list[str] = []
    in_code = False
    for number, line in enumerate(source.splitlines(), 1):
        fence = line.lstrip().startswith("```")
        if fence or in_code or line.lstrip().startswith(("|", "<!--")) or line.startswith("    "):
            prose.append("")
            yield Passage(number, line, has_sentences=False)
        else:
            prose.append(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", line))
        in_code ^= fence
    yield Passage(1, "\n".join(prose))


def of_comments(source: str) -> Iterator[Passage]:
    """Yield the comments that begin with #: adjacent lines together, those beside code each by itself."""
    block: list[str] = []
    for number, line in enumerate([*source.splitlines(), ""], 1):
        code, sign, comment = line.partition("#")
        alone = bool(sign) and not code.strip()
        if block and not alone:
            yield Passage(number - len(block), "\n".join(block))
            block = []
        if alone:
            block.append(DIRECTIVE.sub("", comment.strip()))
        elif sign and code.endswith("  "):
            yield Passage(number, DIRECTIVE.sub("", comment.strip()))


def of_settings(source: str) -> Iterator[Passage]:
    """Yield the comments of a Makefile, a shell script or a TOML or YAML file, and its lines as words."""
    for number, line in enumerate(source.splitlines(), 1):
        yield Passage(number, line, has_sentences=False)
    yield from of_comments(source)


def faults_of(passage: Passage) -> Iterator[Fault]:
    """Yield the faults of a passage."""
    for match in BANNED.finditer(passage.text):
        yield Fault(line_at(passage, match.start()), f"banned: {' '.join(match[0].split())}")
    if not passage.has_sentences or " " not in passage.text.strip():
        return
    start = 0
    for paragraph in PARAGRAPH.split(passage.text):
        start = passage.text.index(paragraph, start)
        yield from faults_of_sentences(paragraph, line_at(passage, start + len(paragraph) - len(paragraph.lstrip())))
        start += len(paragraph)


def faults_of_sentences(paragraph: str, line: int) -> Iterator[Fault]:
    """Yield the sentences of a paragraph that are long or begin badly."""
    plain = re.sub(r"`[^`]*`", "code", ABBREVIATION.sub(r"\1", paragraph))
    for sentence in SENTENCE_END.split(plain):
        words = [word for word in sentence.split() if re.search(r"[^\W\d_]", word)]
        beginning = " ".join(words[:5])
        if len(words) > MAX_WORDS:
            yield Fault(line, f"{len(words)} words, at most {MAX_WORDS}: {beginning} …")
        if OPENINGS.match(sentence.lstrip(" -*#_\"'“(")):
            yield Fault(line, f"begins badly: {beginning} …")


def line_at(passage: Passage, position: int) -> int:
    """Return the line of a position in a passage."""
    return passage.line + passage.text.count("\n", 0, position)


def check(path: Path) -> list[Fault]:
    """Return the faults of a file, by line."""
    source = path.read_text("utf-8")
    passages = {".py": of_python, ".md": of_markdown}.get(path.suffix, of_settings)(source)
    return sorted({fault for passage in passages for fault in faults_of(passage)})


def project_files() -> Iterator[Path]:
    """Yield the files that are checked, without what is generated or exempt."""
    found = [ROOT / name for name in FILES] + list(ROOT.glob("*.md"))
    found += [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    for path in sorted(found):
        relative = path.relative_to(ROOT)
        hidden = any(part.startswith(".") or part == "build" for part in relative.parts)
        is_prose = path.suffix in PROSE_SUFFIXES or relative.as_posix() in FILES or relative.parts[0] == "scripts"
        if path.is_file() and is_prose and not hidden and path.suffix != ".pyc" and relative.as_posix() not in EXEMPT:
            yield path


def long_subjects(root: Path = ROOT, base: str = BASE) -> list[str]:
    """Return the subjects after `base` that are too long; none where git or that history is missing."""
    command = ["git", "-C", str(root), "log", "--format=%h %s", f"{base}..HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    lines = result.stdout.splitlines() if result.returncode == 0 else []
    return [line for line in lines if len(line.split(" ", 1)[1]) > MAX_SUBJECT]


def main(arguments: list[str] | None = None) -> int:
    """Print the faults, or how many there are in each file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", action="store_true", help="print the number of faults of each file")
    parser.add_argument("paths", nargs="*", type=Path, help="files to check instead of the whole project")
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    for path in options.paths or project_files():
        name = path.resolve().relative_to(ROOT).as_posix() if path.resolve().is_relative_to(ROOT) else str(path)
        for fault in check(path):
            counts[name] += 1
            if not options.count:
                print(f"{name}:{fault.line}: {fault.reason}")
    for subject in [] if options.paths else long_subjects():
        counts["commit subjects"] += 1
        print(f"subject of {subject}: {len(subject.split(' ', 1)[1])} characters, at most {MAX_SUBJECT}")
    if options.count:
        for name, count in counts.most_common():
            print(f"{count:5} {name}")
    print(f"{counts.total()} faults of prose in {len(counts)} files", file=sys.stderr)
    return int(bool(counts))


if __name__ == "__main__":
    sys.exit(main())
