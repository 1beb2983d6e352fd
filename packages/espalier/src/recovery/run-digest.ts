import { createHash } from "node:crypto";
import { digestSamples, fingerprintModel } from "@espalier/calibrate";
import { resolvePattern } from "@espalier/core";
import type { Model, PrunableWeight } from "@espalier/onnx";
import { VERSION } from "../version.js";
import type { RecoveryRequest } from "./prune-and-recover.js";

/** A digest of everything that the solutions of a run depend on: 64 hex digits. */
export function runDigest(model: Model, weights: readonly PrunableWeight[], request: RecoveryRequest): string {
  const { criterion, pattern, recover, allocation, schedule, steps, batch, damping, mask, samples } = request;
  const { spec, sparsity, group } = resolvePattern(pattern, criterion);
  const asked = {
    ...{ version: VERSION, criterion: criterion.name, seed: "seed" in criterion ? criterion.seed : undefined },
    ...{ spec, sparsity, group, recover, allocation, schedule, steps, batch, damping, mask },
    weights: weights.map(({ name }) => name),
  };
  const parts = [JSON.stringify(asked), JSON.stringify(fingerprintModel(model)), digestSamples(samples)];
  return createHash("sha256").update(parts.join("\n")).digest("hex");
}
