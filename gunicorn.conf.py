"""What gunicorn finds here by itself: the configuration in service/server/config.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from service.server.config import *
