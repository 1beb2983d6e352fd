import type { Metric } from "@espalier/verify";
import { EspalierError } from "./errors.js";
import { loadModule } from "./load-module.js";

/**
 * The metric that a module exports as its default.
 *
 * @throws {EspalierError} `input` when the module cannot be loaded or exports no function
 */
export async function loadMetric(path: string): Promise<Metric> {
  const metric = await loadModule(path, "the metric");
  if (typeof metric === "function") return metric as Metric;
  throw new EspalierError("input", `the default export of ${path} is no function (outputs, label, sample) => score`);
}
