"""Puts the application together: gate, pool, routes, errors and their order of life."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.analyze.errors import ProblemError, internal, language_of, problem_response
from app.analyze.router import ANALYZE_PATH, router
from app.analyze.service import AnalyzeService
from app.config import Config
from app.edge import Edge
from app.gate import Gate
from app.metrics import Metrics
from app.pool import Pool, Worker


def create_app(config: Config) -> Edge:
    """Builds the application; its lifespan starts and stops the inference processes."""
    gate: Gate[Worker] = Gate(config.slots, config.waiters)
    pool = Pool(gate)
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.config = config
        app.state.pool = pool
        app.state.metrics = metrics
        app.state.service = AnalyzeService(gate, metrics, config.timeout_s, config.max_uploads)
        pool.start()
        yield
        await pool.stop()

    # No browsable page: FastAPI's loads its scripts from a CDN.
    app = FastAPI(title="ToneUp analyzer", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(router)
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(Exception, _on_bug)
    return Edge(app, gate, metrics)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this type only
    if request.url.path == ANALYZE_PATH:
        request.scope["timing"].outcome = error.code
    return problem_response(error, language_of(request))


async def _on_bug(request: Request, _: Exception) -> Response:
    """Answers for what nothing else caught; it is raised again, and logged by the edge."""
    return await _on_problem(request, internal())


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """Answers what the framework itself refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code, "INVALID_REQUEST")
    return await _on_problem(request, ProblemError(error.status_code, code, error.headers))
