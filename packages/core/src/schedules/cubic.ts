import { type RampOptions, ramp } from "./ramp.js";
import type { Schedule } from "./schedule.js";

/**
 * Fast at first, slowly at the end, when few weights are left to take over:
 * `s(t) = final + (initial − final) · (1 − (t − start) / (end − start))³`, clamped outside.
 *
 * @throws {CoreError} `invalid-schedule` on `end < start`, `final < initial`, steps that are no integers from 0, a frequency
 * below 1; `invalid-sparsity`
 * @see Zhu & Gupta 2017, arXiv:1710.01878, eq. 1
 */
export function cubic(options: RampOptions): Schedule {
  // Multiplied out: the language lets engines differ in the last bit of a power.
  return ramp(options, (done) => (1 - done) * (1 - done) * (1 - done));
}
