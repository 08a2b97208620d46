"""What gunicorn finds here by itself: the configuration in service/gunicorn_conf.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from service.gunicorn_conf import *
