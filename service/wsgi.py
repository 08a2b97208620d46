"""The app for any WSGI server, as in `waitress-serve service.wsgi:app`."""

from service.app import create_app

app = create_app()
