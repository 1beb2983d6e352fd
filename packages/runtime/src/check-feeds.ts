import { RunnerError } from "./runner-error.js";
import type { Tensor, ValueInfo } from "./tensor.js";
import { tensorMisfit } from "./tensor-misfit.js";

/**
 * Checks one feed against a model's inputs: every input is there, nothing else is, and each tensor has the dtype, the
 * rank, the fixed sizes and the number of elements that the model states.
 *
 * @param feeds input name → tensor
 * @param inputs `runner.inputs`
 * @throws {RunnerError} `bad-input` with `input`, `expected` and `found` in its context
 */
export function checkFeeds(feeds: Readonly<Record<string, Tensor>>, inputs: readonly ValueInfo[]): void {
  const known = new Set(inputs.map((info) => info.name));
  const unknown = Object.keys(feeds).find((name) => !known.has(name));
  if (unknown !== undefined) {
    const expected = `one of ${quoteAll(known)}`;
    throw new RunnerError("bad-input", `The model has no input ${JSON.stringify(unknown)}; expected ${expected}.`, {
      input: unknown,
      expected,
      found: unknown,
    });
  }
  for (const info of inputs) checkFeed(info, Object.hasOwn(feeds, info.name) ? feeds[info.name] : undefined);
}

function checkFeed(info: ValueInfo, tensor: Tensor | undefined): void {
  const misfit =
    tensor === undefined ? { expected: "a tensor for every input", found: "none" } : tensorMisfit(info, tensor);
  if (misfit === undefined) return;
  const message = `Input ${JSON.stringify(info.name)}: expected ${misfit.expected}, found ${misfit.found}.`;
  throw new RunnerError("bad-input", message, { input: info.name, ...misfit });
}

/** `"a", "b"`, for messages. */
export function quoteAll(names: Iterable<string>): string {
  return [...names].map((name) => JSON.stringify(name)).join(", ") || "none";
}
