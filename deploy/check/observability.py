"""Holds alerts, runbook and documentation together; run from the root of the repository.

Every alert has a severity, a summary, a description and a link to its section of docs/runbook.md; every
section belongs to an alert; every alert is raised in deploy/prometheus/tests.yaml. With --metrics also:
every metric of ours that rules or dashboard ask for is in docs/operations.md. Prints what is amiss and
exits with 1.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

RULES = Path("deploy/prometheus/alerts.yaml")
TESTS = Path("deploy/prometheus/tests.yaml")
RUNBOOK = Path("docs/runbook.md")
DASHBOARD = Path("deploy/grafana/toneup.json")
METRICS = Path("docs/operations.md")


def rules() -> list[dict]:
    """All rules, recording ones too."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def faults_of_alerts(alerts: list[dict]) -> Iterator[str]:
    """What alerts lack."""
    sections = re.findall(r"^## (ToneUp\w+)$", RUNBOOK.read_text(), re.MULTILINE)
    raised = TESTS.read_text()
    for alert in alerts:
        name, notes = alert["alert"], alert.get("annotations", {})
        for missing in {"summary", "description", "runbook_url"} - notes.keys():
            yield f"{name}: no {missing}"
        if alert.get("labels", {}).get("severity") not in {"warning", "critical"}:
            yield f"{name}: severity is neither warning nor critical"
        if notes.get("runbook_url") != f"{RUNBOOK}#{name.lower()}":
            yield f"{name}: runbook_url is not {RUNBOOK}#{name.lower()}"
        if name not in sections:
            yield f"{name}: no section in {RUNBOOK}"
        if f'alertname="{name}"' not in raised:
            yield f"{name}: no test raises it"
    for section in sections:
        if section not in {alert["alert"] for alert in alerts}:
            yield f"{RUNBOOK}: {section} is no alert"


def expressions(node: object) -> Iterator[str]:
    """Every query of the dashboard."""
    if isinstance(node, dict):
        if isinstance(node.get("expr"), str):
            yield node["expr"]
        for value in node.values():
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


def faults_of_dashboard(board: dict, recorded: set[str]) -> Iterator[str]:
    """Panels without a title or a query, ids given twice, recorded series that nobody records."""
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    ids = [panel["id"] for panel in board["panels"]]
    if len(ids) != len(set(ids)):
        yield f"{DASHBOARD}: an id is given twice"
    for panel in panels:
        if not panel.get("title") or not list(expressions(panel)):
            yield f"{DASHBOARD}: panel {panel['id']} has no title or no query"
    for expression in expressions(board):
        for name in re.findall(r"toneup:[a-z0-9_:]+", expression):
            if name not in recorded:
                yield f"{DASHBOARD}: {name} is not recorded"


def faults_of_metrics(queries: list[str]) -> Iterator[str]:
    """Metrics that are asked for and not documented."""
    known = METRICS.read_text()
    names = {name for query in queries for name in re.findall(r"\b(?:toneup|analyzer)_[a-z0-9_]+", query)}
    for name in sorted(re.sub(r"_(bucket|sum|count)$", "", name) for name in names):
        if not re.search(rf"\b{name}\b", known):
            yield f"{METRICS}: {name} is used and not documented"


def main() -> int:
    """Prints the faults; 1 if there are any."""
    everything = rules()
    board = json.loads(DASHBOARD.read_text())
    faults = list(faults_of_alerts([rule for rule in everything if "alert" in rule]))
    faults += faults_of_dashboard(board, {rule["record"] for rule in everything if "record" in rule})
    if "--metrics" in sys.argv[1:]:
        faults += faults_of_metrics([rule["expr"] for rule in everything] + list(expressions(board)))
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
