"""Where the page and its figures go: whole, or not at all, and over nothing of anybody else's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from learnorder.errors import LearnOrderError
from learnorder.log.creation import refuse_inside_log
from learnorder.log.files import write_durably
from learnorder.report.page import GENERATOR
from learnorder.report.section import Picture


def require_replaceable(target: Path) -> None:
    """Refuse to overwrite anything but an older report, and to write into a log."""
    refuse_inside_log(target)
    if target.is_dir():
        raise LearnOrderError(
            f"render_report: {str(target)!r} is a folder. The report is one file. "
            f"Write it to {str(_instead_of(target))!r}."
        )
    if target.exists() and not target.is_file():
        raise LearnOrderError(
            f"render_report: {str(target)!r} is a device or a pipe. The report replaces a whole "
            "file. Write it to a file, such as 'report.html'."
        )
    if not target.exists() or target.stat().st_size == 0:
        return
    with target.open("rb") as file:
        start = file.read(2000)
    if GENERATOR.encode() not in start:
        raise LearnOrderError(
            f"render_report: {str(target)!r} exists and is not a report of learnorder. "
            "Only an older report is replaced. Choose another name, or delete the file."
        )


def _instead_of(folder: Path) -> Path:
    """Where a report can be, if that is a folder: in it, or beside it where it is a log."""
    inside = folder / "report.html"
    try:
        refuse_inside_log(inside)
    except LearnOrderError:
        named = folder.resolve() if folder.name in ("", "..") else folder
        return named.with_suffix(".html")
    return inside


def write_page(target: Path, page: str) -> None:
    """Put the page in its place, whole; the file system's refusal is one line."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(target, page.encode())
    except OSError as error:
        raise LearnOrderError(
            f"render_report: {str(target)!r} cannot be written ({error.strerror or error}). "
            "The report needs a folder that this process may write to. Choose another place."
        ) from error


def write_figures(pictures: Iterable[Picture], folder: Path) -> list[Path]:
    """Every figure in every format; files of the same names are replaced."""
    seen: Counter[str] = Counter()
    paths: list[Path] = []
    refuse_inside_log(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for picture in pictures:
            seen[picture.name] += 1
            again = seen[picture.name]  # some letters of a name cannot stand in that of a file
            name = picture.name if again == 1 else f"{picture.name}-{again}"
            paths += picture.drawing.save(folder / name)
    except OSError as error:
        raise LearnOrderError(
            f"render_report: figures cannot be written to {str(folder)!r} "
            f"({error.strerror or error}). They need a folder that this process may write to. "
            "Choose another place."
        ) from error
    return paths
