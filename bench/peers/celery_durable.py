"""Celery on RabbitMQ, set for durability: persistent messages, publisher confirms, late acknowledgements.

`celery -A celery_durable worker` works on the jobs; `python celery_durable.py` is the front: it accepts jobs
and pushes the results that the workers announce through Redis. Reads `AMQP_URL`, `REDIS_URL`, `REDIS_PREFIX`,
`DATABASE_URL`, `PORT`, and for the work `PHOTO_URL` and `ANALYZER_URL`.
"""

import asyncio
import json
import os
import queue
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pymysql
import redis
import redis.asyncio
import uvicorn
from celery import Celery
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

REDIS_URL = os.environ["REDIS_URL"]
DONE = os.environ["REDIS_PREFIX"] + "celery-done"
PHOTO_URL = os.environ.get("PHOTO_URL")
ANALYZER_URL = os.environ.get("ANALYZER_URL")
DATABASE = urlsplit(os.environ["DATABASE_URL"])

jobs = Celery("durable", broker=os.environ["AMQP_URL"])
jobs.conf.update(
    task_default_queue="overhead_celery",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=4,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    broker_transport_options={"confirm_publish": True},
    broker_pool_limit=32,
    broker_connection_retry_on_startup=True,
)
http = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=None))
done = redis.Redis.from_url(REDIS_URL)
idle: queue.LifoQueue[pymysql.Connection] = queue.LifoQueue()


@contextmanager
def lent() -> Iterator[pymysql.Connection]:
    """Lends a connection; one that fails is not given back."""
    try:
        connection = idle.get_nowait()
    except queue.Empty:
        connection = pymysql.connect(
            host=DATABASE.hostname,
            port=DATABASE.port or 3306,
            user=DATABASE.username,
            password=DATABASE.password or "",
            database=DATABASE.path[1:],
            autocommit=True,
        )
    yield connection
    idle.put(connection)


def work() -> str:
    """Takes the photo from S3 to the analyzer, if there is one."""
    if not (PHOTO_URL and ANALYZER_URL):
        return '{"greeting":"Hello, Ada!"}'
    photo = http.get(PHOTO_URL).raise_for_status().content
    answer = http.post(
        f"{ANALYZER_URL}/analyze-color", data={"user_id": "0"}, files={"file": ("photo", photo)}
    )
    return answer.raise_for_status().text


@jobs.task(name="analyze", max_retries=3)
def analyze(job: str, user: str) -> None:
    """Does one job: its result is a row before it is announced."""
    result = work()
    with lent() as connection, connection.cursor() as cursor:
        cursor.execute("INSERT IGNORE INTO peer_results VALUES (%s, %s, %s)", (job, user, result))
    done.publish(DONE, json.dumps({"id": job, "user": user}))


streams: dict[str, set[asyncio.Queue[str]]] = {}
publishers = ThreadPoolExecutor(8)


async def _hear() -> None:
    async with redis.asyncio.Redis.from_url(REDIS_URL).pubsub() as messages:
        await messages.subscribe(DONE)
        async for message in messages.listen():
            if message["type"] == "message":
                told = json.loads(message["data"])
                for stream in streams.get(told["user"], ()):
                    stream.put_nowait(told["id"])


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    with lent() as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS peer_results (id CHAR(36) PRIMARY KEY, user_id INT, result JSON)"
        )
    hearing = asyncio.create_task(_hear())
    yield
    hearing.cancel()


front = FastAPI(lifespan=_lifespan)


@front.get("/readyz")
async def check_readiness() -> Response:
    """The front serves."""
    return Response(status_code=204)


@front.post("/jobs/{user}")
async def submit(user: str) -> Response:
    """Accepts a job once the broker has confirmed it."""
    job = str(uuid4())
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(publishers, lambda: analyze.apply_async((job, user), task_id=job))
    return Response(json.dumps({"id": job}), status_code=202, media_type="application/json")


@front.get("/events/{user}")
async def watch(user: str) -> StreamingResponse:
    """Pushes the results of a user's."""
    mine: asyncio.Queue[str] = asyncio.Queue()
    streams.setdefault(user, set()).add(mine)

    async def told() -> AsyncIterator[str]:
        try:
            while True:
                yield f"data: {json.dumps({'id': await mine.get(), 'status': 'succeeded'})}\n\n"
        finally:
            streams[user].discard(mine)

    return StreamingResponse(told(), media_type="text/event-stream")


if __name__ == "__main__":
    uvicorn.run(front, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=False, log_level="warning")
