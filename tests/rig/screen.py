"""What a person sees on a terminal that was sent some text: a screen, and the lines that have left it."""

from __future__ import annotations

import re

_PIECE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b\][^\x07]*\x07|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """A terminal that knows the few codes this program uses, and refuses all others.

    Args:
        width: columns; a longer line goes on in the next one.

    Attributes:
        lines: from the first one that was written, whether it has left the screen since or not.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines = [""]
        self._row = self._column = 0

    def show(self, sent: str) -> list[str]:
        """Take in what is sent; all lines without blanks at their ends."""
        for piece in _PIECE.finditer(sent):
            numbers, code, move, text = piece.groups()
            if text:
                self._write(text)
            elif move:
                self._move(move)
            elif code:
                self._obey(numbers, code)
            else:
                raise ValueError(f"a code for the terminal's title: {piece.group()!r}")
        return [line.rstrip() for line in self.lines]

    def _write(self, text: str) -> None:
        for character in text:
            if self._column == self.width:
                self._move("\r")
                self._move("\n")
            line = self.lines[self._row].ljust(self._column)
            self.lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
            self._column += 1

    def _move(self, move: str) -> None:
        self._column = 0  # a terminal's driver returns at a line feed too
        if move == "\n":
            self._row += 1
            if self._row == len(self.lines):
                self.lines.append("")

    def _obey(self, numbers: str, code: str) -> None:
        if code == "A":
            self._row -= int(numbers or 1)
        elif code == "J" and not numbers:
            self.lines[self._row] = self.lines[self._row][: self._column]
            del self.lines[self._row + 1 :]
        elif code != "m":
            raise ValueError(f"a code that the program should not send: {numbers}{code}")
