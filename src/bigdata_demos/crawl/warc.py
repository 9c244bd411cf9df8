"""Pages from WARC files (ISO 28500, versions 0.17 to 1.1), plain or compressed record by record or as a whole.

Records that are compressed each for itself are members: gzip members, or the frames of a WARC.zst.

Real files are damaged and unusual, so this module does its own reading. A record is taken for complete only if its
``Content-Length`` agrees with where it ends: with the end of its member, or with the next record. After damage, which is
reported, the next record is searched for from the damaged one's header on, so that no intact record is lost. Names of fields may
have any case, lines may end in LF alone, and blank lines and empty members may stand between records.

Pages are responses in HTML with status 200, resources in HTML or plain text (warcit, browsertrix, wget), and the plain text of
Common Crawl's WET files (``conversion``).
"""

import io
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, NamedTuple

from ..storage import compression
from ..storage.compression import CHUNK, Decoders, Member
from ..storage.files import DAMAGED, is_damage
from . import digests, http
from .model import MAX_BYTES, MEMBERS, Page, Range, Rejected, Skipped

WARC: Final = b"WARC/"
_CHAIN: Final = 1 << 16
"""Bytes over which plain records must follow one another before the first one's start counts as a boundary."""
_MAX_HEADER: Final = 1 << 16  # bytes of a record's header
_MAX_HEADER_AFTER_DAMAGE: Final = 1 << 13  # fewer, so that searching stays fast whatever the damaged bytes look like
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_HEADER: Final = re.compile(rb"WARC/\d{1,2}\.\d{1,3}[ \t]*\r?\n")
_TRUNCATED: Final = ("truncated", "the file ends, or is damaged, inside the record")
_HTML, _TEXT = ("text/html", "application/xhtml+xml"), "text/plain"
_MEDIA: Final = frozenset({"image", "video", "audio", "font"})  # most bytes of a crawl, and no pages
_ABOUT_THE_CRAWL: Final = "metadata:"  # the scheme of wget's own log and arguments


class Response(NamedTuple):
    """A recorded page. ``body`` is without chunks and content codings, and truncated at the reader's limit."""

    url: str
    offset: int
    status: int
    content_type: str
    date: str
    body: bytes
    is_text: bool = False


class BadRecord(NamedTuple):
    """A record that cannot be read: its start, its URL if known, the reason, and the end of the damage (0: none)."""

    offset: int
    url: str
    reason: str
    detail: str
    end: int = 0


class Unwanted(NamedTuple):
    """A record that is no page: of another type, of another format, or a response with another status than 200."""

    offset: int


Found = Response | BadRecord | Unwanted


def read_responses(file: BinaryIO, start: int, end: int, limit: int, *, verify: bool = False) -> Iterator[Found]:
    """Yield what the records hold that start from ``start`` to ``end``; bodies are read up to ``limit + 1`` bytes.

    The offset of a record in a compressed file is that of its member. After a damaged record, which is reported, reading
    continues at the next one. ``verify``: check the digests that records have.
    """
    size = file.seek(0, io.SEEK_END)
    coding = _coding_of(file)
    # Both edges are found in the same way, so that a range ends where the next one starts, even if there is damage between.
    at = start if start == 0 else _next_record(file, start, size, coding)
    end = size if end >= size else _next_record(file, end, size, coding)
    if at >= end:
        return
    if coding is None:
        file.seek(at)
        for found in read_stream(iter(lambda: file.read(CHUNK), b""), limit, at, size, verify=verify):
            if found.offset >= end:
                return
            yield found
        return
    while at < end:
        member = Member(file, at, coding.decoders)
        held: Found | None = None  # the last record, until it is known that the member is intact
        for found in read_stream(member.pieces(), limit, verify=verify):
            if held:
                yield _in_member(held, at, member)
            held = found
        if member.damage:
            url = held.url if isinstance(held, (Response, BadRecord)) else ""
            following = _next_record(file, at + 1, size, coding, strict=False)
            yield BadRecord(at, url, *_reason_of(member.damage), following)
            at = following
            continue
        if held:
            yield _in_member(held, at, member)
        at = member.end


def _reason_of(damage: Exception) -> tuple[str, str]:
    """Return the reason and a detail of a damaged member's rejection."""
    return _TRUNCATED if isinstance(damage, EOFError) else ("bad-record", f"{type(damage).__name__}: {damage}")


def _in_member(found: Found, at: int, member: Member) -> Found:
    """Return what a record holds with offsets in the compressed file, those of its member."""
    if isinstance(found, BadRecord) and found.end:
        return found._replace(offset=at, end=member.end)
    return found._replace(offset=at)


