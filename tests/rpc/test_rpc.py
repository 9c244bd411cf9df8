"""The keyword index as a service: bytes on the wire, limits, other protocols, and other implementations of Avro's RPC."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bigdata_demos.avro import binary
from bigdata_demos.errors import BadMessage, BadProtocol, RemoteError, RpcError, UsageError
from bigdata_demos.index.database import open_database
from bigdata_demos.index.load import load
from bigdata_demos.keywords import run
from bigdata_demos.keywords.analysis.tokens import lower
from bigdata_demos.keywords.output import reading
from bigdata_demos.rpc import wire
from bigdata_demos.rpc.cli import main
from bigdata_demos.rpc.client import Client
from bigdata_demos.rpc.protocol import Protocol, keyword_index
from bigdata_demos.rpc.server import MAX_REMEMBERED, Limits, Responder, Server, serving
from bigdata_demos.rpc.service import DeclaredError, handlers
from bigdata_demos.search.pool import Searchers, open_searchers
from tests.support.java_avro import prepare
from tests.support.paths import DATA, ROOT
from tests.support.requirements import refuse

AVPR = ROOT / "src" / "bigdata_demos" / "rpc" / "keywords.avpr"
KNOWN = "http://site.example/word-count.html"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run."""
    path = tmp_path_factory.mktemp("run") / "output"
    run([DATA / "site.warc.gz"], engine="serial", output=path, keep_text=True)
    return path


@pytest.fixture(scope="module")
def database(output: Path) -> Path:
    """The index of the output."""
    path = output.with_suffix(".db")
    with open_database(path, write=True) as opened:
        load(opened, output)
    return path


@pytest.fixture(scope="module")
def index(database: Path) -> Iterator[Searchers]:
    """The same, open."""
    with open_searchers(str(database)) as opened:
        yield opened


@pytest.fixture(scope="module")
def server(index: Searchers) -> Iterator[Server]:
    """A server of it."""
    with serving("127.0.0.1", 0, Responder(keyword_index(), handlers(index))) as running:
        yield running


@pytest.fixture
def responder(index: Searchers) -> Responder:
    """A responder that nobody has met yet."""
    return Responder(keyword_index(), handlers(index))


@contextlib.contextmanager
def limited(index: Searchers, **limits: Any) -> Iterator[Server]:
    """A server with other limits."""
    with serving("127.0.0.1", 0, Responder(keyword_index(), handlers(index), Limits(**limits))) as running:
        yield running


def other_protocol() -> Protocol:
    """A client's protocol: a field more, which has a default; fields in another order; a message less; another parameter less."""
    changed = json.loads(AVPR.read_text(encoding="utf-8"))
    types = {each["name"]: each for each in changed["types"]}
    types["Stats"]["fields"].insert(0, {"name": "engine", "type": "string", "default": "not told"})
    types["Hit"]["fields"].reverse()
    types["Hits"]["fields"].pop(2)
    changed["messages"]["pages"]["request"].pop()
    del changed["messages"]["suggest"]
    return Protocol(json.dumps(changed))


