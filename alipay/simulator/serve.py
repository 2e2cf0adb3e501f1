"""The web server of the simulator: one thread a connection, connections kept open, nothing logged but troubles."""

from __future__ import annotations

from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


class QuietHandler(WSGIRequestHandler):
    """Says nothing about requests: their URLs carry codes, tokens and secrets."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Log no request."""


def server(app: Flask, port: int, host: str = "127.0.0.1") -> BaseWSGIServer:
    """A threaded server for the simulator; port 0 takes a free one (see its `server_port`)."""
    return make_server(host, port, app, threaded=True, request_handler=QuietHandler)
