"""A linear model behind LitServe, with two processes for HTTP and two that predict."""

import os
import sys

import joblib
import litserve
import numpy as np


class Line(litserve.LitAPI):
    """Predict rows of one column."""

    def setup(self, device: str) -> None:  # noqa: ARG002
        self.model = joblib.load(os.environ["MODEL"])

    def decode_request(self, request: dict[str, list[float]]) -> np.ndarray:
        return np.array(request["x"])[:, None]

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict(x)

    def encode_response(self, output: np.ndarray) -> dict[str, list[float]]:
        return {"y": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Line(), accelerator="cpu", workers_per_device=2, timeout=False)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=2,
        log_level="warning",
        generate_client_file=False,
        access_log=False,
    )
