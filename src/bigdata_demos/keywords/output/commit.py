"""The commit: parts become visible all at once."""

import contextlib
import glob
import json
import logging
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from ...errors import OutputError
from ...storage import scratch
from ...storage.atomic import exchange, rename_new
from ...storage.places import Place, move, remove
from ..model import KINDS, Part, PartKind

MANIFEST: Final = "manifest.json"
_UNFINISHED: Final = ".unfinished"
P = TypeVar("P", bound=Place)


@contextlib.contextmanager
def working_directory(output: P, *, overwrite: bool, kinds: Sequence[PartKind] = KINDS) -> Iterator[P]:
    """Yield a directory beside ``output`` for a run's parts; it is removed at the end, unless :func:`commit` has renamed it.

    On this machine's file systems, those that killed runs for the same output have left are removed, too.

    Raises OutputError if ``output`` exists and may not be replaced, or the directory cannot be created.
    """
    workdir = cast(P, output.absolute().parent / f".{output.name}.{uuid.uuid4().hex}{_UNFINISHED}")
    try:
        if output.exists() and not overwrite:
            raise OutputError(f"{output} exists already: name another `output`, or set `overwrite=True`")
        _check_replaceable(output)
    except OSError as error:
        raise OutputError(f"cannot access {output}: {error.strerror or error}") from None
    try:
        try:
            for kind in kinds:
                (workdir / kind).mkdir(parents=True)
        except OSError as error:
            raise OutputError(f"cannot write {error.filename or output}: {error.strerror or error}") from None
        if isinstance(workdir, Path):
            scratch.hold(workdir)
            for left in scratch.reclaim(workdir.parent, f".{glob.escape(output.name)}.*{_UNFINISHED}"):
                logging.getLogger(__name__).info("%s, which a killed run had left, was removed", left)
        yield workdir
    finally:
        remove(workdir)
        if isinstance(workdir, Path):
            scratch.release(workdir)


def _check_replaceable(output: Place) -> None:
    """Raise OutputError if something is at ``output`` that is neither an earlier run's output nor an empty directory."""
    if output.exists() and not (output / MANIFEST).exists() and (not output.is_dir() or any(output.iterdir())):
        raise OutputError(f"{output} is not the output of an earlier run: it is not overwritten; remove it yourself")


def commit(
    workdir: Place,
    output: Place,
    parts: Sequence[Part],
    manifest: dict[str, Any],
    *,
    overwrite: bool = False,
    convert: Callable[[Place, Sequence[Part]], list[dict[str, Any]]] | None = None,
) -> list[Part]:
    """Give the accepted parts their final names, delete other attempts, write the manifest, and rename the directory.

    ``convert`` writes the parts in another format, too, into the directory that it is given; what it returns goes into the
    manifest. With ``overwrite``, readers see the earlier output or this one; on Linux there is no moment without either.

    Returns:
        the parts under their final names.

    Raises:
        OutputError: something has appeared at ``output`` since the run began that may not be replaced; it is kept.
    """
    final = []
    for part in parts:
        name = f"{part.kind}/part-{part.number:05}.avro"
        move(workdir / part.path, workdir / name)
        final.append(replace(part, path=name))
    for kind in {*KINDS, *(part.kind for part in parts)}:
        for attempt in (workdir / kind).glob("part-*-*.avro"):
            attempt.unlink()
    manifest["parts"] = [
        {"path": part.path, "records": part.records, "bytes": part.nbytes, "sha256": part.sha256}
        for part in sorted(final, key=lambda part: part.path)
    ]
    if convert:
        manifest["tables"] = convert(workdir, final)
    (workdir / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    if not overwrite:
        if output.exists() or (isinstance(output, Path) and not rename_new(Path(str(workdir)), output)):
            raise OutputError(f"{output} has appeared while the run went on, and is kept: run again with another `output`")
        if not isinstance(output, Path):
            move(workdir, output)
        return final
    _check_replaceable(output)
    if isinstance(output, Path) and output.exists() and exchange(Path(str(workdir)), output):
        return final  # the earlier output is removed as the working directory
    old = workdir.with_name(f"{workdir.name}.old")
    try:
        if output.exists():
            move(output, old)
        move(workdir, output)
    except BaseException:  # an interrupt may come between any two steps
        if old.exists() and not output.exists():
            move(old, output)
        elif not workdir.exists():
            remove(old)
        raise
    remove(old)
    return final
