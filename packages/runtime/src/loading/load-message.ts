import type { Backend, Optimization } from "../runner.js";
import type { RunnerErrorCode } from "../runner-error.js";

/** What a fresh process is asked to load. */
export interface LoadTask {
  readonly path: string;
  readonly backend: Backend;
  readonly optimization: Optimization;
}

/** What it answers, once, before it ends. */
export type LoadAnswer =
  | { readonly ok: true; readonly milliseconds: number; readonly peakBytes?: number }
  | {
      readonly ok: false;
      /** Absent for an error that is none of ours. */
      readonly code?: RunnerErrorCode;
      readonly message: string;
    };
