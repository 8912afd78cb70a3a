"""The README's snippets, run one after the other as a reader would."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Backend

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_does_what_it_says(start: Callable[[], Backend], capsys: pytest.CaptureFixture[str]) -> None:
    backend = start()
    text = README.read_text()
    # The one address that is asked. (The route to Grafana is chosen, but the snippet asks Prometheus alone.)
    assert text.count("https://prometheus.example.net") == 1
    text = text.replace("https://prometheus.example.net", backend.url)
    text = text.replace("https://prod.grafana.net", backend.url + "/grafana")
    snippets = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(snippets) == 5
    names: dict[str, Any] = {}
    for snippet in snippets:
        exec(compile(snippet, str(README), "exec"), names)  # noqa: S102
    printed = capsys.readouterr().out
    assert "grafana ['prod']" in printed
    assert "prometheus ['prod']" in printed
    assert "instances of prometheus: prod" in printed
    assert backend.paths
