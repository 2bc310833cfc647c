"""Holds the rendered chart together; reads the files that are named, run from the root of the repository.

What no schema can see: every selector finds pods, every probe a port, every target its object; every
variable is a setting of .env.example; every pod may run under the restricted policy, has bounds, and is
given the time to end that its settings promise. Prints what is amiss and exits with 1.
"""

import itertools
import sys
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

import yaml

EXAMPLE = Path(".env.example")
# The operator's secret, of which AMQP_URL is made.
NO_SETTINGS = {"AMQP_USERNAME", "AMQP_PASSWORD"}
# What a program takes beyond its grace: API_SHUTDOWN_GRACE and so on, and 3 s for handing back.
HANDING_BACK_S = 3
GRACES = {"API_DRAIN_DELAY", "API_SHUTDOWN_GRACE", "WORKER_SHUTDOWN_GRACE", "ANALYZER_SHUTDOWN_GRACE"}
# Where webhooks may not lead, and where they may.
PRIVATE = ("10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "fd00::1")
PUBLIC = ("198.41.0.4", "2001:500:200::b")

Manifest = dict


def name_of(manifest: Manifest) -> str:
    """Kind and name."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def workloads(manifests: list[Manifest]) -> list[Manifest]:
    """What makes pods of ours."""
    return [manifest for manifest in manifests if manifest["kind"] in {"Deployment", "Job"}]


def pod_of(workload: Manifest) -> dict:
    """A pod's specification."""
    return workload["spec"]["template"]["spec"]


def selectors(manifest: Manifest) -> Iterator[dict]:
    """The labels by which a manifest, or anything in it, chooses pods of ours."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Service":
        yield spec["selector"]
    elif manifest["kind"] in {"Deployment", "PodDisruptionBudget", "PodMonitor"}:
        yield spec["selector"]["matchLabels"]
    elif manifest["kind"] == "NetworkPolicy":
        yield spec["podSelector"]["matchLabels"]
        rules = [*spec.get("ingress", []), *spec.get("egress", [])]
        peers = [peer for rule in rules for peer in [*rule.get("from", []), *rule.get("to", [])]]
        yield from (peer["podSelector"]["matchLabels"] for peer in peers if "podSelector" in peer)


def faults_of_selectors(manifests: list[Manifest]) -> Iterator[str]:
    """Selectors that find nobody."""
    pods = [work["spec"]["template"]["metadata"]["labels"].items() for work in workloads(manifests)]
    brokers = {m["metadata"]["name"] for m in manifests if m["kind"] == "RabbitmqCluster"}
    for manifest in manifests:
        for labels in selectors(manifest):
            ours = any(labels.items() <= pod for pod in pods)
            if not ours and labels.get("app.kubernetes.io/name") not in brokers:
                yield f"{name_of(manifest)}: no pod has the labels {labels}"


def faults_of_targets(manifests: list[Manifest]) -> Iterator[str]:
    """References to what is not there."""
    names = {name_of(manifest) for manifest in manifests}
    for manifest in manifests:
        spec = manifest.get("spec", {})
        target = spec.get("scaleTargetRef")
        if target and f"{target.get('kind', 'Deployment')}/{target['name']}" not in names:
            yield f"{name_of(manifest)}: scales {target['name']}, which is not there"
        for rule in spec.get("rules", []) if manifest["kind"] == "Ingress" else []:
            for path in rule["http"]["paths"]:
                if f"Service/{path['backend']['service']['name']}" not in names:
                    yield f"{name_of(manifest)}: no such service"


def faults_of_container(container: dict, settings: set[str]) -> Iterator[str]:
    """A container that asks for too much, has no bound, or is told what it does not know."""
    security = container["securityContext"]
    if security != {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }:
        yield f"is allowed more than it needs: {security}"
    resources = container["resources"]
    if not {"cpu", "memory"} <= resources["requests"].keys() or "memory" not in resources["limits"]:
        yield "has no requests for cpu and memory, or no limit of memory"
    variables = [variable["name"] for variable in container["env"]]
    if len(variables) != len(set(variables)):
        yield "is told something twice"
    for unknown in set(variables) - settings - NO_SETTINGS:
        yield f"{unknown} is no setting of {EXAMPLE}"
    ports = {port["name"] for port in container.get("ports", [])}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        if probe in container and container[probe]["httpGet"]["port"] not in ports:
            yield f"{probe} asks a port that is not there"


def faults_of_pods(manifests: list[Manifest]) -> Iterator[str]:
    """Pods that the restricted policy would refuse, or that are killed before they have ended."""
    lines = EXAMPLE.read_text().splitlines()
    settings = {line.split("=", 1)[0] for line in lines if "=" in line and not line.startswith("#")}
    for workload in workloads(manifests):
        pod, name = pod_of(workload), name_of(workload)
        security = pod["securityContext"]
        if not security["runAsNonRoot"] or security["seccompProfile"]["type"] != "RuntimeDefault":
            yield f"{name}: may be root, or make any system call"
        if pod["automountServiceAccountToken"]:
            yield f"{name}: is given a token"
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            for fault in faults_of_container(container, settings):
                yield f"{name}, {container['name']}: {fault}"
            graces = [v["value"] for v in container["env"] if v["name"] in GRACES]
            wanted = sum(int(grace.removesuffix("s")) for grace in graces) + HANDING_BACK_S
            if graces and pod["terminationGracePeriodSeconds"] < wanted:
                yield f"{name}: is killed after {pod['terminationGracePeriodSeconds']} s, wants {wanted} s"


def admits(rule: dict, address: str, port: int) -> bool:
    """Whether a rule of a policy's egress lets TCP out to an address."""
    ports = rule.get("ports")
    named = [p for p in ports or [] if p.get("protocol", "TCP") == "TCP"]
    if ports is not None and not any(p["port"] <= port <= p.get("endPort", p["port"]) for p in named):
        return False
    if not rule.get("to"):
        return True
    blocks = [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]
    target = ip_address(address)
    return any(
        target in ip_network(block["cidr"])
        and not any(target in ip_network(network) for network in block.get("except", []))
        for block in blocks
    )


def faults_of_egress(manifests: list[Manifest]) -> Iterator[str]:
    """Receivers that the api cannot reach, or private addresses that it can; traces that go nowhere."""
    policies = [manifest["spec"] for manifest in manifests if manifest["kind"] == "NetworkPolicy"]
    for workload in workloads(manifests):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        name, component = name_of(workload), labels["app.kubernetes.io/component"]
        own = [spec for spec in policies if spec["podSelector"]["matchLabels"].items() <= labels.items()]
        rules = [rule for spec in own for rule in spec.get("egress", [])]
        collector = [
            urlsplit(variable["value"])
            for container in pod_of(workload)["containers"]
            for variable in container["env"]
            if variable["name"] == "OTEL_EXPORTER_OTLP_ENDPOINT"
        ]
        for url in collector if rules and component != "analyzer" else []:
            port = url.port or (443 if url.scheme == "https" else 80)
            if not any(port in [p["port"] for p in rule.get("ports", [])] for rule in rules):
                yield f"{name}: its traces cannot reach port {port}"
        if component != "api" or not rules:
            continue
        for address, port in itertools.product(PRIVATE, (80, 443, 8443)):
            if any(admits(rule, address, port) for rule in rules):
                yield f"{name}: reaches {address}:{port}"
        for address, port in itertools.product(PUBLIC, (443, 8443)):
            if not any(admits(rule, address, port) for rule in rules):
                yield f"{name}: does not reach {address}:{port}"


def faults_of_probes(manifests: list[Manifest]) -> Iterator[str]:
    """Probes that restart a pod because another is away."""
    for workload in workloads(manifests):
        for container in pod_of(workload)["containers"]:
            for probe in ("startupProbe", "livenessProbe"):
                path = container.get(probe, {}).get("httpGet", {}).get("path", "/healthz")
                if path != "/healthz":
                    yield f"{name_of(workload)}: {probe} asks {path}, and for more than life"


def main() -> int:
    """Prints the faults; 1 if there are any."""
    faults = []
    for file in sys.argv[1:]:
        manifests = [manifest for manifest in yaml.safe_load_all(Path(file).read_text()) if manifest]
        for find in (
            faults_of_selectors,
            faults_of_targets,
            faults_of_pods,
            faults_of_egress,
            faults_of_probes,
        ):
            faults += [f"{Path(file).stem}: {fault}" for fault in find(manifests)]
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    return 1 if faults or len(sys.argv) == 1 else 0


if __name__ == "__main__":
    sys.exit(main())
