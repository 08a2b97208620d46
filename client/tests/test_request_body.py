import pytest

from descent import File, InvalidArgument
from descent.request_body import MEDIA_TYPES


@pytest.mark.parametrize(("suffix", "media_type"), MEDIA_TYPES.items())
def test_the_suffix_of_a_file_gives_its_media_type(suffix, media_type, tmp_path):
    path = tmp_path / f"rows{suffix}"
    assert File.from_path(path) == (path, media_type, None, None)
    assert File.from_path(f"{path.parent}/rows{suffix.upper()}.gz").media_type == media_type


@pytest.mark.parametrize(("suffix", "encoding"), [(".gz", "gzip"), (".zst", "zstd"), (".GZ", "gzip")])
def test_a_second_suffix_gives_the_compression(suffix, encoding):
    file = File.from_path(f"rows.csv{suffix}")
    assert (file.media_type, file.encoding) == ("text/csv", encoding)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("rows.xlsx", r"^Unsupported file type \.xlsx; use \.csv, \.tsv, \.parquet"),
        ("rows", r"^rows has no suffix; use \.csv"),
        ("rows.gz", "^rows has no suffix"),
    ],
)
def test_an_unsupported_file_type_is_refused(path, reason):
    with pytest.raises(InvalidArgument, match=reason):
        File.from_path(path)
