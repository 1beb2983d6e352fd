import { isRunnerError } from "@espalier/runtime";
import type { Check } from "./check.js";
import { CHECKS } from "./checks/registry.js";
import { otherLatencies } from "./latency.js";
import { loadingOf } from "./loading.js";
import { requireValidOptions, type VerifyOptions } from "./options.js";
import { sizesOf } from "./sizes.js";
import type { Verification } from "./verification.js";
import { createContext, type VerifyContext } from "./verify-context.js";
import { isVerifyError, VerifyError } from "./verify-error.js";

/**
 * Judges a pruned model against its original: are the zeros where the pattern wants them, are there enough, is everything
 * else bit for bit as it was, does it load and run, and how far do its outputs move. It looks at bytes and outputs alone,
 * so it works for any pruner; with a pruning record it also checks what the record says.
 *
 * Weights are read one at a time. Running takes what the runtime takes for both models at once.
 *
 * @returns `failed` when any check failed, whatever is wrong with the pruned model; never a throw for that
 * @throws {VerifyError} `invalid-option`; `no-backend`; `no-samples`; `bad-sample` when the original does not run on a sample;
 *   `bad-labels`; `bad-metric`; with the checks that were finished before
 * @throws {OnnxError} when a tensor of either model cannot be read
 */
export async function verifyPruned(options: VerifyOptions): Promise<Verification> {
  requireValidOptions(options);
  const context = await createContext(options).catch((error: unknown) => {
    throw withChecks(error, []);
  });
  try {
    const checks = await runChecks(context);
    const sizes = await sizesOf(options);
    const latency = await context.latency();
    const elsewhere = await otherLatencies(options, context.execution);
    const loading = await loadingOf(options);
    return {
      status: checks.some((check) => check.status === "failed") ? "failed" : "passed",
      checks,
      ...sizes,
      ...(latency && { latency }),
      ...(elsewhere.length > 0 && { otherLatencies: elsewhere }),
      ...(loading && { loading }),
    };
  } finally {
    await context.execution.close();
  }
}

async function runChecks(context: VerifyContext): Promise<Check[]> {
  const checks: Check[] = [];
  const asked = CHECKS.filter(({ isAskedFor }) => isAskedFor?.(context.options) ?? true);
  for (const { name, run } of asked) {
    context.options.onProgress?.({ check: name, done: checks.length, total: asked.length });
    try {
      checks.push({ name, ...(await run(context)) });
    } catch (error) {
      throw withChecks(error, checks);
    }
  }
  return checks;
}

/** What stopped the verification, with what was found before; errors that are none of ours as they are. */
function withChecks(error: unknown, checks: readonly Check[]): unknown {
  if (isRunnerError(error, "backend-missing") || isRunnerError(error, "backend-failed")) {
    return new VerifyError("no-backend", error.message, { checks, cause: error });
  }
  if (!isVerifyError(error)) return error;
  const { code, message, sample, cause } = error;
  return new VerifyError(code, message, { checks, cause, ...(sample !== undefined && { sample }) });
}