class Watching(Client):
    """A client that keeps the handshakes' results."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.matches: list[str] = []

    def matched(self, handshake: wire.Response) -> bool:
        self.matches.append(handshake.match)
        return super().matched(handshake)


# What is looked up


def test_lookups_agree_with_the_parts(index: Searchers, output: Path) -> None:
    """Held against the parts, read one after another; a search for a phrase finds at least the pages that have it as a keyword."""
    ask = handlers(index)
    rows = list(reading.read(output, "index"))
    numbers = ask["stats"]({})
    assert (numbers["postings"], numbers["phrases"]) == (
        len(rows),
        len({row["stems"].replace("-", " ").replace("_", " ").strip() for row in rows}),
    )
    phrases = set[str]()
    for page in reading.read(output, "keywords"):
        phrases |= {keyword["phrase"] for keyword in page["keywords"]}
        found = ask["keywords"]({"url": page["url"]})
        assert [found[name] for name in ("url", "title", "declared")] == [page[name] for name in ("url", "title", "declared")]
        assert found["keywords"] == [
            {**keyword, "stems": keyword["stems"].replace("-", " ").replace("_", " ").strip()} for keyword in page["keywords"]
        ]
    for row in rows[::20]:
        hits = ask["pages"]({"query": "", "phrase": row["phrase"], "limit": 1000})
        under = {each["url"] for each in rows if each["stems"] == row["stems"]}
        assert under <= {hit["url"] for hit in hits["hits"]}
        start = row["phrase"].lower()[:3]
        for suggestion in ask["suggest"]({"prefix": start.upper()}):
            assert lower(suggestion["phrase"]).startswith(start.replace("’", "'"))
            assert suggestion["phrase"] in phrases


def test_pages_are_those_of_the_search_command(index: Searchers) -> None:
    """For queries and phrases, and both at once; a query without hits gets advice."""
    ask = handlers(index)["pages"]
    with index.lookup() as searcher:
        expected = searcher.search('spark "shuffle" -python', 5)
    answer = ask({"query": "spark -python", "phrase": ' shuffle" ', "limit": 5})
    assert answer["total"] == expected.total
    assert [(hit["rank"], hit["score"], hit["url"], hit["snippet"], hit["keywords"]) for hit in answer["hits"]] == [
        (rank, hit.score, hit.url, hit.snippet, hit.keywords) for rank, hit in enumerate(expected.hits, 1)
    ]
    answer = ask({"query": "shufle", "phrase": "", "limit": 5})
    assert (answer["total"], answer["hits"]) == (0, [])
    assert "did you mean shuffle" in answer["advice"]
    for query, phrase in (("", ""), ("-spark", ""), ("x" * 2000, ""), ("", '"" "')):
        with pytest.raises(DeclaredError) as raised:
            ask({"query": query, "phrase": phrase, "limit": 5})
        assert raised.value.name == "BadRequest"


def test_a_lookup_is_given_up_in_time(database: Path) -> None:
    """As in an index that is far too large; and it waits no longer for others than that."""
    forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    with open_searchers(str(database), seconds=0.2) as opened:
        started = time.monotonic()
        with pytest.raises(TimeoutError, match="took too long"), opened.lookup() as searcher:
            searcher.database.execute(forever).fetchone()
        with contextlib.ExitStack() as stack:
            for _ in range(opened.number):
                stack.enter_context(opened.lookup())
            with pytest.raises(TimeoutError, match="too many concurrent lookups"), opened.lookup():
                pass
        assert time.monotonic() - started < 3
        assert handlers(opened)["keywords"]({"url": KNOWN})


# Bytes on the wire


def test_golden_request_and_answer(responder: Responder) -> None:
    """A whole exchange, byte by byte, counted by hand from the specification."""
    md5 = keyword_index().md5
    request = (
        md5  # clientHash: 16 bytes
        + b"\x00"  # clientProtocol: branch 0, null
        + md5  # serverHash
        + b"\x00"  # meta: branch 0, null
        + b"\x00"  # the call's metadata: a map's end
        + b"\x0astats"  # a string of 5 bytes (zig-zag: 10)
    )  # and no parameters
    assert len(request) == 41
    assert wire.frame(request) == b"\x00\x00\x00\x29" + request + b"\x00\x00\x00\x00"
    digest = responder.handlers["stats"]({})["digest"]
    answer = (
        b"\x00"  # match: BOTH
        b"\x00\x00\x00"  # serverProtocol, serverHash, meta: null
        b"\x00"  # the answer's metadata: a map's end
        b"\x00"  # no error
        b"\x7e"  # 63 pages: 126
        b"\xa4\x08"  # 530 phrases: 1060 = 0b1000_0100100
        b"\xec\x09"  # 630 postings: 1260 = 0b1001_1101100
        b"\x06"  # 3 rejected
        b"\x02"  # 1 run
        b"\x8e\x01" + digest.encode()  # 71 bytes: 142
    )
    assert responder.respond(request) == answer
    unknown = request.replace(b"\x0astats", b"\x0eunheard")
    assert responder.respond(unknown).startswith(answer[:5] + b"\x01\x00")  # an error, branch 0 of the union: string


def test_golden_declared_error(responder: Responder) -> None:
    """A declared error has its own branch of the effective union, in which the string is first."""
    md5 = keyword_index().md5
    answer = responder.respond(md5 + b"\x00" + md5 + b"\x00" + b"\x00" + b"\x10keywords" + b"\x02u")
    assert answer == b"\x00\x00\x00\x00" + b"\x00" + b"\x01" + b"\x02" + b"\x42no page of the index has this URL" + b"\x02u"


def test_handshakes(responder: Responder) -> None:
    """NONE, CLIENT, BOTH, and a ping."""
    ours, theirs = keyword_index(), other_protocol()
    first = wire.Reader(responder.respond(wire.Request(theirs.md5, None, theirs.md5).pack() + b"\0\0"))
    assert first.response() == wire.Response("NONE", ours.text, ours.md5)
    first.end()  # nothing more: the client has to introduce itself
    again = wire.Reader(responder.respond(wire.Request(theirs.md5, theirs.text, ours.md5).pack() + b"\0\0"))
    assert again.response() == wire.Response("BOTH")
    again.end()  # a ping
    known = wire.Reader(responder.respond(wire.Request(theirs.md5, None, theirs.md5).pack() + b"\0\0"))
    assert known.response() == wire.Response("CLIENT", ours.text, ours.md5)


def test_protocols_are_remembered_by_their_own_hash_only(responder: Responder) -> None:
    """No client can put its protocol in another's place, and no number of them fills the memory."""
    theirs = other_protocol()
    false = wire.Request(b"x" * 16, theirs.text, keyword_index().md5)
    assert wire.Reader(responder.respond(false.pack() + b"\0\0")).response().match == "BOTH"
    assert b"x" * 16 not in responder.remembered
    for number in range(2 * MAX_REMEMBERED):
        protocol = Protocol(json.dumps({"protocol": f"P{number}"}))
        responder.respond(wire.Request(protocol.md5, protocol.text, b"x" * 16).pack() + b"\0\0")
    assert len(responder.remembered) == MAX_REMEMBERED
    assert keyword_index().md5 in responder.remembered


