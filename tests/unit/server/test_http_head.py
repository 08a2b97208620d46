"""Plain heads mean what gunicorn's parser finds in them, and per-request fields share one entry of the cache."""

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.fastpath.interface import RouteMatch
from service.server.worker import http_head
from service.server.worker.http_head import HeadParser, parse_head

PLAIN = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"
BODY = b'{"x": 5}'

tokens = st.text("abcXYZ019-_ \t:\r\n\x00\x7fé", max_size=8)
names = st.one_of(
    st.sampled_from(
        [
            *["Host", "host", "Content-Type", "Content-Length", "content-length", "Accept", "Accept-Encoding"],
            *["X-Request-ID", "Connection", "Expect", "Transfer-Encoding", "Content-Encoding", "User-Agent", "TE"],
            *["X-Forwarded-Proto", "X-Forwarded-Ssl", "Upgrade", "Script-Name", "SCRIPT_NAME", "Keep-Alive"],
            *["traceparent", "Cookie", "x-request-id", "X-REQUEST-ID", "X-B3-TraceId"],
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


def parser():
    return HeadParser(lambda head: RouteMatch(head.path))


@settings(max_examples=2000, deadline=None)
@given(methods, targets, versions, fields, st.booleans())
@example("POST", "/predict?model=a", "HTTP/1.1", [("Accept", ": ", "*/*", "\r\n")], True)
@example("POST", "/predict", "HTTP/1.1", [("Host", ":", "8\ntraceparent:8", "\r\n")], False)
@example("POST", "/predict", "HTTP/1.1", [("Cookie", ": ", "a", "\r\n "), ("X-Request-ID", ": ", "b", "\r\n")], True)
def test_a_plain_head_means_what_gunicorns_parser_finds(method, target, version, more, complete):
    lines = [f"{method} {target} {version}\r\n"]
    if complete:
        lines += ["Host: a\r\n", "Content-Type: application/json\r\n", "Content-Length: 8\r\n"]
    lines += [name + separator + value + end for name, separator, value, end in more]
    data = "".join(lines).encode("latin-1") + b"\r\n" + BODY
    parsed = parser().parse(data)
    if parsed is None:  # the end of the head is missing
        return
    head = parsed.head
    assert head == parse_head(data[: parsed.size])
    if not head.is_plain:
        assert parsed.match is None
        return
    request = next(RequestParser(Config(), iter([data]), ("1.2.3.4", 5)))
    _, environ = wsgi.create(request, None, ("1.2.3.4", 5), ("127.0.0.1", 80), Config())
    assert (head.method, head.path) == (environ["REQUEST_METHOD"], environ["PATH_INFO"])
    assert (head.query, head.host) == (environ["QUERY_STRING"], environ["HTTP_HOST"])
    assert (head.media_type, head.accept) == (environ.get("CONTENT_TYPE", ""), environ.get("HTTP_ACCEPT", "*/*"))
    assert head.accepts_encoding == ("HTTP_ACCEPT_ENCODING" in environ)
    assert parsed.match.request_id == environ.get("HTTP_X_REQUEST_ID", "")
    assert data[parsed.size :][: head.body_length] == request.body.read(len(BODY))
    assert head.keep_alive is not request.should_close()


def head(*more, data=PLAIN):
    """A plain head with more fields."""
    return data[:-2] + b"".join(line + b"\r\n" for line in more) + b"\r\n"


@pytest.mark.parametrize(
    "more",
    [
        (),
        (b"User-Agent: curl/8.0", b"Accept: */*"),
        (b"Connection: keep-alive",),
        (b"Cookie: a=\x7e",),
        (b"a:",) * 97,
        (b"Cookie: a",) * 97,
    ],
)
def test_heads_of_common_clients_are_plain(more):
    parsed = parser().parse(head(*more) + BODY)
    assert parsed.head.is_plain
    assert (parsed.head.path, parsed.head.body_length) == ("/predict", len(BODY))
    assert parsed.size == len(head(*more))
    assert parsed.match == RouteMatch("/predict")


@pytest.mark.parametrize(
    "data",
    [
        *(
            head(*more)
            for more in (
                (b"Content-Length: 8",),
                (b"Transfer-Encoding: chunked",),
                (b"Content-Encoding: gzip",),
                (b"Expect: 100-continue",),
                (b"Connection: upgrade",),
                (b"X-Forwarded-Proto: https",),
                (b"X-Request-ID: a", b"x-request-id: b"),
                (b"X-Request-ID: a", b"X-REQUEST-ID: b"),
                (b"Bad_Name: 1",),
                (b"Folded: 1\r\n 2",),
                (b"Cookie: 1\r\n 2",),
                (b"Cookie: \xe9",),
                (b"Long: " + b"a" * http_head.MAX_PLAIN_BYTES,),
                (b"Cookie: " + b"a" * http_head.MAX_PLAIN_BYTES,),
                (b"a:",) * 98,
                (b"Cookie: a",) * 98,
            )
        ),
        PLAIN.replace(b"/predict", b"/%aa"),
        PLAIN.replace(b"/predict", b"/a#b"),
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"Host", b"Hast"),
        PLAIN.replace(b"8", b"-8"),
        PLAIN.replace(b": 8", b": " + b"8" * 19),
        b"GET" + PLAIN[4:],
        b"\r\n\r\n",
    ],
)
def test_unusual_heads_are_not_plain(data):
    parsed = parser().parse(data + BODY)
    assert not parsed.head.is_plain
    assert parsed.match is None
    assert parsed.size == len(data)


@pytest.mark.parametrize("data", [PLAIN[:-2], PLAIN[:-1], b"", b"a" * http_head.MAX_HEAD_BYTES + b"\r\n\r\n"])
def test_an_incomplete_head_is_not_parsed(data):
    assert parser().parse(data) is None


@pytest.mark.parametrize(
    ("more", "body_length", "content_encoding", "expects_continue"),
    [
        ((b"Cookie: " + b"a" * 50_000,), 8, "", False),
        ((b"Content-Encoding: GZIP",), 8, "gzip", False),
        ((b"transfer-encoding: chunked",), None, "", False),
        ((b"EXPECT: 100-continue",), 8, "", True),
    ],
)
def test_heads_that_are_not_plain_are_parsed_too(more, body_length, content_encoding, expects_continue):
    parsed = parse_head(head(*more))
    assert (parsed.body_length, parsed.content_encoding) == (body_length, content_encoding)
    assert parsed.expects_continue is expects_continue
    assert parsed.media_type == "application/json"


@pytest.mark.parametrize(
    "more",
    [
        (b"traceparent: 00-%d-01",),
        (b"Traceparent: 00-%d-01", b"TraceState: a=%d", b"baggage: b=%d"),
        (b"X-Request-ID: %d",),
        (b"x-request-id:%d", b"cookie: session=%d; b=c"),
        (b"X-REQUEST-ID: %d",),
        (b"X-Amzn-Trace-Id: Root=%d", b"X-Forwarded-For: 10.0.0.%d", b"x-b3-traceid: %d", b"X-B3-SpanId: %d"),
    ],
)
def test_heads_that_differ_in_per_request_fields_are_parsed_once(more):
    matched = []
    heads = HeadParser(lambda head: matched.append(head) or RouteMatch(head.path))
    for number in range(1000):
        parsed = heads.parse(head(*(line.replace(b"%d", b"%d" % number) for line in more)) + BODY)
        is_named = any(line.lower().startswith(b"x-request-id") for line in more)
        assert parsed.match == RouteMatch("/predict", str(number) if is_named else "")
    assert len(matched) == 1


def test_fields_that_matter_are_not_shared():
    heads = parser()
    assert heads.parse(head()).head.accept == "*/*"
    assert heads.parse(head(b"Accept: text/csv", b"Cookie: a")).head.accept == "text/csv"
    assert heads.parse(head(b"Cookie: a")).head.accept == "*/*"
    assert heads.parse(head(b"Accept: text/csv")).head.accept == "text/csv"


def test_the_cache_is_bounded():
    heads = parser()
    for number in range(3 * http_head.MAX_CACHED):
        assert heads.parse(head(b"User-Agent: %d" % number)).match
    assert len(heads._cache) <= http_head.MAX_CACHED
