import { accuracy } from "./accuracy.js";
import { backends } from "./backends.js";
import { bytes } from "./bytes.js";
import { certificate } from "./certificate.js";
import type { CheckDefinition } from "./check-definition.js";
import { idempotent } from "./idempotent.js";
import { keptWeights } from "./kept-weights.js";
import { loads } from "./loads.js";
import { outputs } from "./outputs.js";
import { pattern } from "./pattern.js";
import { record } from "./record.js";
import { repeatable } from "./repeatable.js";
import { restUnchanged } from "./rest-unchanged.js";
import { sparsity } from "./sparsity.js";
import { speedup } from "./speedup.js";

/** Every check, in the order in which they run and are reported: what is read first, what is run last. Some run only when asked for. */
export const CHECKS: readonly CheckDefinition[] = Object.freeze([
  pattern,
  sparsity,
  keptWeights,
  restUnchanged,
  record,
  certificate,
  idempotent,
  repeatable,
  loads,
  outputs,
  backends,
  accuracy,
  bytes,
  speedup,
]);