@given(st.binary(max_size=300_000))
@settings(max_examples=30, deadline=None)
def test_frames_come_back(message: bytes) -> None:
    """Of any size, whatever the frames are; more empty ones may follow, as Java writes them."""
    assert wire.unframe(wire.frame(message), 300_000) == message
    assert wire.unframe(wire.frame(message) + bytes(8), 300_000) == message
    small = b"".join(b"\0\0\0\1" + message[at : at + 1] for at in range(min(len(message), 100))) + bytes(4)
    assert wire.unframe(small, 100) == message[:100]


@pytest.mark.parametrize(
    ("framed", "said"),
    [
        (b"", "ends inside"),
        (b"\0\0\0", "ends inside"),
        (b"\0\0\0\1", "ends inside"),
        (b"\0\0\0\1a", "ends inside"),
        (b"\0\0\0\0a", "after the frame of length zero"),
        (b"\0\0\0\0\0", "after the frame of length zero"),
        (b"\0\0\0\0\0\0\0\1", "after the frame of length zero"),
        (b"\0\0\0\x65" + b"a" * 101 + bytes(4), "the most"),
        ((b"\0\0\0\x33" + b"a" * 51) * 2 + bytes(4), "the most"),
        (b"\xff\xff\xff\xff", "the most"),
    ],
)
def test_malformed_frames(framed: bytes, said: str) -> None:
    """Each is refused, before anything of its size is made."""
    with pytest.raises(BadMessage, match=said):
        wire.unframe(framed, 100)


def call_of(name: str, parameters: bytes) -> bytes:
    """A request by a client that the server knows."""
    md5 = keyword_index().md5
    return wire.Request(md5, None, md5).pack() + b"\0" + binary.string(name) + parameters


def test_every_cut_of_a_request(responder: Responder) -> None:
    """Inside the handshake there is nothing that could be answered; after it, the answer is a system error, or the handshake."""
    whole = call_of("pages", binary.string("") + binary.string("word count") + binary.long(3))
    for cut in range(len(whole)):
        with pytest.raises(BadMessage):
            wire.unframe(wire.frame(whole)[: cut + 1], 1000)
        if cut < 34:
            with pytest.raises(BadMessage, match="handshake"):
                responder.respond(whole[:cut])
        else:
            assert responder.respond(whole[:cut]).startswith(b"\0\0\0\0" + wire.SYSTEM_ERROR)
    assert b"after its end" in responder.respond(whole + b"\0")


