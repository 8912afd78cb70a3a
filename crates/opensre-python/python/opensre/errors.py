"""What can go wrong. Every error says what happened, and in `hint` what to do about it where there is something to do.

None of them ever holds a secret, or the value of a field.
"""

from __future__ import annotations

__all__ = [
    "DeadlineError",
    "NothingConfiguredError",
    "OpensreError",
    "OptionError",
    "StoreBusyError",
    "StoreError",
    "UnknownInstanceError",
]


class OpensreError(Exception):
    """The base of all errors of this package. Arguments of a wrong type are a `TypeError` all the same."""

    message: str
    """What happened, and where."""

    hint: str | None
    """What to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"


class OptionError(OpensreError, ValueError):
    """An option has a value that it cannot have."""


class StoreError(OpensreError):
    """The store could not be found or changed; what was in it is whole. (Reading one never fails, but warns.)"""


class StoreBusyError(StoreError):
    """Another process has held the store's lock for too long; try again."""


class NothingConfiguredError(OpensreError):
    """No instance is configured that can be asked."""


class UnknownInstanceError(OpensreError, LookupError):
    """A service, instance or tag that the caller named is not there. Nothing else is chosen in its place."""


class DeadlineError(OpensreError, TimeoutError):
    """The deadline passed before anything was gathered."""
