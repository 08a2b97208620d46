"""HTTP over a socket: connections, paths and request ids."""


def test_a_response_before_the_body_was_read_closes_the_connection(service):
    with service.client() as own_client:
        refused = own_client.post("/train", content=b"x" * 100_000, headers={"Content-Type": "text/plain"})
        assert (refused.status_code, refused.headers["Connection"]) == (415, "close")
        refused = own_client.post("/train", content=b"{", headers={"Content-Type": "application/json"})
        assert (refused.status_code, refused.headers["Connection"]) == (400, "keep-alive")
