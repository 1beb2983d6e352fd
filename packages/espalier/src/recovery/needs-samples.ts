import { EspalierError } from "../errors.js";

/** The error of an allocation that was given nothing to look at. */
export function needsSamples(allocation: string): EspalierError {
  const message = `the allocation ${allocation} looks at what the weights' inputs do: give samples (--samples)`;
  return new EspalierError("usage", message);
}
