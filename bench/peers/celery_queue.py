"""A job queue as it is usually built: Celery, with a concurrency that somebody sets by hand.

`celery -A celery_queue worker -P threads -c N` works on the jobs; `uvicorn celery_queue:front` takes requests
and holds each until its job is done, so that it can be measured like the others.
Reads `REDIS_URL` and `ANALYZER_URL`.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx
import redis
import redis.asyncio
from celery import Celery
from fastapi import FastAPI, Request, Response

REDIS_URL = os.environ["REDIS_URL"]
ANALYZE = os.environ["ANALYZER_URL"] + "/analyze-color"
DONE = "done"
PHOTO = b"\xff\xd8\xff\xe0" + bytes(500_000)
PATIENCE_S = 300

jobs = Celery("peer", broker=REDIS_URL)
jobs.conf.update(
    task_acks_late=True,  # as durable as ours: a job is acknowledged when it is done
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)
analyzer = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=None))
done = redis.Redis.from_url(REDIS_URL)


@jobs.task(name="analyze", max_retries=0)
def analyze(job: str) -> None:
    """Sends one photo to the analyzer and tells the front of it."""
    answer = analyzer.post(ANALYZE, data={"user_id": "0"}, files={"file": ("photo", PHOTO, "image/jpeg")})
    done.publish(DONE, f"{job} {answer.status_code}")


waiting: dict[str, asyncio.Future[int]] = {}


async def _hear() -> None:
    async with redis.asyncio.Redis.from_url(REDIS_URL).pubsub() as messages:
        await messages.subscribe(DONE)
        async for message in messages.listen():
            if message["type"] == "message":
                job, status = message["data"].decode().split()
                if (future := waiting.get(job)) and not future.done():
                    future.set_result(int(status))


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    hearing = asyncio.create_task(_hear())
    yield
    hearing.cancel()


front = FastAPI(lifespan=_lifespan)


@front.get("/readyz")
async def check_readiness() -> Response:
    """Whether a worker answers."""
    answers = await asyncio.to_thread(jobs.control.ping, timeout=1)
    return Response(status_code=200 if answers else 503)


@front.post("/analyze-color")
async def hold(request: Request) -> Response:
    """Takes a photo, and answers when its job is done."""
    async for _ in request.stream():
        pass
    job = uuid4().hex
    future = waiting[job] = asyncio.get_running_loop().create_future()
    try:
        await asyncio.to_thread(analyze.apply_async, (job,))
        async with asyncio.timeout(PATIENCE_S):
            return Response(status_code=await future)
    finally:
        del waiting[job]
