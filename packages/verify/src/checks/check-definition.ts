import type { Check } from "../check.js";
import type { VerifyOptions } from "../options.js";
import type { VerifyContext } from "../verify-context.js";

/** What a check finds, before its name is put on it. */
export type Finding = Check extends infer Each ? (Each extends Check ? Omit<Each, "name"> : never) : never;

/** A check as it is registered. To add one: a file in this folder and a line in `registry.ts`. */
export interface CheckDefinition {
  /** Stable, kebab-case; people refer to it in build logs. */
  readonly name: string;
  /** Whether the options ask for it; others do not hear of it. @default always */
  isAskedFor?(options: VerifyOptions): boolean;
  /**
   * Judges. Throws only when nothing can be judged at all: whatever is wrong with the pruned model is a finding.
   *
   * @throws {OnnxError} when a tensor cannot be read
   * @throws {VerifyError} what `compareModels` throws
   */
  run(context: VerifyContext): Finding | Promise<Finding>;
}

/** A finding of a check that counts what is wrong: passed when that is nothing. */
export function noneAllowed(count: number, whenNone: string, whenSome: string): Finding {
  return count === 0
    ? { status: "passed", measured: 0, limit: 0, message: whenNone }
    : { status: "failed", measured: count, limit: 0, message: whenSome };
}

/** A finding of a check that could not judge. */
export function skipped(message: string): Finding {
  return { status: "skipped", measured: null, limit: null, message };
}

/** `2 weights`, `1 weight`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** A number for messages, to four digits. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}
