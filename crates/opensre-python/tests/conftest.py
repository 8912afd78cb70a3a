"""What the tests share: no test reads this machine's variables or store."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

# Nothing is left behind, and a busy machine fails no test.
settings.register_profile("opensre", database=None, deadline=None)
settings.load_profile("opensre")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own and no variable of ours, for every test."""
    for name in list(os.environ):
        if name not in {"PATH", "LANG", "TMPDIR", "OPENSRE_PROGRAM", "OPENSRE_WHEELS"}:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


@pytest.fixture
def missing(tmp_path: Path) -> Path:
    """The path of a store that is not there yet."""
    return tmp_path / "integrations.json"


@pytest.fixture
def write(missing: Path) -> Callable[..., Path]:
    """Writes a version 2 store of these records."""

    def write(*records: dict[str, Any]) -> Path:
        missing.write_text(json.dumps({"version": 2, "integrations": list(records)}))
        missing.chmod(0o600)
        return missing

    return write


def record(service: str, *instances: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An active record."""
    return {"id": f"{service}-1", "service": service, "status": "active", "instances": list(instances), **more}


def grafana(name: str, secret: str = "k", **tags: Any) -> dict[str, Any]:
    """A remote Grafana."""
    return {"name": name, "tags": tags, "credentials": {"endpoint": f"https://{name}.grafana.net", "api_key": secret}}


class Backend:
    """A Prometheus in this process that knows nothing. Its answers need the interpreter's lock."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.tokens: list[str] = []
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                backend.paths.append(self.path)
                backend.tokens.append(self.headers.get("Authorization", ""))
                kind = urlsplit(self.path).path.rsplit("/", 1)[-1]
                data: Any = {"resultType": "matrix", "result": []} if kind.startswith("query") else []
                body = json.dumps({"status": "success", "data": data}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.do_GET()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def start() -> Iterator[Callable[[], Backend]]:
    """Starts back ends."""
    started: list[Backend] = []

    def start() -> Backend:
        started.append(Backend())
        return started[-1]

    yield start
    for backend in started:
        backend.server.shutdown()
        backend.server.server_close()


def prometheus(name: str, url: str, token: str = "", **tags: Any) -> dict[str, Any]:
    """A Prometheus."""
    return {"name": name, "tags": tags, "credentials": {"base_url": url, "bearer_token": token}}
