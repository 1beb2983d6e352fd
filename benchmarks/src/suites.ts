import { calibrate } from "./calibrate/calibrate.js";
import { exportFormats } from "./export/export.js";
import { exportModels } from "./export-models/export-models.js";
import { kernels } from "./kernels/kernels.js";
import { memory } from "./memory/memory.js";
import { ocr } from "./ocr/ocr.js";
import { recover } from "./recover/recover.js";
import type { Suite } from "./suite.js";
import { sweepSuite } from "./sweep/sweep.js";
import { useLite } from "./use-lite/use-lite.js";
import { verifySuite } from "./verify/verify.js";

/** All suites: those of docs/benchmarks.md in its order, then those of docs/recovering-accuracy.md. */
export const suites: readonly Suite[] = [
  kernels,
  memory,
  calibrate,
  recover,
  useLite,
  ocr,
  exportFormats,
  exportModels,
  verifySuite,
  sweepSuite,
];
