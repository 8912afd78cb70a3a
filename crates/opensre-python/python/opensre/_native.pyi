"""The compiled module. Import its names from `opensre` and `opensre.integrations`."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, final

_Path = str | os.PathLike[str]
_Record = dict[str, Any]
_Records = list[dict[str, Any]] | tuple[dict[str, Any], ...]
_Scalar = str | int | float | bool
_Precedence = Literal["store", "env", "merge"]
_Routing = Literal["full", "hints"]
_InDoubt = Literal["default", "skip", "fail"]
_Alert = dict[str, Any] | list[Any] | str | bytes
_Choices = Mapping[str, str] | Mapping[str, str | list[str] | tuple[str, ...]]
_Duration = str | float | timedelta
_Time = str | datetime

__all__ = [
    "VERSION",
    "Diagnostic",
    "Instance",
    "Route",
    "Shadowed",
    "classify_integrations",
    "get_default_instance",
    "get_instance_by_name",
    "get_instances",
    "get_instances_by_tag",
    "get_integration",
    "get_stored_instance",
    "get_stored_instances",
    "investigate",
    "list_integrations",
    "load_env_integrations",
    "load_integrations",
    "merge_integrations_by_service",
    "migrate_record",
    "remove_instance",
    "remove_integration",
    "resolve",
    "resolve_effective_integrations",
    "route",
    "select_instance",
    "upsert_instance",
    "upsert_integration",
]

VERSION: Final[str]

@final
class Diagnostic:
    """One thing that did not work, or was read differently from how it was written. Never holds a field's value."""

    @property
    def severity(self) -> Literal["note", "warning", "error"]: ...
    @property
    def service(self) -> str | None: ...
    @property
    def instance(self) -> str | None: ...
    @property
    def field(self) -> str | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def hint(self) -> str | None: ...
    @property
    def source(self) -> str: ...
    @property
    def message(self) -> str: ...
    def __eq__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Instance:
    """A named, tagged instance that is in effect. Printed, it shows no secret."""

    @property
    def service(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def tags(self) -> dict[str, _Scalar]: ...
    @property
    def integration_id(self) -> str: ...
    @property
    def source(self) -> str: ...
    def config(self) -> dict[str, Any]:
        """Its flat config, with its secrets in clear: keep it in memory."""

@final
class Shadowed:
    """A usable instance that is not in effect, since a stronger source has its service."""

    @property
    def service(self) -> str: ...
    @property
    def instance(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def by(self) -> str: ...

@final
class Route:
    """Which instances of a service an alert is about, and why these."""

    @property
    def service(self) -> str: ...
    @property
    def chosen(self) -> list[Instance]: ...
    @property
    def step(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def path(self) -> str | None: ...
    @property
    def warnings(self) -> list[str]: ...
    def explain(self) -> dict[str, Any]:
        """All of it as plain data without secrets: rules, groups, policies and what was rejected too."""

# opensre

def resolve(
    *, path: _Path | None = None, environ: Mapping[str, str] | None = None, precedence: _Precedence | None = None
) -> tuple[dict[str, Any], list[Instance], list[Diagnostic], list[Shadowed], os.PathLike[str]]: ...
def route(
    alert: _Alert,
    *,
    path: _Path | None = None,
    environ: Mapping[str, str] | None = None,
    precedence: _Precedence | None = None,
    instances: _Choices | None = None,
    routing: _Routing | None = None,
    on_unknown: _InDoubt | None = None,
    on_ambiguous: _InDoubt | None = None,
) -> list[Route]:
    """Chooses the instances that an alert is about: one route for each service, which says why.

    * `instances`: choose these, such as `{"grafana": "prod", "aws": "env=prod,region!=eu", "loki": "@eu"}`.
    * `routing`: `full`, or `hints` for the Python product's rule.
    * `on_unknown`, `on_ambiguous`: what to do with an unknown or ambiguous choice; by default what the store says.
    """

def investigate(
    alert: _Alert,
    *,
    path: _Path | None = None,
    environ: Mapping[str, str] | None = None,
    precedence: _Precedence | None = None,
    instances: _Choices | None = None,
    routing: _Routing | None = None,
    on_unknown: _InDoubt | None = None,
    on_ambiguous: _InDoubt | None = None,
    since: _Duration | None = None,
    window: tuple[_Time, _Time | None] | None = None,
    deadline: _Duration | None = None,
    now: _Time | None = None,
) -> dict[str, Any]:
    """Investigates an alert: chooses the instances, gathers from them, and says what is wrong, with proof.

    The report is the published JSON form (`opensre integrations schema report`). The interpreter's lock is free
    meanwhile, and Ctrl-C ends the work at once.

    * `instances`, `routing`, `on_unknown`, `on_ambiguous`: as for `route`.
    * `since`: how long before the alert's start to look for its cause (15 minutes).
    * `window`: when it began and ended (None: it goes on), in the place of what the alert says.
    * `deadline`: when all answers must be there (60 s).
    * `now`: the present, for an alert without a start.
    """

# opensre.integrations.selectors

def get_instances(resolved_integrations: dict[str, Any], service: str) -> list[dict[str, Any]]:
    """All instances of a service, in order: `{name, tags, config, integration_id}` each."""

def get_default_instance(resolved_integrations: dict[str, Any], service: str) -> dict[str, Any] | None:
    """The flat config of a service's default instance, or None."""

def get_instance_by_name(resolved_integrations: dict[str, Any], service: str, name: str) -> dict[str, Any] | None:
    """The config of the instance of that name, or None. A blank name is nobody's."""

def get_instances_by_tag(
    resolved_integrations: dict[str, Any], service: str, tag_key: _Scalar, tag_value: _Scalar | None
) -> list[dict[str, Any]]:
    """The configs of all instances that carry a tag with a value, in order. What is blank is carried by nobody."""

def select_instance(
    resolved_integrations: dict[str, Any],
    service: str,
    name: str | None = None,
    tags: Mapping[str, _Scalar | None] | None = None,
) -> dict[str, Any] | None:
    """One config: by name alone if one is given, else of the first that carries all tags, else the default."""

# opensre.integrations.catalog

def classify_integrations(integrations: _Records) -> dict[str, Any]:
    """The `resolved_integrations` dictionary of these records, secrets in clear."""

def load_env_integrations(*, environ: Mapping[str, str] | None = None) -> list[_Record]:
    """The records that variables make, at most one per service; by default those of `os.environ`."""

def merge_integrations_by_service(*sources: _Records) -> list[_Record]:
    """The records in effect among several sources, the weakest source first (environment, then store).

    For each service the strongest source with a usable instance supplies all its records; inactive ones are never used.
    """

def resolve_effective_integrations(
    store_integrations: _Records | None = None,
    env_integrations: _Records | None = None,
    *,
    path: _Path | None = None,
    environ: Mapping[str, str] | None = None,
    precedence: _Precedence | None = None,
) -> dict[str, Any]:
    """The effective view: per service `{source, config[, instances]}`. What is not given is read."""

# opensre.integrations.store

def load_integrations(*, path: _Path | None = None) -> list[_Record]:
    """All records, inactive ones included, in version 2 shape."""

def list_integrations(*, path: _Path | None = None) -> list[dict[str, Any]]:
    """Per record `{service, status, id, instances}`, the last a list of names; inactive ones included."""

def get_integration(service: str, *, path: _Path | None = None) -> _Record | None:
    """The first active record of a service, with the `credentials` of its first instance at its top level too."""

def upsert_integration(service: str, entry: _Record, *, path: _Path | None = None, replace: bool = False) -> str:
    """Puts a record's instances into the store and returns the record's id.

    Siblings stay: a version 1 shape is the one instance `default`. With `replace` the record takes the place of every
    record of the service, and their other instances are lost.
    """

def remove_integration(service: str, *, path: _Path | None = None) -> bool:
    """Removes all records of a service. Returns whether there was one."""

def get_stored_instances(service: str, *, path: _Path | None = None) -> list[dict[str, Any]]:
    """The instances of all active records of a service: `{name, tags, credentials, integration_id}` each."""

def get_stored_instance(
    service: str,
    name: str | None = None,
    tags: Mapping[str, _Scalar | None] | None = None,
    *,
    path: _Path | None = None,
) -> dict[str, Any] | None:
    """The first instance that has the name and all the tags; without criterion the first."""

def upsert_instance(
    service: str, instance: dict[str, Any], record_id: str | None = None, *, path: _Path | None = None
) -> str:
    """Puts `{name, tags, credentials}` into the store, in the place of the one of that name, and returns the record's id."""

def remove_instance(service: str, name: str, *, path: _Path | None = None) -> bool:
    """Removes the instances of that name from every record of the service. Returns whether there was one."""

def migrate_record(record: _Record) -> _Record:
    """A record in version 2 shape; one that has it already is returned as it is."""
