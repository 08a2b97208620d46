"""Plain heads mean what gunicorn's own parser finds in them."""

from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.fastpath import http_head

PLAIN = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"
BODY = b'{"x": 5}'

tokens = st.text("abcXYZ019-_ \t:\r\n\x00\x7fé", max_size=8)
names = st.one_of(
    st.sampled_from(
        [
            *["Host", "host", "Content-Type", "Content-Length", "content-length", "Accept", "Accept-Encoding"],
            *["X-Request-ID", "Connection", "Expect", "Transfer-Encoding", "Content-Encoding", "User-Agent", "TE"],
            *["X-Forwarded-Proto", "X-Forwarded-Ssl", "Upgrade", "Script-Name", "SCRIPT_NAME", "Keep-Alive"],
        ]
    ),
    tokens,
)
values = st.one_of(
    st.sampled_from(
        ["8", "08", "+8", "8, 8", "", " a ", "close", "Close", "keep-alive", "chunked", "identity", "https"]
    ),
    tokens,
)
separators = st.sampled_from([":", ": ", " :", ":\t", "", ":  "])
ends = st.sampled_from(["\r\n"] * 12 + ["\n", "\r", "\r\n "])
fields = st.lists(st.tuples(names, separators, values, ends), max_size=5)
targets = st.one_of(
    st.sampled_from(["/predict", "/predict?model=a", "/predict?", "/predict#a", "//predict", "/models/a/predict", "*"]),
    st.text("/a?#%&=é .", max_size=8),
)
versions = st.sampled_from(["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/2.0", "http/1.1", ""])
methods = st.sampled_from(["POST"] * 8 + ["GET", "post", "POST "])


@settings(max_examples=2000, deadline=None)
@given(methods, targets, versions, fields, st.booleans())
@example("POST", "/predict?model=a", "HTTP/1.1", [("Accept", ": ", "*/*", "\r\n")], True)
def test_a_plain_head_means_what_the_servers_parser_finds(method, target, version, more, complete):
    lines = [f"{method} {target} {version}\r\n"]
    if complete:
        lines += ["Host: a\r\n", "Content-Type: application/json\r\n", "Content-Length: 8\r\n"]
    lines += [name + separator + value + end for name, separator, value, end in more]
    data = "".join(lines).encode("latin-1") + b"\r\n" + BODY
    head = http_head.read(data)
    if head is None:
        return
    request = next(RequestParser(Config(), iter([data]), ("1.2.3.4", 5)))
    _, environ = wsgi.create(request, None, ("1.2.3.4", 5), ("127.0.0.1", 80), Config())
    assert head.environ.items() <= environ.items()
    assert data[head.start : head.end] == request.body.read(len(BODY))
    assert head.keeps_alive is not request.should_close()


def test_most_clients_heads_are_plain():
    for more in (b"", b"User-Agent: curl/8.0\r\nAccept: */*\r\n", b"Connection: keep-alive\r\n", b"Cookie: a=\x7e\r\n"):
        head = http_head.read(PLAIN[:-2] + more + b"\r\n" + BODY)
        assert head is not None
        assert head.environ["PATH_INFO"] == "/predict"
        assert head.end - head.start == len(BODY)


def test_a_head_is_read_when_its_body_is_still_to_come():
    head = http_head.read(PLAIN)
    assert (head.start, head.end) == (len(PLAIN), len(PLAIN) + 8)


def test_what_is_unusual_is_not_read():
    for more in (
        b"Content-Length: 8\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: upgrade\r\n",
        b"X-Forwarded-Proto: https\r\n",
        b"Bad_Name: 1\r\n",
        b"Folded: 1\r\n 2\r\n",
        b"Long: " + b"a" * http_head.MOST_BYTES + b"\r\n",
        b"a:\r\n" * 98,
    ):
        assert http_head.read(PLAIN[:-2] + more + b"\r\n" + BODY) is None
    assert http_head.read(PLAIN[:-2] + b"a:\r\n" * 97 + b"\r\n" + BODY)
    for data in (
        PLAIN[:-2],
        PLAIN.replace(b"/predict", b"/%aa"),
        PLAIN.replace(b"/predict", b"/a#b"),
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"Host", b"Hast"),
        b"GET" + PLAIN[4:],
        b"",
    ):
        assert http_head.read(data) is None
