"""Holds the secrets of compose.yaml together: run from the root of the repository.

Every container is given the secrets that its program reads, and no others: what decodes the photos of
strangers is given none. Prints what is amiss and exits with 1.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

SETTINGS = Path("docs/configuration.md")
# Secrets that the table of settings does not mark: their values come from files, or name them.
FILES = {"FCM_SERVICE_ACCOUNT", "FCM_SERVICE_ACCOUNT_FILE"}
SECRET = re.compile(r"^\| `([A-Z0-9_]+)` \*or `_FILE`\* \|[^|]*\|[^|]*\| ([a-z, ]+) \|")


def read_secrets() -> dict[str, set[str]]:
    """The programs that read each secret, from the page that is generated from the typed settings."""
    rows = filter(None, map(SECRET.match, SETTINGS.read_text().splitlines()))
    found = {row[1]: set(row[2].split(", ")) for row in rows}
    if not {"DATABASE_URL", "TOKEN_KEYS"} <= found.keys():
        raise SystemExit(f"{SETTINGS}: the secrets cannot be read")
    return found | {name: {"api"} for name in FILES}


READERS = read_secrets()
SECRETS = set(READERS)
NEEDED = {
    "analyzer": set(),
    "migrate": {"DATABASE_URL", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"},
    "worker": {name for name, programs in READERS.items() if "worker" in programs},
    "api": {name for name, programs in READERS.items() if "api" in programs},
}


def given(service: dict) -> set[str]:
    """The secrets that a service is given: all of the file's, but those that its own variables make empty."""
    environment = service.get("environment", {})
    of_files = SECRETS if service.get("env_file") else set()
    own = {name for name, value in environment.items() if name in SECRETS and value}
    empty = {name for name, value in environment.items() if not value}
    return (of_files - empty) | own


def faults(services: dict[str, dict]) -> Iterator[str]:
    """Secrets that a service does not need."""
    for name, needed in NEEDED.items():
        unneeded = given(services[name]) - needed
        if unneeded:
            yield f"{name}: is given {', '.join(sorted(unneeded))}"


def main() -> int:
    """Prints the faults; 1 if there are any."""
    found = list(faults(yaml.safe_load(Path("compose.yaml").read_text())["services"]))
    for fault in found:
        sys.stderr.write(f"compose.yaml: {fault}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
