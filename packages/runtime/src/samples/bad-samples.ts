import { RunnerError, type RunnerErrorContext } from "../runner-error.js";

/**
 * The error of everything that reads samples.
 *
 * @param where what is being read: `calib.npz, entry "x.npy", byte 12`
 * @param what what was found, what was expected, what to do
 */
export function badSamples(where: string, what: string, context: RunnerErrorContext = {}): RunnerError {
  return new RunnerError("bad-samples", `${where}: ${what}`, context);
}