def read_stream(
    pieces: Iterable[bytes], limit: int, at: int = 0, size: int | None = None, *, verify: bool = False
) -> Iterator[Found]:
    """Yield what the records of uncompressed bytes hold.

    ``at`` is the offset of the first byte, ``size`` that of the end if it is known. ``verify``: check the digests.
    If the source of the pieces turns out to be damaged, its error is raised after the records before the damage have been read.
    """
    window = _Window(iter(pieces), at)
    most = 8 * limit + _MAX_HEADER  # bytes of a record that are held: a chunk of one byte takes six
    while window.pass_blank_lines():
        start = window.at
        header = _header(window)
        if header is None:
            why = _TRUNCATED if window.ends_inside_header() else ("bad-record", "not a WARC record")
            yield BadRecord(start, "", *why, window.find_record(start + 1))
            continue
        fields, body = header
        url = fields.get("warc-target-uri", "").strip("<>")
        length = fields.get("content-length", "")
        if not length.isdecimal() or len(length) > 15:
            detail = f"its Content-Length is {length!r}" if length else "no Content-Length"
            yield BadRecord(start, url, "bad-record", detail, window.find_record(body))
            continue
        after = body + int(length)
        block = window.between(body, min(after, body + most))
        wrong = window.disagrees(after) if len(block) == int(length) or len(block) < most else None
        if wrong or (size is not None and after > size):
            yield BadRecord(start, url, *(wrong or _TRUNCATED), window.find_record(body))
            continue
        found = _page_of(fields, start, url, block, limit, verify=verify and len(block) == int(length))
        yield found._replace(end=after) if isinstance(found, BadRecord) and found.reason == "bad-digest" else found
        if not window.move(after):
            yield BadRecord(start, url, *_TRUNCATED, window.at)
    if window.damage:
        raise window.damage


class _Window:
    """A view of a stream of bytes, which is read as far as it is looked at, and forgotten as far as it is passed.

    Offsets are those of the stream. ``at`` is the present one.
    """

    def __init__(self, pieces: Iterator[bytes], at: int) -> None:
        self.pieces = pieces
        self.at = self.first = at  # `first`: the offset of the first byte that is held
        self.data, self.ended = b"", False
        self.damage: Exception | None = None

    @property
    def end(self) -> int:
        """The offset after the last byte that is held."""
        return self.first + len(self.data)

    def reach(self, offset: int) -> bool:
        """Read up to an offset; returns whether there are so many bytes."""
        if offset <= self.end or self.ended:
            return offset <= self.end
        some, held = [self.data[self.at - self.first :]], self.end
        while held < offset and not self.ended:
            try:
                piece = next(self.pieces, None)
            except DAMAGED as error:
                if not is_damage(error):
                    raise
                self.damage, piece = error, None
            if piece is None:
                self.ended = True
            else:
                some.append(piece)
                held += len(piece)
        self.data, self.first = b"".join(filter(None, some)), self.at
        return offset <= held

    def between(self, start: int, end: int) -> memoryview:
        """Return the bytes between two offsets, fewer if the stream ends before."""
        self.reach(end)
        return memoryview(self.data)[start - self.first : end - self.first]

    def move(self, offset: int) -> bool:
        """Go to an offset, or to the end of the stream if that comes before; returns whether the offset was reached."""
        while not (offset <= self.end or self.ended):
            self.at = self.end
            self.reach(min(offset, self.end + CHUNK))
        self.at = min(offset, self.end)
        return self.at == offset

    def pass_blank_lines(self) -> bool:
        """Go past line ends; returns whether something follows."""
        while self.reach(self.at + 1):
            line_ends = _LINE_ENDS.match(self.data, self.at - self.first)
            assert line_ends  # it matches nothing, too
            self.at = self.first + line_ends.end()
            if self.at < self.end:
                return True
        return False

    def ends_inside_header(self) -> bool:
        """Whether the stream ends before the header here is complete."""
        here = self.data[self.at - self.first :]
        return len(here) < _MAX_HEADER and WARC.startswith(here[: len(WARC)]) and not _BLANK_LINE.search(here)

    def disagrees(self, end: int) -> tuple[str, str] | None:
        """Return the reason and a detail if a record does not end at an offset: the stream ends before, or no record follows."""
        if not self.reach(end):
            return ("bad-record", _WRONG_LENGTH) if self.next_record(self.at + 1) else _TRUNCATED
        self.reach(end + 16)
        at = end - self.first
        following = self.data[at : at + 4]
        if b"\r\n\r\n".startswith(following) or b"\n\n".startswith(following[:2]):
            return None
        if any(_HEADER.match(self.data, at + i) for i in range(5)):
            return None  # the record is complete, but not the line ends after it
        return "bad-record", _WRONG_LENGTH

    def find_record(self, offset: int) -> int:
        """Go to the first record at or after an offset, or to the end; returns where that is."""
        self.move(offset)
        while (found := self.next_record(self.at)) is None:
            if self.ended:
                self.at = self.end
                return self.at
            self.at = max(self.at, self.end - _MAX_HEADER)  # where a header may begin that is not complete
            self.reach(self.end + CHUNK)
        self.at = found
        return found

    def next_record(self, offset: int) -> int | None:
        """Return the offset of the first complete header in what is held, at or after an offset."""
        at = self.data.find(WARC, offset - self.first)
        while at >= 0:
            if _HEADER.match(self.data, at):
                blank = _BLANK_LINE.search(self.data, at, at + _MAX_HEADER_AFTER_DAMAGE)
                if blank and b"content-length:" in self.data[at : blank.start()].lower():
                    return self.first + at
            at = self.data.find(WARC, at + 1)
        return None


