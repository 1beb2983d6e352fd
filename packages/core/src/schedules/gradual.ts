import { type RampOptions, ramp } from "./ramp.js";
import type { Schedule } from "./schedule.js";

/**
 * A straight climb: `s(t) = final + (initial − final) · (1 − (t − start) / (end − start))`, clamped outside.
 *
 * @throws {CoreError} `invalid-schedule` on `end < start`, `final < initial`, steps that are no integers from 0, a frequency
 * below 1; `invalid-sparsity`
 */
export function gradual(options: RampOptions): Schedule {
  return ramp(options, (done) => 1 - done);
}
