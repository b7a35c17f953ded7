"""Estimate API: what targets would cost, before they are enqueued."""

from __future__ import annotations

from typing import Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from app.services.reports.estimate import estimate
from app.services.reports.estimate_basis import BasisFrom
from web.auth import OPERATIONS, api_router
from web.context import ContextOf
from web.envelope import answers, success
from web.jobs import InBatches, Refresh, Targets

router = api_router("/api/v1/estimates", "jobs", OPERATIONS)


class EstimateRequest(BaseModel):
    """What to estimate: `targets`, `refresh` and `economy` as for enqueueing."""

    model_config = ConfigDict(extra="forbid")

    targets: Targets
    refresh: Refresh = False
    economy: InBatches = False


class PagesView(BaseModel):
    """How many pages one target takes: the least, the median and the most of those that it is judged by."""

    least: float
    median: float
    most: float


class BasisView(BaseModel):
    """What so many `targets` of a kind are judged by. `from` is `history` (as many `samples` of the kind that were done
    before), `recipe` (what recipes of these sites left to a model), `sources` (what `sources.toml` has for such
    addresses) or `typical` (pages that we know). `sources` names those of addresses, null for URLs. `model_calls` and
    `web_searches` are those of one target, on average."""

    model_config = ConfigDict(populate_by_name=True)

    targets: int
    of: Literal["urls", "addresses"]
    sources: list[str] | None
    from_: BasisFrom = Field(alias="from")
    samples: int
    pages: PagesView
    model_calls: float
    web_searches: float


class RangesView(BaseModel):
    """Between what each figure lies nine times in ten; `usd` is lacking where no price is known."""

    pages: tuple[int, int]
    model_calls: tuple[int, int]
    web_searches: tuple[int, int]
    tokens: tuple[int, int]
    usd: tuple[float, float] | None = None


class EstimateView(BaseModel):
    """What the targets would come to, about: `jobs` that are new, and the `pages`, `model_calls`, `web_searches`,
    `tokens` and `usd` (null: no price of the model is known) that these take. `cached_share` (0 to 1) of the input is
    priced as cached, as it was lately. `ranges` is null unless targets of all kinds among them were done before;
    `bases` says what each kind is judged by.

    `minutes` is the least that it takes: by the keys' limits (null: not known yet), or by the pace at `slowest_host`.
    `basis_pages` is how many stored pages URLs are judged by.
    """

    targets: int
    jobs: int
    duplicates: int
    addresses: int
    pages: int
    model: str
    model_calls: int
    web_searches: int
    tokens: int
    usd: float | None
    cached_share: float
    ranges: RangesView | None
    minutes: float | None
    slowest_host: str
    basis_pages: int
    bases: list[BasisView]
    economy: bool


@router.post(
    "",
    summary="What targets would cost",
    responses=answers(EstimateView, 415, 422),
)
def estimate_targets(request: EstimateRequest, context: ContextOf) -> JSONResponse:
    """Nothing is enqueued, fetched or asked."""
    found = estimate(
        context.stores.database,
        context.keys,
        context.settings,
        request.targets,
        refresh=request.refresh,
        economy=request.economy,
    )
    return success(found.as_json())
