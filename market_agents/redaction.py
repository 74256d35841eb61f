"""Keeps secrets out of whatever is shown or stored: known values, and what looks like one in an address or a header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

MARK = "…"
SHORTEST = 8
"""Characters of the shortest value that is taken for a secret; shorter ones are words that any text may hold."""

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$", re.IGNORECASE)
# Every repetition before the telling part is bounded: texts may be long, and made to be slow to search.
_PATTERNS = (
    # The password of an address, up to the last @ of it.
    re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/:@]{0,200}:)[^\s/]{1,500}(@)"),
    re.compile(
        r"([?&](?:[\w-]{0,40}[_-])?(?:key|token|secret|password|signature)=)[^\s&#\"']+()", re.IGNORECASE
    ),
    # A word is no token: one is long, and has a digit in it.
    re.compile(r"(\b(?:bearer|basic) {1,5})(?=\S{0,500}\d)[\w.~+/=-]{12,}()", re.IGNORECASE),
)


class Redactor:
    """Replaces secrets in texts.

    Args:
        secrets: values that must not be seen; those that are too short are left alone.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # The longest first, so that no secret is left half by another one that begins it.
        self._secrets = sorted(
            {secret for secret in secrets if len(secret) >= SHORTEST}, key=len, reverse=True
        )

    def __call__(self, text: str) -> str:
        """The text with a mark in the place of each secret."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MARK)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\1{MARK}\2", text)
        return text


def secrets_in(variables: Mapping[str, str], named: Iterable[str] = ()) -> list[str]:
    """The secrets among environment variables.

    Args:
        variables: names and values; a name that ends in KEY, TOKEN, PASSWORD and the like holds one, and so does
            any address with a password.
        named: further variables that hold one, whatever their name.
    """
    found = [variables[name] for name in named if name in variables]
    for name, value in variables.items():
        if _SECRET_NAME.search(name):
            found.append(value)
        elif "://" in value:
            found += _passwords(value)
    return found


def _passwords(address: str) -> list[str]:
    """The password of an address, as it is written there and as it is meant."""
    try:
        password = urlsplit(address).password
    except ValueError:
        return []
    return [password, unquote(password)] if password else []
