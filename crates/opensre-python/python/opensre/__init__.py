"""opensre: named instances of every monitoring system, the right ones for an alert, and what is wrong, with proof.

`resolve` reads the store and the environment, `route` chooses the instances that an alert is about, `investigate` asks
them and returns a report. The modules of `opensre.integrations` are those that users of the Python product know.
"""

from opensre import integrations
from opensre._native import VERSION as __version__
from opensre._native import Diagnostic, Instance, Route, Shadowed, investigate, route
from opensre._resolved import Resolved, resolve
from opensre.errors import (
    DeadlineError,
    NothingConfiguredError,
    OpensreError,
    OptionError,
    StoreBusyError,
    StoreError,
    UnknownInstanceError,
)

__all__ = [
    "DeadlineError",
    "Diagnostic",
    "Instance",
    "NothingConfiguredError",
    "OpensreError",
    "OptionError",
    "Resolved",
    "Route",
    "Shadowed",
    "StoreBusyError",
    "StoreError",
    "UnknownInstanceError",
    "__version__",
    "integrations",
    "investigate",
    "resolve",
    "route",
]
