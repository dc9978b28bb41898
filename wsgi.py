"""`app`, for gunicorn and `flask --app wsgi`."""

import sys

from billing.wiring import create_app
from config import BadSetting, load_settings

try:
    app = create_app(load_settings())
except BadSetting as problem:
    sys.exit(str(problem))
