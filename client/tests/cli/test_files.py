import io
import sys

from descent.cli.files import data_file, upload_progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def upload(path, screen, monkeypatch):
    monkeypatch.setattr(sys, "stderr", screen)
    with upload_progress(data_file(path, ())) as file:
        for sent in (1 << 20, 3 << 20, 0, 3 << 20):  # as for a file that is sent twice
            file.progress(sent, 3 << 20)
    return file


def test_a_large_upload_shows_a_progress_bar_on_a_terminal(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(bytes(3 << 20))
    screen = Terminal()
    file = upload(path, screen, monkeypatch)
    assert (file.media_type, file.encoding) == ("text/csv", "gzip")
    assert "rows.csv.gz" in screen.getvalue()
    assert "33%" in screen.getvalue()
    assert "0%" in screen.getvalue().split("100%")[1]


def test_an_upload_without_a_terminal_shows_nothing(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    path.write_bytes(bytes(3 << 20))
    screen = io.StringIO()
    upload(path, screen, monkeypatch)
    assert screen.getvalue() == ""


def test_a_small_upload_shows_nothing(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n1,2\n")
    screen = Terminal()
    upload(path, screen, monkeypatch)
    assert screen.getvalue() == ""
