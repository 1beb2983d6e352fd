import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Metric } from "@espalier/verify";
import { EspalierError } from "./errors.js";

/**
 * The metric that a module exports as its default.
 *
 * @throws {EspalierError} `input` when the module cannot be loaded or exports no function
 */
export async function loadMetric(path: string): Promise<Metric> {
  let metric: unknown;
  try {
    metric = (await import(pathToFileURL(resolve(path)).href)).default;
  } catch (error) {
    throw new EspalierError("input", `cannot load the metric ${path}: ${(error as Error).message}`, { cause: error });
  }
  if (typeof metric === "function") return metric as Metric;
  throw new EspalierError("input", `the default export of ${path} is no function (outputs, label, sample) => score`);
}
