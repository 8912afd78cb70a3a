"""What the tests share: no test reads this machine's variables or store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own and no variable of ours, for every test."""
    import os

    for name in list(os.environ):
        if name not in {"PATH", "LANG", "TMPDIR", "OPENSRE_PROGRAM"}:
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
