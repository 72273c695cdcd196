"""A report as one self-contained page: style inside, pictures inside, no script, nothing fetched; light and dark."""

import html
import re
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .report import Report, Section


def page(report: "Report") -> str:
    """The whole document."""
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        # Nothing can be asked for from elsewhere, and nothing runs, whatever an item is called.
        "<meta http-equiv='Content-Security-Policy' "
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        f"<title>{html.escape(report.title)}</title><style>{_style()}</style></head>"
        f"<body class='report'>{_body(report)}</body></html>\n"
    )


def fragment(report: "Report") -> str:
    """What a notebook shows: the same inside a box of its own, styled by name so that the notebook keeps its look."""
    return f"<div class='report'><style>{_style()}</style>{_body(report)}</div>"


def _style() -> str:
    return files(__package__).joinpath("report.css").read_text(encoding="utf-8")


def _body(report: "Report") -> str:
    first, *others = report.verdict or [""]
    verdict = f"<p class='verdict'>{html.escape(first)}</p>"
    if others:
        verdict += "<ul class='more'>" + "".join(f"<li>{html.escape(one)}</li>" for one in others) + "</ul>"
    names = [_name_of(section.title, place) for place, section in enumerate(report.sections)]
    links = "".join(
        f"<a href='#{name}'>{html.escape(section.title)}</a>"
        for name, section in zip(names, report.sections, strict=True)
    )
    contents = f"<nav aria-label='Sections'>{links}</nav>" if len(report.sections) > 1 else ""
    sections = "".join(_section(section, name) for section, name in zip(report.sections, names, strict=True))
    return f"<header><h1>{html.escape(report.title)}</h1>{verdict}{contents}</header><main>{sections}</main>"


def _section(section: "Section", name: str) -> str:
    says = f"<p class='says'>{html.escape(section.says)}</p>" if section.says else ""
    inner = "".join(block.html() for block in section.blocks)
    return f"<section aria-labelledby='{name}'><h2 id='{name}'>{html.escape(section.title)}</h2>{says}{inner}</section>"


def _name_of(title: str, place: int) -> str:
    return f"{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-') or 'section'}-{place + 1}"
