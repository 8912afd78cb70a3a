"""The selectors in plain Python, written from section 3.7 of the specification: what the compiled ones are compared with.

Straightforward code, as one would write it without them; the benchmark times it, the property tests ask it what is right.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

ALIASES = {"eks": "aws", "amazon eks": "aws", "k8s": "kubernetes", "kube": "kubernetes", "prom": "prometheus"}
FAMILIES = {"grafana_local": "grafana"}
LOCAL = {"grafana": "grafana_local"}


def get_instances(resolved: dict[str, Any], service: str) -> list[Any]:
    key = _key(service)
    listed = resolved.get(f"_all_{FAMILIES.get(key, key)}_instances")
    if isinstance(listed, list):
        if key in FAMILIES:
            return [entry for entry in listed if isinstance(entry, dict) and _is_local(entry.get("config"))]
        return list(listed)
    config = resolved.get(key)
    if config is None and key in LOCAL:
        config = resolved.get(LOCAL[key])
    if config is None:
        return []
    integration_id = config.get("integration_id") if isinstance(config, dict) else None
    return [{"name": "default", "tags": {}, "config": config, "integration_id": integration_id}]


def get_default_instance(resolved: dict[str, Any], service: str) -> Any:
    config = resolved.get(_key(service))
    if config is not None:
        return config
    for entry in get_instances(resolved, service):
        if isinstance(entry, dict):
            return entry.get("config")
    return None


def get_instance_by_name(resolved: dict[str, Any], service: str, name: str) -> Any:
    wanted = _text(name)
    if not wanted:
        return None
    for entry in get_instances(resolved, service):
        if isinstance(entry, dict) and (_text(entry.get("name")) or "default") == wanted:
            return entry.get("config")
    return None


def get_instances_by_tag(resolved: dict[str, Any], service: str, tag_key: Any, tag_value: Any) -> list[Any]:
    key, value = _text(tag_key), _text(tag_value)
    if not key or not value:
        return []
    found = []
    for entry in get_instances(resolved, service):
        if isinstance(entry, dict) and _carries(entry, key, value):
            config = entry.get("config")
            if config is not None:
                found.append(config)
    return found


def select_instance(
    resolved: dict[str, Any], service: str, name: str | None = None, tags: dict[Any, Any] | None = None
) -> Any:
    if name is not None:
        return get_instance_by_name(resolved, service, name)
    if not tags:
        return get_default_instance(resolved, service)
    wanted = [(_text(key), _text(value)) for key, value in tags.items()]
    if not all(key and value for key, value in wanted):
        return None
    for entry in get_instances(resolved, service):
        if isinstance(entry, dict) and all(_carries(entry, key, value) for key, value in wanted):
            return entry.get("config")
    return None


def _key(service: str) -> str:
    service = service.strip().lower()
    return ALIASES.get(service, service)


def _text(value: Any) -> str:
    """A scalar as it is compared; blank for what is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value).strip().lower()
    return ""


def _carries(entry: dict[str, Any], key: str, value: str) -> bool:
    tags = entry.get("tags")
    if not isinstance(tags, dict):
        return False
    for own_key, own_value in tags.items():
        if _text(own_key) == key and isinstance(own_value, (str, int, float)):
            return _text(own_value) == value
    return False


def _is_local(config: Any) -> bool:
    endpoint = config.get("endpoint") if isinstance(config, dict) else None
    return isinstance(endpoint, str) and urlsplit(endpoint).hostname in {"localhost", "127.0.0.1", "0.0.0.0"}
