"""A linear model behind TorchServe."""

from typing import Any

import torch
from ts.torch_handler.base_handler import BaseHandler


class Line(BaseHandler):
    """Predict rows of one column, for all requests of a batch at once."""

    def preprocess(self, requests: list[dict[str, Any]]) -> list[torch.Tensor]:
        """Return the rows of each request."""
        return [torch.tensor(each["body"]["x"], dtype=torch.float64)[:, None] for each in requests]

    def inference(self, rows: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Return the predictions for the rows of each request."""
        with torch.inference_mode():
            return self.model(torch.cat(rows))[:, 0].split([len(each) for each in rows])

    def postprocess(self, answers: tuple[torch.Tensor, ...]) -> list[dict[str, list[float]]]:
        """Return a response for each request."""
        return [{"y": each.tolist()} for each in answers]
