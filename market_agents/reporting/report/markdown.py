"""A report as Markdown, its pictures and figures as files beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from market_agents.reporting.report.blocks import Block, Facts, Figure, Folded, Lines, Report, Table, Text

_MARKUP = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>#|!~&$"})


def as_markdown(report: Report, folder: str) -> tuple[str, Mapping[str, str]]:
    """The text, and the content of the files that it names, by their names.

    Args:
        report: what is told.
        folder: where those files will be, relative to the text.
    """
    files: dict[str, str] = {}
    lines = [f"# {_inert(report.title)}", ""]
    if report.notice:
        lines += [f"**{_inert(report.notice)}**", ""]
    for section in report.sections:
        lines += [f"## {section.title}", ""]
        for block in section.blocks:
            lines += [*_block(block, folder, files), ""]
    return "\n".join(lines), files


def _block(block: Block, folder: str, files: dict[str, str]) -> Iterator[str]:
    match block:
        case Text():
            yield f"**{_inert(block.text)}**" if block.is_warning else _inert(block.text)
        case Facts():
            for name, value in block.rows:
                yield f"- {name}: {_inert(value)}"
        case Lines():
            for line in block.calm().splitlines():
                yield f"    {line}"
        case Table():
            files[f"{block.name}.csv"] = block.data.as_csv()
            yield from _table(block)
            more = f" {block.hidden} more rows are in the file." if block.hidden else ""
            yield f"\n{_inert(block.caption)}{more} [{block.name}.csv]({folder}/{block.name}.csv)"
        case Figure():
            files[f"{block.name}.csv"] = block.data.as_csv()
            files[f"{block.name}.svg"] = block.svg.replace("currentColor", "#1b1f24")
            yield f"![{_inert(block.alt)}]({folder}/{block.name}.svg)\n"
            yield f"{_inert(block.caption)} [{block.name}.csv]({folder}/{block.name}.csv)"
        case Folded():
            yield f"### {_inert(block.summary)}\n"
            for inner in block.blocks:
                yield from _block(inner, folder, files)
                yield ""


def _table(table: Table) -> Iterator[str]:
    headings = [str(heading) for heading in table.data.headings]
    yield "| " + " | ".join(headings) + " |"
    yield "|" + "|".join(" --- " if place < table.words else " ---: " for place in range(len(headings))) + "|"
    for row in table.shown():
        yield "| " + " | ".join(_inert(cell) for cell in row) + " |"


def _inert(text: str) -> str:
    """The text on one line, each character meaning itself."""
    return " ".join(text.split()).translate(_MARKUP)