def test_every_cut_of_an_answer(responder: Responder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client says so."""
    whole = responder.respond(call_of("pages", binary.string("") + binary.string("word count") + binary.long(3)))
    client = Client("http://127.0.0.1:1/")
    for cut in range(len(whole)):
        monkeypatch.setattr(client, "post", lambda _, cut=cut: whole[:cut])
        with pytest.raises(BadMessage):
            client.call("pages", {"phrase": "word count", "limit": 3})
    monkeypatch.setattr(client, "post", lambda _: whole)
    assert client.call("pages", {"phrase": "word count", "limit": 3})["total"] > 2


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=4), st.booleans())
@settings(max_examples=200, deadline=None)
def test_damaged_requests_get_an_answer_or_are_refused(damage: list[tuple[int, int]], introduced: bool) -> None:
    """Whatever the bytes are, there is no other error."""
    theirs = other_protocol()
    responder = Responder(keyword_index(), {name: lambda _: {} for name in keyword_index().messages})
    request = wire.Request(theirs.md5, theirs.text if introduced else None, keyword_index().md5)
    message = bytearray(request.pack() + b"\0" + binary.string("pages") + binary.string("word"))
    for at, value in damage:
        message[at % len(message)] = value
    with contextlib.suppress(BadMessage, BadProtocol):
        assert responder.respond(bytes(message))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "5",
        "{}",
        '{"protocol": "P", "types": [5]}',
        '{"protocol": "P", "types": {"name": 1}}',
        '{"protocol": "P", "messages": [1]}',
        '{"protocol": "P", "messages": {"stats": 5}}',
        '{"protocol": "P", "messages": {"stats": {}}}',
        '{"protocol": "P", "messages": {"stats": {"request": [], "response": "Nowhere"}}}',
        '{"protocol": "P", "messages": {"stats": {"request": [], "response": "null", "one-way": true}}}',
        '{"protocol": "P", "messages": {"stats": {"request": [{"name": "a", "type": {"type": "array", "items": "null"}}], "response": "null"}}}',
        (
            '{"protocol": "P", "types": [{"type": "record", "name": "R", "fields": [{"name": "r", "type": ["null", "R"]}]}],'
            ' "messages": {"stats": {"request": [{"name": "r", "type": "R"}], "response": "null"}}}'
        ),
        '{"protocol": "P", "messages": {"stats": {"request": [], "response": "R", "__fastavro_parsed": true}}}',
        "[" * 70,
        '{"protocol": "' + "x" * (64 << 10) + '"}',
    ],
)
def test_protocols_that_are_none(responder: Responder, text: str) -> None:
    """A server takes no harm by a client's protocol, nor a client by a server's."""
    with pytest.raises(BadProtocol):
        Protocol(text).message("stats")
    protocol = wire.Request(b"x" * 16, text, keyword_index().md5)
    try:
        answer = responder.respond(protocol.pack() + b"\0" + binary.string("stats"))
    except BadProtocol:
        pass
    else:
        assert answer.startswith(b"\0\0\0\0" + wire.SYSTEM_ERROR)


def test_a_handlers_bug_is_a_system_error() -> None:
    """Of which the client learns nothing but that; the server is told, in a line."""

    def broken(_: Any) -> Any:
        raise ValueError("a\nsecret")

    def undeclared(_: Any) -> Any:
        raise DeclaredError("UnknownPage", "not one of this message's", url="u")

    said: list[str] = []
    responder = Responder(keyword_index(), {"stats": broken, "suggest": undeclared}, say=said.append)
    for call in (call_of("stats", b""), call_of("suggest", b"\2a"), call_of("keywords", b"\2a")):
        assert responder.respond(call).endswith(wire.system_error("internal error"))
    assert said[0] == "stats failed: ValueError: a secret"
    assert len(said) == 3


# HTTP


def test_calls(server: Server) -> None:
    """All messages, and all errors, on one connection."""
    with Watching(server.url) as client:
        client.ping()
        assert client.call("stats")["pages"] == 63
        assert client.call("keywords", {"url": KNOWN})["keywords"][0]["phrase"] == "Word count"
        hits = client.call("pages", {"phrase": "WORD  counting", "limit": 1})
        assert (hits["query"], [hit["url"] for hit in hits["hits"]]) == ('"WORD  counting"', [KNOWN])
        assert client.call("pages", {"query": '"word count"', "limit": 1}) == {**hits, "query": '"word count"'}
        assert client.call("pages", {"query": "xyzzy"})["total"] == 0
        assert len(client.call("pages", {"phrase": "word"})["hits"]) > 1  # the limit has a default
        assert client.call("suggest", {"prefix": "Word C"}) == [{"phrase": "Word count", "pages": 2}]
        for name, parameters, error in (
            ("keywords", {"url": "nowhere"}, "UnknownPage"),
            ("pages", {}, "BadRequest"),
            ("pages", {"phrase": "word", "limit": 0}, "BadRequest"),
            ("suggest", {"prefix": ""}, "BadRequest"),
        ):
            with pytest.raises(RemoteError) as raised:
                client.call(name, parameters)
            assert raised.value.name == error
            assert "\n" not in str(raised.value)
        for wrong in (
            {"phrase": 1},
            {"query": None},
            {"phrase": "a", "more": 1},
            {"phrase": "\ud800"},
            {"phrase": "a", "limit": 1 << 40},
        ):
            with pytest.raises(UsageError, match="pages takes query: string, phrase: string, limit: int"):
                client.call("pages", wrong)
        with pytest.raises(UsageError, match="no message"):
            client.call("nothing")
        assert set(client.matches) == {"BOTH"}


def test_a_client_with_another_protocol(index: Searchers) -> None:
    """NONE, then BOTH, for the first; CLIENT for the next, since the server remembers. Data are resolved both ways."""
    with limited(index) as server:
        for expected in (["NONE", "BOTH"], ["CLIENT"]):
            with Watching(server.url, other_protocol()) as client:
                stats = client.call("stats")
                assert client.matches == expected
                assert (stats["engine"], stats["pages"]) == ("not told", 63)
                hits = client.call("pages", {"phrase": "word count"})
                assert list(hits["hits"][0])[-3:] == ["url", "score", "rank"]
                assert hits["hits"][0]["url"] == KNOWN
                assert "advice" not in hits
                assert client.matches[len(expected) :] == ["BOTH"]
                with pytest.raises(UsageError, match="no message 'suggest'"):
                    client.call("suggest", {"prefix": "w"})
        more = json.loads(keyword_index().text)
        more["messages"]["delete"] = {"request": [], "response": "null"}
        more["messages"]["stats"]["request"] = [{"name": "deep", "type": "boolean"}]
        more["messages"]["suggest"]["request"] = []
        with Client(server.url, Protocol(json.dumps(more))) as client:
            with pytest.raises(RemoteError, match="no message 'delete' in the server's protocol"):
                client.call("delete")
            assert client.call("stats", {"deep": True})["pages"] == 63
            with pytest.raises(RemoteError, match="parameters of suggest: BadAvro: no field 'prefix', and no default"):
                client.call("suggest")


def test_many_clients_at_once(server: Server) -> None:
    """All get what one gets."""

    def some(number: int) -> list[Any]:
        with Client(server.url, other_protocol() if number % 2 else None) as client:
            return [client.call("keywords", {"url": KNOWN}) for _ in range(30)]

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(some, range(12)))
    assert all(answer == answers[0][0] for each in answers for answer in each)


def exchange(server: Server, data: bytes, *, end: bool = True) -> bytes:
    """What a server sends back for some bytes, until it closes the connection."""
    with socket.create_connection(server.server_address[:2], timeout=10) as connection:  # type: ignore[arg-type]
        connection.sendall(data)
        if end:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
    return answer


def post(body: bytes, *headers: str, length: int | str | None = None) -> bytes:
    """A request of HTTP."""
    lines = ["POST / HTTP/1.1", "Host: x", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *(headers or ("Content-Type: avro/binary",)), "", ""]).encode() + body


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(b""), 400),
        (post(b"\0\0\0\0"), 400),
        (post(b"\0\0\0\1a\0\0\0\0"), 400),
        (post(b"\xff\xff\xff\xff"), 400),
        (post(b"ab", length=3), 400),
        (post(b"", length="-1"), 400),
        (post(b"", length="0x1"), 400),
        (post(b"", "Content-Type: avro/binary", "Content-Length: 5"), 400),
        (post(b"", length=1 << 40), 413),
        (post(b"", "Content-Type: text/plain"), 415),
        (post(b"", "Content-Type: avro/binary", "Transfer-Encoding: chunked"), 411),
        (b"POST / HTTP/1.1\r\nContent-Type: avro/binary\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\n\r\n", 405),
        (b"OPTIONS / HTTP/1.1\r\n\r\n", 405),
        (b"BREW / HTTP/1.1\r\n\r\n", 501),
        (b"POST / HTTP/9.0\r\n\r\n", 505),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_what_is_no_request(server: Server, request_bytes: bytes, status: int) -> None:
    """HTTP's own status, one line, and the connection is closed; the server goes on."""
    answer = exchange(server, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    if head or status != 400:
        assert f" {status} ".encode() in head.splitlines()[0] + b" "
    assert body.count(b"\n") <= 1
    assert b"Traceback" not in answer
    with Client(server.url) as client:
        assert client.call("stats")["pages"] == 63


def test_every_cut_over_http(server: Server) -> None:
    """A request that ends too early gets no answer, or one of status 400, at once."""
    whole = post(wire.frame(call_of("stats", b"")))
    for cut in range(0, len(whole), 3):
        answer = exchange(server, whole[:cut])
        assert not answer or answer.split()[1] in (b"400", b"411", b"415"), (cut, answer)
    assert exchange(server, whole).split()[1] == b"200"
    deadline = time.monotonic() + 5
    while server.open and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [each for each in server.open if each.fileno() < 0]


def test_slow_clients_are_cut_off(index: Searchers) -> None:
    """By the time of the whole request, not of each byte; others are answered meanwhile."""
    whole = post(wire.frame(call_of("stats", b"")))
    with limited(index, seconds=0.6) as server, Client(server.url) as other:
        started = time.monotonic()
        assert exchange(server, whole[:40], end=False) == b""
        assert time.monotonic() - started < 3
        with socket.create_connection(server.server_address[:2], timeout=10) as slow:  # type: ignore[arg-type]
            started = time.monotonic()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for at in range(len(whole)):
                    slow.sendall(whole[at : at + 1])
                    assert other.call("stats")["pages"] == 63
                    time.sleep(0.05)
                    assert time.monotonic() - started < 3
            with contextlib.suppress(ConnectionResetError):
                assert slow.recv(100) == b""


def test_only_so_many_connections(index: Searchers) -> None:
    """The next is refused; when one has ended, another has its place."""
    with limited(index, connections=2) as server:
        with Client(server.url) as first, Client(server.url) as second, Client(server.url) as third:
            first.ping()
            second.ping()
            with pytest.raises(RpcError, match=r"503|no answer"):
                third.ping()
        deadline = time.monotonic() + 5
        while server.open and time.monotonic() < deadline:
            time.sleep(0.02)
        with Client(server.url) as another:
            another.ping()


def test_sizes_are_bounded(index: Searchers) -> None:
    """Of requests and of answers, at both ends."""
    with limited(index, request_bytes=200, response_bytes=100) as server, Client(server.url) as client:
        with pytest.raises(RpcError, match=r"413|no answer"):
            client.call("suggest", {"prefix": "a" * 2000})
        with pytest.raises(RemoteError, match=r"a response of .* bytes; 100 are the most"):
            client.call("keywords", {"url": KNOWN})
    with limited(index) as server, Client(server.url, most=100) as client, pytest.raises(BadMessage, match="100"):
        client.call("keywords", {"url": KNOWN})


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that answers each connection in its own way."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(1 << 16)
                        answer(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)


def test_a_client_of_bad_servers(responder: Responder) -> None:
    """Whatever comes, in whatever time: one error, one line."""
    body = wire.frame(responder.respond(call_of("stats", b"")))
    good = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    none = wire.frame(wire.Response("NONE", keyword_index().text, keyword_index().md5).pack())

    def drip(connection: socket.socket) -> None:
        for byte in good:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    answers: list[Callable[[socket.socket], None]] = [
        lambda _: None,
        lambda connection: connection.sendall(b"nonsense\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\0\0\0\0"),
        lambda connection: connection.sendall(b"HTTP/1.1 500 Oh\r\nContent-Length: 5\r\n\r\na\nb\x1bc"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + none),
        lambda connection: time.sleep(0.8),
        drip,
        *(lambda connection, cut=cut: connection.sendall(good[:cut]) for cut in range(0, len(good), 7)),
    ]
    for number, answer in enumerate(answers):
        started = time.monotonic()
        with answering(answer) as url, Client(url, seconds=0.5) as client, pytest.raises(RpcError) as raised:
            client.call("stats")
        assert time.monotonic() - started < 3, number
        assert "\n" not in str(raised.value)
        assert "\x1b" not in str(raised.value)
    with answering(lambda connection: connection.sendall(good)) as url, Client(url) as client:
        assert client.call("stats")["pages"] == 63
        assert client.call("stats")["pages"] == 63  # on another connection: the server has closed the first


# The command


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_ends_by_a_signal(output: Path, tmp_path: Path, number: signal.Signals) -> None:
    """At once, with status 0, though a client is connected; nothing is left."""
    line = [sys.executable, "-m", "bigdata_demos", "rpc", "serve", str(output)]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "XDG_CACHE_HOME": str(output.parent / "cache")}
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        with Client(url) as client:
            assert client.call("stats")["pages"] == 63
            assert url.startswith("http://127.0.0.1:")
            process.send_signal(number)
            _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert said.endswith("pages=63 phrases=530 postings=630\n")
    assert list(tmp_path.iterdir()) == []


def test_the_command_calls(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of JSON, or an error of one line."""
    assert main(["call", server.url, "pages", '{"phrase": "word counts", "limit": 1}']) == 0
    assert json.loads(capsys.readouterr().out)["hits"][0]["url"] == KNOWN
    for status, arguments in (
        (1, [server.url, "keywords", '{"url": "u"}']),
        (1, ["http://127.0.0.1:1/", "stats"]),
        (2, [server.url, "nothing"]),
        (2, [server.url, "stats", "{"]),
        (2, [server.url, "stats", "[]"]),
        (2, [server.url, "stats", '{"a": 1}']),
        (2, ["https://127.0.0.1/", "stats"]),
        (2, ["http://[/", "stats"]),
        (2, ["http://a b/\r\n", "stats"]),
    ):
        assert main(["call", *arguments]) == status
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1


def test_the_command_cannot_serve(database: Path, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No output, or no place to listen."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert main(["serve", str(tmp_path)]) == 1
    assert main(["serve", str(database), "--port", server.url.rstrip("/").rpartition(":")[2]]) == 2
    assert main(["serve", str(database), "--port", "70000"]) == 2
    assert capsys.readouterr().err.count("\n") == 3
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# Other implementations


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Avro's own Java, and ours on top of it, as a command line."""
    line, why = prepare(tmp_path_factory.mktemp("classes"))
    if why:
        refuse("Avro's RPC of Java", why)
    return line


def call_by_java(java: list[str], url: str, protocol: Path, *calls: str) -> list[Any]:
    """What Java's client makes of some calls."""
    said = subprocess.run(
        [*java, "CallIndex", url, str(protocol)],
        input="\n".join(calls) + "\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in said.stdout.splitlines()]


def test_java_calls_us(java: list[str], server: Server) -> None:
    """Responses, declared errors and system errors are the same as ours."""
    calls: list[tuple[str, dict[str, Any]]] = [
        ("stats", {}),
        ("keywords", {"url": KNOWN}),
        ("keywords", {"url": "größer"}),
        ("pages", {"query": "", "phrase": "word count", "limit": 2}),
        ("pages", {"query": "", "phrase": "ナシ", "limit": 2}),
        ("pages", {"query": "", "phrase": "word count", "limit": -1}),
        ("suggest", {"prefix": "wo"}),
        ("suggest", {"prefix": "w" * 100_000}),
    ]
    expected = []
    with Client(server.url) as client:
        for name, parameters in calls:
            try:
                expected.append({"answer": client.call(name, parameters)})
            except RemoteError as error:
                expected.append({"error": error.name, "value": error.value})
    lines = [f"{name} {json.dumps(parameters)}" for name, parameters in calls]
    assert call_by_java(java, server.url, AVPR, *lines) == expected
    assert [next(iter(each)) for each in expected] == [
        "answer",
        "answer",
        "error",
        "answer",
        "answer",
        "error",
        "answer",
        "error",
    ]


def test_java_calls_us_by_another_protocol(java: list[str], index: Searchers, tmp_path: Path) -> None:
    """Java's client resolves our answers, and we its parameters."""
    (tmp_path / "other.avpr").write_text(other_protocol().text)
    with limited(index) as server:
        [stats, pages] = call_by_java(
            java, server.url, tmp_path / "other.avpr", "stats {}", 'pages {"query": "", "phrase": "word count"}'
        )
        assert (stats["answer"]["engine"], stats["answer"]["pages"]) == ("not told", 63)
        assert list(pages["answer"]["hits"][0])[-3:] == ["url", "score", "rank"]
        assert pages["answer"]["hits"][0]["url"] == KNOWN


@contextlib.contextmanager
def java_server(java: list[str], protocol: Path) -> Iterator[str]:
    """The address of Java's server."""
    with subprocess.Popen(
        [*java, "ServeIndex", str(protocol)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.stdin.close()
            process.wait(30)


def test_we_call_java(java: list[str]) -> None:
    """Responses of more than one frame, declared errors, system errors; with its protocol, and with another."""
    with java_server(java, AVPR) as url:
        with Watching(url) as client:
            client.ping()
            assert client.matches == ["BOTH"]  # its text of the protocol is the same as ours, byte by byte, and so is the hash
            assert client.call("stats")["pages"] == 1_000_000_000_005
            assert client.call("stats")["digest"] == "größer"
            many = client.call("suggest", {"prefix": "ü" * 100})
            assert [(each["phrase"], each["pages"]) for each in many] == [(f"{'ü' * 100} {n}", -n) for n in range(2000)]
            with pytest.raises(RemoteError, match=r"BadRequest: limit was 7") as raised:
                client.call("pages", {"phrase": "p", "limit": 7})
            assert raised.value.value == {"message": "limit was 7", "parameter": "p"}
            with pytest.raises(RemoteError, match=r"the server says: .*no u") as raised:
                client.call("keywords", {"url": "u"})
            assert raised.value.name == ""
            assert set(client.matches[2:]) == {"BOTH"}
        with Watching(url, other_protocol()) as client:
            stats = client.call("stats")
            assert (stats["engine"], stats["pages"]) == ("not told", 1_000_000_000_005)
            with pytest.raises(RemoteError, match="BadRequest: limit was 10"):  # the server's default
                client.call("pages", {"phrase": "p"})
            assert client.matches == ["NONE", "BOTH", "BOTH"]


def test_the_avro_package_calls_us(server: Server) -> None:
    """PyPI's own client: responses, and a declared error, which it reads as fields."""
    if find_spec("avro") is None:
        refuse("the avro package's RPC", "avro is not installed")
    import avro.ipc
    import avro.protocol

    transceiver = avro.ipc.HTTPTransceiver(*server.server_address[:2])
    requestor = avro.ipc.Requestor(avro.protocol.parse(AVPR.read_text(encoding="utf-8")), transceiver)
    assert requestor.request("stats", {})["pages"] == 63
    assert requestor.request("suggest", {"prefix": "Word C"}) == [{"phrase": "Word count", "pages": 2}]
    with pytest.raises(avro.errors.AvroRemoteException, match="no page of the index has this URL"):
        requestor.request("keywords", {"url": "u"})
    transceiver.close()


def test_a_connection_is_kept(server: Server) -> None:
    """A raw client of HTTP may keep its connection."""
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=10)  # type: ignore[arg-type]
    for _ in range(3):
        connection.request("POST", "/any/path", wire.frame(call_of("stats", b"")), {"Content-Type": "avro/binary"})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Type")) == (200, "avro/binary")
        assert wire.unframe(answer.read(), 1 << 20)
    connection.close()
