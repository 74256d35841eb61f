"""What commands print: free of secrets and of what a terminal would obey, and deaf to a reader that went away."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from market_agents.config import read_environment
from market_agents.errors import UserError
from market_agents.plain_text import for_terminal
from market_agents.redaction import Redactor, secrets_in


def known_secrets(folder: Path | None = None) -> Redactor:
    """What hides the secrets of this process and of ``.env`` in ``folder``, by default the working directory."""
    try:
        return Redactor(secrets_in(read_environment(folder or Path.cwd())))
    except (UserError, OSError):
        # An `.env` that cannot be read is told where it is used; what is said until then may quote the process's own.
        return Redactor(secrets_in(os.environ))


def say(text: str, stream: IO[str] | None = None) -> None:
    """Print results; a reader that went away (``| head``) is no error."""
    target = sys.stdout if stream is None else stream
    if target is None:
        return  # the standard stream was closed before the program began
    try:
        print(_encodable(for_terminal(known_secrets()(text)), target), file=target, flush=True)
    except BrokenPipeError:
        write_nowhere(target)
    except OSError as error:  # a full disk, perhaps: what is stored stays stored, but this was not written
        write_nowhere(target)
        if target is sys.stdout:
            say(f"market-agents: the output could not be written whole: {error.strerror}", sys.stderr)


def _encodable(text: str, stream: IO[str]) -> str:
    """The text with a question mark for each character that a stream cannot write, as one in ASCII cannot."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def write_nowhere(stream: IO[str]) -> None:
    """Lead a broken stream to where every write succeeds, for Python flushes it again at exit."""
    try:
        number = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


def counted(number: int, noun: str) -> str:
    """A number with its noun, ``1 round`` or ``2 rounds``."""
    return f"{number} {plural(noun, number)}"


def plural(noun: str, number: int) -> str:
    """A noun as it stands after a number."""
    return noun if number == 1 else f"{noun}s"
