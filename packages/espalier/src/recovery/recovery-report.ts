import type { RecoveredWeight, RecoveryMethod, Step } from "@espalier/recover";

/** What compensation did. */
export interface RecoveryReport {
  readonly method: RecoveryMethod;
  /** The steps tried, with the output error after each; empty where there were no samples to judge by. */
  readonly steps: readonly Step[];
  readonly layers: readonly LayerRecovery[];
}

/** What compensation did to one weight. */
export interface LayerRecovery {
  readonly name: string;
  /** Relative squared error of its output before and after. */
  readonly errorBefore: number;
  readonly errorAfter: number;
  /** What a user should know, such as too few samples. */
  readonly warnings: readonly string[];
}

export function recoveryReport(
  method: RecoveryMethod,
  weights: ReadonlyMap<string, RecoveredWeight>,
  steps: readonly Step[],
): RecoveryReport {
  const layers = [...weights].map(([name, { report }]): LayerRecovery => {
    const { errorBefore, errorAfter, warnings } = report;
    return { name, errorBefore, errorAfter, warnings };
  });
  return { method, steps, layers };
}
