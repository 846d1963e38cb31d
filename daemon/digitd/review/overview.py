"""The first page, and that of a result: for who only looks. Nothing is changed here, and nothing leased."""

import time
from datetime import date, datetime, timedelta

import anyio.to_thread
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from digitd import report
from digitd.database import reading
from digitd.results import Status
from digitd.review import views
from digitd.review.assets import Assets
from digitd.review.day import Day, day_of, seen_on
from digitd.review.desk import Desk, Filter, Found
from digitd.review.guard import ACCESS
from digitd.review.plots import plots_of
from digitd.review.security import Access
from digitd.settings import Settings

SHOWN = 24
"""Results on the first page."""
FRESH_SECONDS = 2.0
"""For so long what a look at disks, inbox and journal found is shown again: many pages may be open."""
FIELD_MOST = 200
"""Characters of a filter."""
SEQ_DIGITS = 18


class Overview:
    """What is shown to who looks."""

    def __init__(self, settings: Settings, desk: Desk, assets: Assets) -> None:
        self._settings, self._desk, self._assets = settings, desk, assets
        self._looked: tuple[float, report.Report, Day] | None = None

    async def show(self, request: Request) -> Response:
        """Figures, plots, the last results, filters."""
        return await anyio.to_thread.run_sync(self._show, request)

    async def result(self, request: Request) -> Response:
        """Everything of one result."""
        return await anyio.to_thread.run_sync(self._result, request)

    def refused(self, why: str) -> Response:
        """A page that says why there is none."""
        return self._page("message.html", 403, title="Not here", message=why)

    def _page(self, template: str, status: int = 200, **shown: object) -> Response:
        return HTMLResponse(self._assets.page(template, **shown), status, headers={"cache-control": "no-store"})

    def _show(self, request: Request) -> Response:
        query = request.query_params
        fields = {name: query.get(name, "")[:FIELD_MOST] for name in ("status", "folder", "since", "until", "text")}
        wanted, wrong = filter_of(fields)
        before = _before(query)
        found = self._desk.search(wanted, before, SHOWN) if wrong is None else Found((), None)
        now, day = self._look()
        chosen = {name: value for name, value in fields.items() if value}
        return self._page(
            "overview.html",
            200 if wrong is None else 400,
            now=now,
            counts=self._desk.counts(),
            plots=plots_of(day),
            day=day,
            items=found.items,
            older=None if found.before is None else {**chosen, "before": str(found.before)},
            newest=before is None,
            fields=fields,
            filtered=bool(chosen),
            wrong=wrong,
            statuses=views.ORDER_OF_STATUSES,
            may_review=request.scope[ACCESS] is Access.REVIEW,
            views=views,
        )

    def _look(self) -> tuple[report.Report, Day]:
        moment = time.monotonic()
        if self._looked is None or moment - self._looked[0] > FRESH_SECONDS:
            midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
            with reading(self._settings.state.path) as journal:
                day = day_of(()) if journal is None else day_of(*seen_on(journal, midnight))
            self._looked = moment, report.report(self._settings), day
        return self._looked[1], self._looked[2]

    def _result(self, request: Request) -> Response:
        item = self._desk.item(request.path_params["key"])
        if item is None:
            return self._page("message.html", 404, title="Not found", message="No such result is remembered.")
        return self._page(
            "result.html",
            item=item,
            result=item.result,
            sheets=views.sheets_of(item),
            verified=views.verified_of(item.result),
            supersedes=views.supersedes_of(item.result),
            may_review=request.scope[ACCESS] is Access.REVIEW,
            views=views,
        )


def filter_of(fields: dict[str, str]) -> tuple[Filter, str | None]:
    """What is searched for, and what is wrong with it (then nothing is). Dates are those of this machine's clock."""
    try:
        status = Status(fields["status"]) if fields["status"] else None
        since = _midnight(fields["since"])
        until = _midnight(fields["until"], days=1)
    except (ValueError, OverflowError):
        return Filter(), "A status is one of the list, and a date such as 2026-01-31."
    return (
        Filter(
            statuses=None if status is None else frozenset({status}),
            folder=fields["folder"].strip() or None,
            since=since,
            until=until,
            text=fields["text"].strip() or None,
        ),
        None,
    )


def _midnight(day: str, days: int = 0) -> float | None:
    if not day:
        return None
    begins = date.fromisoformat(day) + timedelta(days=days)
    return datetime(begins.year, begins.month, begins.day).timestamp()


def _before(query: QueryParams) -> int | None:
    given = query.get("before", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= SEQ_DIGITS else None
