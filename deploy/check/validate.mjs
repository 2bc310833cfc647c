// Checks the resources of operators in rendered manifests (stdin) by the operators' own schemas; everything else is for
// kubernetes-validate. Prints what is wrong and exits with 1.
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";

const KNOWN = { ScaledObject, PodMonitor, PrometheusRule };

let bad = 0;
let checked = 0;
for (const document of parseAllDocuments(readFileSync(0, "utf8"))) {
  const manifest = document.toJS();
  const Model = KNOWN[manifest?.kind];
  if (!Model) continue;
  checked += 1;
  try {
    new Model(manifest).validate();
  } catch (error) {
    bad += 1;
    console.error(`${manifest.kind} ${manifest.metadata?.name}: ${error.message}`);
  }
}
console.log(`${checked} resources of operators checked`);
process.exit(bad > 0 ? 1 : 0);
