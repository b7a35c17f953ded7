"""Estimate API: what targets would cost, before they are enqueued."""

from __future__ import annotations

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from app.services.reports.estimate import estimate
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


class RecentJobsView(BaseModel):
    """How many jobs of the last seven days the cost is taken from; 0 means typical figures. A kind that is not among
    the new targets is left out."""

    urls: int | None = None
    addresses: int | None = None


class EstimateView(BaseModel):
    """`jobs` counts the new ones. `pages`, `model_calls` (web searches among them), `tokens`, and `usd` are what they
    would take; `usd` is null if no price of the model is known. `minutes` is a lower bound, from the limits of the keys
    (null: not known yet) and the delay at the host with the most URLs."""

    targets: int
    jobs: int
    duplicates: int
    pages: int
    model: str
    model_calls: int
    tokens: int
    usd: float | None
    minutes: float | None
    recent_jobs: RecentJobsView
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
