"""The configuration that gunicorn finds in this folder by default: service/server/config.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from service.settings import InvalidSetting

try:
    from service.server.config import *
except InvalidSetting as error:
    sys.exit(f"descent: {error}")