_WRONG_LENGTH: Final = "the record does not end where its Content-Length says"
_LINE_ENDS: Final = re.compile(rb"[\r\n]*")


def _header(window: _Window) -> tuple[dict[str, str], int] | None:
    """Return the fields of the header at the beginning of a window, by lower-case names, and the offset of its end."""
    for ahead in (1 << 11, _MAX_HEADER):
        window.reach(window.at + ahead)
        at = window.at - window.first
        if not _HEADER.match(window.data, at):
            return None
        if blank := _BLANK_LINE.search(window.data, at, at + _MAX_HEADER):
            header = window.data[at : blank.start()]
            if _is_of_two_records(header):
                return None
            return _fields(header), window.first + blank.end()
    return None


def _is_of_two_records(header: bytes) -> bool:
    """Return whether the end of a header is missing, and another record's follows.

    The other's first line may stand in the middle of a line, where it could also be the end of a URL. But then the fields before
    it are there twice, or what is left of a field has no colon.
    """
    if not _HEADER.search(header + b"\n", len(WARC)):
        return False
    names = [line.partition(b":")[0].lower() if b":" in line else b"" for line in header.split(b"\n")[1:]]
    return b"" in names or any(names.count(name) > 1 for name in names if name != b"warc-concurrent-to")


def _fields(header: bytes) -> dict[str, str]:
    try:
        text = header.decode()
    except UnicodeDecodeError:
        text = header.decode("latin-1")
    fields: dict[str, str] = {}
    for line in text.split("\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _page_of(fields: dict[str, str], offset: int, url: str, block: memoryview, limit: int, *, verify: bool) -> Found:
    """Return what a record holds. ``verify``: check its digest, unless it is an image or the like."""
    kind, content_type = fields.get("warc-type", "").lower(), fields.get("content-type", "")
    message = http.parse(block) if kind == "response" else None
    if verify and kind in ("response", "resource", "conversion"):
        medium = (message.content_type if message else content_type).partition("/")[0].strip().lower()
        if medium not in _MEDIA and (detail := digests.disagrees(fields, block, message)):
            return BadRecord(offset, url, "bad-digest", detail)
    if kind == "response":
        if message is None or message.status != 200:
            return Unwanted(offset)
        identified = fields.get("warc-identified-payload-type", "")
        if not http.is_html(message.content_type, block[message.body : message.body + 64], identified):
            return Unwanted(offset)
        if not url:
            return BadRecord(offset, "", "bad-record", "no WARC-Target-URI")
        try:
            body = http.body_of(block, message, limit + 1)
        except (EOFError, ValueError) as error:
            return BadRecord(offset, url, "bad-encoding", f"{type(error).__name__}: {error}")
        return Response(url, offset, 200, message.content_type, fields.get("warc-date", ""), body)
    if kind in ("resource", "conversion"):
        name = content_type.partition(";")[0].strip().lower()
        if (name in _HTML or name == _TEXT) and not url.startswith(_ABOUT_THE_CRAWL):
            if not url:
                return BadRecord(offset, "", "bad-record", "no WARC-Target-URI")
            return Response(url, offset, 200, content_type, fields.get("warc-date", ""), bytes(block[: limit + 1]), name == _TEXT)
    return Unwanted(offset) if kind else BadRecord(offset, url, "bad-record", "no WARC-Type")


class _Coding(NamedTuple):
    """How the members of a file are compressed.

    A page can contain a compressed WARC, whose members are not the file's. Its bytes are stored unchanged, since they cannot be
    compressed, but in blocks with a header each, which interrupts a chain of such members. So members must follow one another
    over more than ``block`` bytes before the first one's start counts as a boundary.
    """

    magic: bytes
    start: re.Pattern[bytes]  # what a member starts with; matches may overlap
    block: int
    decoders: Decoders


def _codings(file: BinaryIO) -> tuple[_Coding, _Coding]:
    """Return gzip and Zstandard, with a file's dictionary."""
    try:
        frames = compression.decoders_of("zstd", file)
    except compression.zstd.ZstdError:  # then all frames are damaged
        frames = Decoders(compression.zstd.ZstdDecompressor, compression.zstd.ZstdDecompressor)
    return (
        # RFC 1951, section 3.2.4; RFC 8878, section 3.1.1.2.4
        _Coding(compression.MAGIC["gzip"], _GZIP_MEMBER, 1 << 16, compression.decoders_of("gzip", file)),
        _Coding(compression.MAGIC["zstd"], _ZSTD_FRAME, 1 << 17, frames),
    )


_GZIP_MEMBER: Final = re.compile(
    rb"(?=\x1f\x8b\x08[\x00\x01\x04\x05\x08-\x09\x0c-\x0d\x10-\x11\x14-\x15\x18-\x19\x1c-\x1d].{4}[\x00\x02\x04])", re.DOTALL
)
"""RFC 1952, section 2.3, without the flags that nobody sets."""
_ZSTD_FRAME: Final = re.compile(rb"(?=\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)")
"""RFC 8878, sections 3.1.1 and 3.1.2."""
_ANY_START: Final = re.compile(rb"(?=WARC/|\x1f\x8b\x08|\x28\xb5\x2f\xfd)")


def _coding_of(file: BinaryIO) -> _Coding | None:
    """Return how the records of a file are compressed: by its first bytes, or else by the first record in it."""
    file.seek(0)
    head = file.read(32)
    if head.lstrip(b"\r\n").startswith(WARC):
        return None
    codings = _codings(file)
    supposed = next((one for one in codings if one.start.match(head) or one.magic.startswith(head[: len(one.magic)])), None)
    if supposed and _begins_with_record(file, 0, supposed):
        return supposed
    for position in _find(file, _ANY_START, 0):
        for coding in codings if supposed else (None, *codings):  # a dictionary has text of records
            if _begins_with_record(file, position, coding):
                return coding
    return supposed


def _next_record(file: BinaryIO, start: int, size: int, coding: _Coding | None, *, strict: bool = True) -> int:
    """Return the first record boundary at or after ``start``, ``size`` if there is none. For ``strict`` see :func:`_chains`."""
    lead = 0 if coding else 1
    for position in _find(file, coding.start if coding else re.compile(rb"\nWARC/"), max(start - lead, 0)):
        at = position + lead
        if _starts_record(file, at, coding) and _chains(file, at, size, coding, strict=strict):
            return at
    return size


def _find(file: BinaryIO, pattern: re.Pattern[bytes], start: int) -> Iterator[int]:
    """Yield the offsets at which a pattern of less than 32 bytes matches, from ``start`` on. The file may be moved between."""
    at, tail = start, b""
    while True:
        file.seek(at)
        if not (chunk := file.read(CHUNK)):
            return
        window, first = tail + chunk, at - len(tail)
        last = len(window) if len(chunk) < CHUNK else len(window) - 32
        for match in pattern.finditer(window):
            if match.start() < last:
                yield first + match.start()
        at, tail = at + len(chunk), window[last:] if last > 0 else window


def _starts_record(file: BinaryIO, at: int, coding: _Coding | None) -> bool:
    """Return whether the bytes at an offset can be the start of a record, or of a member with one, by looking at few of them."""
    file.seek(at)
    head = file.read(1 << 12)
    if coding is None:
        return _HEADER.match(head) is not None
    first = _first_bytes(head, coding)
    return first is not None and WARC.startswith(first)


def _begins_with_record(file: BinaryIO, at: int, coding: _Coding | None) -> bool:
    """Return whether a record, or a member with one, starts at an offset, and that can be seen from its first bytes."""
    file.seek(at)
    head = file.read(_MAX_HEADER + (coding.block if coding else 0))
    return _HEADER.match(head) is not None if coding is None else _first_bytes(head, coding) == WARC


def _first_bytes(head: bytes, coding: _Coding) -> bytes | None:
    """Return the first five bytes of a member's data, except for line ends; ``None`` if it is damaged.

    There are fewer if they cannot be decompressed from the ``head`` of the member alone.
    """
    try:
        return coding.decoders.sound().decompress(head, 64).lstrip(b"\r\n")[: len(WARC)]
    except compression.DAMAGED:
        return None


def _chains(file: BinaryIO, start: int, size: int, coding: _Coding | None, *, strict: bool) -> bool:
    """Return whether records follow one another from ``start`` on, for some bytes or to the end of the file.

    If not ``strict``, one record is enough: after damage, where there may be more nearby. At the start of a range, that would
    accept a record of a WARC inside a page.
    """
    at = start
    while at < min(start + (coding.block if coding else _CHAIN), size):
        following = _member_end(file, at, size, coding) if coding else _plain_end(file, at, size)
        if following is None:
            return at > start and not strict
        at = following
    return True


def _member_end(file: BinaryIO, start: int, size: int, coding: _Coding) -> int | None:
    """Return the end of a member, None if it is damaged or holds no record, more than ``size`` if the file ends inside it."""
    member = Member(file, start, coding.decoders)
    first = b""
    for piece in member.pieces():
        first = first or piece.lstrip(b"\r\n")[: len(WARC)]
        if not WARC.startswith(first):
            return None
    if member.damage:
        return size + 1 if isinstance(member.damage, EOFError) and first else None
    return member.end


def _plain_end(file: BinaryIO, start: int, size: int) -> int | None:
    """Return the same of an uncompressed record."""
    file.seek(start)
    head = file.read(_MAX_HEADER)
    blank = _BLANK_LINE.search(head)
    if not WARC.startswith(head[: len(WARC)]) or not (blank or start + len(head) >= size):
        return None
    if not blank:
        return size + 1
    length = _fields(head[: blank.start()]).get("content-length", "")
    if not _HEADER.match(head) or not length.isdecimal():
        return None
    end = start + blank.end() + int(length)
    file.seek(end)
    following = file.read(4)
    return end + len(following) - len(following.lstrip(b"\r\n")) if end <= size else size + 1


def is_stream(file: BinaryIO) -> bool:
    """Return whether a WARC was compressed (gzip or zstd) without regard to its records, so that only one reader can read it.

    The standard recommends a member for each record. ``False`` if the first member is damaged before its second record.
    """
    coding = _coding_of(file)
    if coding is None:
        return False
    at = 0
    for _ in range(_EMPTY_MEMBERS):
        member = Member(file, at, coding.decoders)
        window = _Window(member.pieces(salvage=True), 0)
        if window.pass_blank_lines() or member.damage:
            break
        at = member.end
    header = _header(window)
    if header is None:
        return False
    fields, body = header
    length = fields.get("content-length", "")
    if not length.isdecimal() or int(length) > _FIRST_RECORD:
        return False
    after = body + int(length)
    if window.reach(after):
        following = bytes(window.between(after, after + _MAX_HEADER)).lstrip(b"\r\n")
        return _HEADER.match(following) is not None if member.damage else following != b""
    # The record goes on in the next member, if that does not start with another.
    return not member.damage and not _starts_record(file, member.end, coding)


_EMPTY_MEMBERS: Final = 16  # members without data before the first record that planning looks at: a WARC.zst may have one
_FIRST_RECORD: Final = 1 << 26  # bytes of the first record, decompressed, that planning looks at


def read_warc(file: BinaryIO, piece: Range) -> Iterator[Page | Rejected | Skipped]:
    """Yield the pages of a WARC file."""
    if piece.codec in ("", MEMBERS):
        found = read_responses(file, piece.start, piece.end, MAX_BYTES, verify=piece.verify)
    else:
        pieces = iter(lambda: file.read1(CHUNK), b"")  # type: ignore[attr-defined] # read() loses bytes before damage
        found = read_stream(pieces, MAX_BYTES, verify=piece.verify)
    for record in found:
        if isinstance(record, Response):
            url, offset, _, content_type, date, body, is_text = record
            yield Page(url, piece.path, offset, body, is_text, content_type=content_type, date=date)
        elif isinstance(record, BadRecord):
            yield Rejected(piece.path, record.offset, record.url, record.reason, record.detail, record.end)
        else:
            yield Skipped(piece.path, record.offset)
