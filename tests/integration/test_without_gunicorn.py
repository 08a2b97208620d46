"""The app is built and serves where gunicorn is not installed."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """if True:
    import json, sys
    sys.modules["gunicorn"] = None  # importing it raises ImportError
    from service.app import create_app
    from service.settings import Settings

    client = create_app(Settings(store=sys.argv[1], log_min_duration_ms=10_000)).test_client()
    trained = client.post("/train", json={"x": [1, 2, 3], "y": [2, 4, 6]})
    predicted = [client.post("/predict", json={"x": 5}) for _ in range(2)]  # on the slow path and on the fast path
    refused = client.post("/train", data="x", content_type="text/plain")
    print(json.dumps([trained.status_code, *(each.json["y"] for each in predicted), refused.status_code]))
    assert not [name for name in sys.modules if name.startswith("gunicorn.")]
"""


def test_it_trains_and_predicts(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", CODE, str(tmp_path / "models")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    created, slow, fast, refused = json.loads(run.stdout)
    assert (created, refused) == (201, 415)
    assert slow == fast
    assert abs(fast - 10) < 1e-9
