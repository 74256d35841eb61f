"""Reference pages made from the program itself while the site is built, so that they cannot fall behind it."""

from docs._reference.command_line import command_line
from docs._reference.configuration import configuration
from docs._reference.errors import error_tree
from docs._reference.tables import tables

__all__ = ["PAGES"]

PAGES = {
    "reference/command-line": command_line,
    "reference/configuration": configuration,
    "reference/python": error_tree,
    "reference/tables": tables,
}
"""What is added to the end of which page."""
