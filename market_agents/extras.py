"""What to type where a library of an extra is missing."""

from __future__ import annotations

import re
import shlex
import sys
from importlib.metadata import PackageNotFoundError, requires

_MARKED = re.compile(r"(?P<requirement>[^;]+);.*\bextra == ['\"](?P<extra>[\w-]+)['\"]")


def install_command(extra: str) -> str:
    """A command that installs an extra's libraries beside this program.

    It names the libraries themselves: a checkout and a wheel are extended in the same way, and no index is asked for
    this program, which another one may be called like.
    """
    pip = f"{shlex.quote(sys.executable)} -m pip install"
    try:
        marked = [_MARKED.match(line) for line in requires("market-agents") or ()]
    except PackageNotFoundError:  # run from its source, not installed
        return f"{pip} '.[{extra}]' in the project's folder"
    needed = [found["requirement"].strip() for found in marked if found and found["extra"] == extra]
    return " ".join([pip, *map(shlex.quote, needed)])
