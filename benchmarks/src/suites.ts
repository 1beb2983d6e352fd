import { calibrate } from "./calibrate/calibrate.js";
import { kernels } from "./kernels/kernels.js";
import { memory } from "./memory/memory.js";
import type { Suite } from "./suite.js";

/** All suites, in the order of docs/benchmarks.md. */
export const suites: readonly Suite[] = [kernels, memory, calibrate];
