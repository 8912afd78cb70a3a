"""`resolve`, and the dictionary that it returns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from opensre import _native

__all__ = ["Resolved", "resolve"]


class Resolved(dict[str, Any]):
    """The `resolved_integrations` dictionary, with what else is to be known about it.

    It is a plain dictionary for whoever reads it, with the secrets in clear; printed as a whole it shows none.
    """

    __slots__ = ("diagnostics", "instances", "shadowed", "store")

    instances: list[_native.Instance]
    """The instances in effect; printed, they show no secret."""

    diagnostics: list[_native.Diagnostic]
    """What was odd, or left out. The same was logged under `opensre.integrations.catalog`."""

    shadowed: list[_native.Shadowed]
    """Usable instances that are not in effect, since a stronger source has their service."""

    store: str
    """The path of the store that was read."""

    def __repr__(self) -> str:
        names: dict[str, list[str]] = {}
        for instance in self.instances:
            names.setdefault(instance.service, []).append(instance.name)
        shown = "; ".join(f"{service}: {', '.join(of)}" for service, of in names.items())
        return f"<opensre.Resolved {shown or 'nothing'}>"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Resolved holds secrets and cannot be pickled or copied; dict(resolved) is a plain dictionary")


def resolve(
    *,
    path: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
    precedence: Literal["store", "env", "merge"] | None = None,
) -> Resolved:
    """Reads the store and the environment and resolves them to the instances in effect.

    Never fails for what is written in them: that is logged, and in `Resolved.diagnostics`. A version 1 store is
    migrated on the way, with a copy of the old one beside it.

    * `path`: the store file; by default where `OPENSRE_STORE` says, else `~/.tracer/integrations.json`.
    * `environ`: the variables; by default `os.environ`.
    * `precedence`: which source wins, `store`, `env` or `merge`; by default what `OPENSRE_PRECEDENCE` says, else `store`.
    """
    dictionary, instances, diagnostics, shadowed, store = _native.resolve(
        path=path, environ=environ, precedence=precedence
    )
    resolved = Resolved(dictionary)
    resolved.instances = instances
    resolved.diagnostics = diagnostics
    resolved.shadowed = shadowed
    resolved.store = str(store)
    return resolved
