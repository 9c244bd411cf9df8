"""The routes: pages for browsers, rendered here, and the same answers as JSON below ``/api``, described by ``/openapi.json``.

Every answer forbids browsers to load anything from elsewhere or to run scripts inside pages (Content-Security-Policy). Only
requests for known host names are answered, so that no page of another site can read from a server on this machine.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

from ..errors import BigDataDemosError, InputError, UsageError
from ..report.file import report
from ..search import overview
from ..search.compare import Comparison
from ..search.pool import Searchers
from ..search.searcher import Searcher
from ..web.render import render, static
from . import views

try:
    from fastapi import FastAPI, HTTPException, Query, Request, Response
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import HTMLResponse, JSONResponse
    from starlette.exceptions import HTTPException as StarletteHTTPException
    from starlette.middleware.trustedhost import TrustedHostMiddleware
except ImportError:
    raise UsageError("serve requires the package fastapi: pip install 'bigdata-demos[web]'") from None

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_COMPUTED: Final = 200  # views that are kept
Text = Annotated[str, Query(max_length=2_000)]
Host = Annotated[str, Query(alias="site", max_length=2_000)]
Limit = Annotated[int, Query(ge=1, le=views.MOST)]


class Site:
    """What all pages have in common: the index, its name, and how it differs from another one."""

    def __init__(self, searchers: Searchers, name: str, comparison: Comparison | None = None, before: str = "") -> None:
        self.searchers, self.name, self.comparison, self.before = searchers, name, comparison, before
        self._runs: object = None
        self._computed: dict[tuple[object, ...], Any] = {}

    def report(self, searcher: Searcher) -> str:
        """Return the crawl as one file."""
        return report(searcher, self.name)

    @contextmanager
    def lookup(self) -> Iterator[Searcher]:
        """Yield a searcher; what goes wrong with the database is an answer with status 503."""
        try:
            with self.searchers.lookup() as searcher:
                yield searcher
        except TimeoutError as error:
            raise HTTPException(503, f"{error}: try again, or ask for less") from None
        except self.searchers.errors as error:
            raise HTTPException(503, f"the index cannot be read: {error}") from None

    def of_runs(self, view: Callable[..., Any], searcher: Searcher, *chosen: str) -> Any:
        """Return a view of the whole crawl, or of what was chosen of it, computed again only if runs were loaded or dropped."""
        runs = searcher.database.execute("SELECT id, digest, pages, has_text FROM runs ORDER BY id").fetchall()
        if self._runs != runs or len(self._computed) > _COMPUTED:
            self._runs, self._computed = runs, {}
        computed = self._computed
        if (view, chosen) not in computed:
            computed[view, chosen] = view(searcher, *chosen)
        return computed[view, chosen]

    def html(self, template: str, **values: Any) -> HTMLResponse:
        """Render a page."""
        return HTMLResponse(render(template, name=self.name, before=self.before, **values))


def make_app(site: Site, hosts: Sequence[str]) -> FastAPI:
    """Return the application for a crawl; ``hosts`` are the host names of requests that are answered, ``*`` for all."""
    app = FastAPI(title="bigdata-demos serve", description=f"The crawl {site.name}, read-only", docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)

    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call_next(request)
        answer.headers.update(_HEADERS)
        return answer

    def failed(request: Request, status: int, text: str) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"detail": text}, status)
        answer = site.html("error", status=status, text=text)
        answer.status_code = status
        return answer

    @app.exception_handler(StarletteHTTPException)  # the base class of FastAPI's, which the router raises
    def of_http(request: Request, error: StarletteHTTPException) -> Response:
        ours = isinstance(error, HTTPException) or error.status_code != 404
        return failed(request, error.status_code, error.detail if ours else f"there is no page {request.url.path}")

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        return failed(request, 422, "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors()))

    @app.exception_handler(BigDataDemosError)
    def of_ours(request: Request, error: BigDataDemosError) -> Response:
        status = {UsageError: 400, InputError: 404}.get(type(error), 500)
        return failed(request, status, str(error))

    _add_pages(app, site)
    _add_api(app, site)
    return app


def _add_pages(app: FastAPI, site: Site) -> None:
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    def index(q: Text = "", site_: Host = "", lang: Text = "", limit: Limit = views.STEP,
              fragment: bool = False) -> HTMLResponse:  # fmt: skip
        with site.lookup() as searcher:
            if any(map(str.strip, (q, site_, lang))):
                whole, part, values = "search", "results", views.results(searcher, q, site_, lang, limit)
                if values["total"] and not q.strip():
                    values["top"] = site.of_runs(views.top, searcher, site_, lang)
            else:
                chosen = {"q": "", "site": "", "lang": ""}
                whole, part, values = "index", "overview", {**site.of_runs(views.index, searcher), **chosen}
        return site.html(part if fragment else whole, **values)

    @app.get("/page", response_class=HTMLResponse, include_in_schema=False)
    def page(url: str) -> HTMLResponse:
        with site.lookup() as searcher:
            values = views.page(searcher, url)
        return site.html("page", **values)

    @app.get("/rejected", response_class=HTMLResponse, include_in_schema=False)
    def rejected(reason: Text = "", part: Text = "") -> HTMLResponse:
        with site.lookup() as searcher:
            values = views.rejected(searcher, reason, part.strip())
        return site.html("rejected", **values)

    @app.get("/runs", response_class=HTMLResponse, include_in_schema=False)
    def runs() -> HTMLResponse:
        with site.lookup() as searcher:
            found = site.of_runs(views.runs, searcher)
        return site.html("runs", runs=found)

    @app.get("/report.html", include_in_schema=False)
    def of_report() -> Response:
        with site.lookup() as searcher:
            html = site.of_runs(site.report, searcher)
        return Response(html, media_type="text/html", headers={"Content-Disposition": 'attachment; filename="report.html"'})

    @app.get("/changes", response_class=HTMLResponse, include_in_schema=False)
    def changes() -> HTMLResponse:
        if site.comparison is None:
            raise HTTPException(404, "this server compares with no other index: start it with --diff INDEX")
        return site.html("changes", **views.changes(site.comparison))

    @app.get("/static/{name}", include_in_schema=False)
    def of_package(name: str) -> Response:
        if (file := static(name)) is None:
            raise HTTPException(404, f"there is no file {name}")
        return Response(file[0], media_type=file[1])


def _add_api(app: FastAPI, site: Site) -> None:
    @app.get("/api/search", summary="The best pages of a query, with snippets, facets and, without hits, advice")
    def search(q: Text, limit: Limit = views.STEP) -> dict[str, Any]:
        with site.lookup() as searcher:
            found = searcher.search(q, limit)
            sites, languages = searcher.facets(q)
            advice = "" if found.hits else searcher.advice(q)
        hits = [hit._asdict() for hit in found.hits]
        return {"total": found.total, "hits": hits, "sites": sites, "languages": languages, "advice": advice}

    @app.get("/api/page", summary="A page and its keywords, best first")
    def page(url: str) -> dict[str, Any]:
        with site.lookup() as searcher:
            if (found := searcher.page(url)) is None:
                raise InputError(f"no page of the index has the URL {url}")
            return {**found, "copies": searcher.copies(url)}

    @app.get("/api/related", summary="The pages that share the rarest keywords with a page")
    def related(url: str, limit: Limit = views.STEP) -> list[dict[str, Any]]:
        with site.lookup() as searcher:
            return [{"url": other, "title": title, "keywords": common} for other, title, common in searcher.related(url, limit)]

    @app.get("/api/top", summary="The keywords of most pages")
    def top(site_: Host = "", language: Text = "", limit: Limit = views.STEP) -> list[dict[str, Any]]:
        with site.lookup() as searcher:
            rows = searcher.top(site=site_, language=language, limit=limit)
        return [{"keyword": phrase, "pages": pages} for phrase, pages in rows]

    @app.get("/api/suggest", summary="Keywords that start with some letters")
    def suggest(start: Text, limit: Limit = views.STEP) -> list[dict[str, Any]]:
        with site.lookup() as searcher:
            return [{"keyword": phrase, "pages": pages} for phrase, pages in searcher.suggestions(start, limit)]

    @app.get("/api/rejected", summary="Pages that could not be read, and why")
    def rejected(reason: Text = "", part: Text = "", limit: Limit = views.STEP) -> dict[str, Any]:
        with site.lookup() as searcher:
            reasons = overview.reasons(searcher.database, part)
            wanted = [one.name for one in reasons if reason in ("", one.name)]
            rows = [row._asdict() for name in wanted for row in overview.rejections(searcher.database, name, part, limit)]
        return {"reasons": dict(reasons), "rejected": rows}

    @app.get("/api/runs", summary="The runs that were loaded, the last one first")
    def runs() -> list[dict[str, Any]]:
        with site.lookup() as searcher:
            return [one._asdict() for one in overview.runs(searcher.database)]

    @app.get("/api/stats", summary="Numbers of pages, keywords, rejected pages and runs")
    def stats() -> dict[str, Any]:
        with site.lookup() as searcher:
            return searcher.stats()
