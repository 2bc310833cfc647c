"""`python -m app`: serves until SIGTERM or SIGINT, then finishes what is running."""

import logging
import os
import signal
import sys

import uvicorn

from app.config import Config, ConfigError, load_config, usable_cores
from app.limits import forbid_core_dumps
from app.logs import set_up_logging
from app.main import create_app

log = logging.getLogger("analyzer")

# Longer than any client keeps an idle connection: else it would send a request into a closing one.
_KEEP_ALIVE_S = 120


def main() -> int:
    """Serves; returns the exit code: 0 after a clean shutdown, 2 if a setting is wrong."""
    try:
        config = load_config(os.environ, usable_cores())
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    set_up_logging(config.log_level)
    forbid_core_dumps()
    # Uvicorn raises the signal again when it has shut down; a clean end is not a death by signal.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = uvicorn.Server(_uvicorn_config(config))
    fields = {"listen": f"{config.host}:{config.port}", "slots": config.slots}
    log.info("starting", extra={"fields": fields})
    server.run()
    log.info("stopped")
    return 0 if server.started else 1


def _uvicorn_config(config: Config) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(config),
        host=config.host,
        port=config.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,  # the root logger's, see app.logs
        access_log=False,  # app.edge logs each answer, with what it knows
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(config.shutdown_grace_s)),
    )


if __name__ == "__main__":
    sys.exit(main())
