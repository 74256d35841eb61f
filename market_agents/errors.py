"""Every exception that the package raises on purpose, and the exit code that each one means.

MarketAgentsError                 the run failed (exit 1)
├── UserError                     the user's mistake, nothing spent (exit 2)
│   ├── ConfigError               mistakes in the YAML, all of them
│   ├── DatabaseUnreachable       no answer from the database at start
│   ├── EndpointUnusable          a model endpoint that refuses the first request, or cannot be reached
│   ├── SchemaVersionError        the database is of another version, or not ours
│   └── RunRefused                a run id that is taken, a resume that must not be
├── Stopped                       stopped but resumable (exit 3)
│   ├── Interrupted               Ctrl-C (exit 130) or SIGTERM (exit 143)
│   ├── ProviderAway              a model endpoint answers nobody any more
│   ├── OtherModel                another model answered than the one asked for, where that is to stop the run
│   ├── BudgetExhausted           one of the run's caps leaves no room for the next call
│   └── DatabaseAway              the database went away and stayed away
│       └── DatabaseMoved         its file was removed, renamed or replaced
├── IllegalAction                 an environment refuses what an agent wants to do
│   └── UnknownRecipient          a message to nobody; lists the valid names
├── NoAnswer                      a model gave no usable answer; the agent abstains
└── JournalError
    ├── JournalMismatch           another request is stored under this key
    ├── ReplayMiss                replay met a request that the journal does not hold
    └── WriteConflict             the same key with other content
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells the shell."""

    DONE = 0
    FAILED = 1
    USER_MISTAKE = 2
    STOPPED = 3
    INTERRUPTED = 130
    TERMINATED = 143


class MarketAgentsError(Exception):
    """Base of all errors raised on purpose; its text is one readable line."""

    exit_code: ExitCode = ExitCode.FAILED


class UserError(MarketAgentsError):
    """The user's mistake: shown as one line without a traceback, nothing spent."""

    exit_code = ExitCode.USER_MISTAKE


@dataclass(frozen=True)
class Mistake:
    """One mistake in a configuration file: where it is, and what would be right."""

    path: str
    message: str
    line: int | None = None
    file: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (place, self.path, self.message) if part)


class ConfigError(UserError):
    """Every mistake found in a configuration, one line each."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes: Sequence[Mistake] = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class DatabaseUnreachable(UserError):
    """The configured database gave no answer at start."""


class EndpointUnusable(UserError):
    """A model endpoint that has never answered refuses us, or cannot be reached.

    Args:
        reason: one readable line.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; nothing was spent")
        self.reason = reason


class SchemaVersionError(UserError):
    """The database holds another version of the schema, or is not ours at all."""


class RunRefused(UserError):
    """A run id is taken, unknown or owned, or a resume would not be the same run."""


class Stopped(MarketAgentsError):
    """The run stopped before its end and can be resumed; nothing paid is lost."""

    exit_code = ExitCode.STOPPED


class Interrupted(Stopped):
    """Somebody asked the run to stop.

    Args:
        exit_code: 130 for Ctrl-C, 143 for SIGTERM.
    """

    def __init__(self, exit_code: ExitCode) -> None:
        super().__init__("interrupted" if exit_code is ExitCode.INTERRUPTED else "terminated")
        self.exit_code = exit_code


class ProviderAway(Stopped):
    """A model endpoint has answered nobody for too long, or refuses the key after first answers."""


class OtherModel(Stopped):
    """Another model answered than the one asked for, and the configuration says that this stops the run."""


class BudgetExhausted(Stopped):
    """One of the run's caps leaves no room for the next call.

    Args:
        text: one readable line.
        key: the cap's key path, for example ``budget.max_cost``.
        enough: a value of it with which the run could go on for a while.
    """

    def __init__(self, text: str, key: str, enough: str) -> None:
        super().__init__(text)
        self.key = key
        self.enough = enough


class DatabaseAway(Stopped):
    """The database went away during the run and stayed away."""


class DatabaseMoved(DatabaseAway):
    """The file of the database is not any more where it was opened.

    Args:
        text: one readable line.
        rescued: the address of the file to which its rows were saved, empty where they could not be.
    """

    def __init__(self, text: str, rescued: str) -> None:
        super().__init__(text)
        self.rescued = rescued


class IllegalAction(MarketAgentsError):
    """An environment refuses an action; the text tells the agent why."""


class UnknownRecipient(IllegalAction):
    """A message is addressed to nobody who may receive it.

    Args:
        recipient: the name as given.
        valid: the names that would have been right.
        mistake: what is wrong with the recipient.
    """

    def __init__(self, recipient: str, valid: Iterable[str], mistake: str = "unknown recipient") -> None:
        self.recipient = recipient
        self.valid = tuple(valid)
        shown = ", ".join(self.valid[:50]) + (
            f", … ({len(self.valid)} in all)" if len(self.valid) > 50 else ""
        )
        super().__init__(f"{mistake} {recipient[:80]!r}; valid are: {shown or 'none'}")


class NoAnswer(MarketAgentsError):
    """A model gave no usable answer.

    Args:
        status: the outcome's status, for example ``refused`` or ``timed_out``.
        reason: one line for the records.
        request_key: the key of the last ask behind it.
    """

    def __init__(self, status: str, reason: str, request_key: str | None = None) -> None:
        self.status = status
        self.reason = reason
        self.request_key = request_key
        super().__init__(f"{status}: {reason}")


class JournalError(MarketAgentsError):
    """The journal and the program disagree."""


class JournalMismatch(JournalError):
    """Under this request key the journal holds the answer to another request."""


class ReplayMiss(JournalError):
    """A replay met a request that the journal does not hold."""


class WriteConflict(JournalError):
    """The same natural key was written again with other content, or by a process that lost its lease."""
