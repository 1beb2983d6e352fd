import type { Backend } from "@espalier/runtime";
import { InvalidArgumentError } from "commander";

/** What `--backend` takes. */
export const BACKENDS: readonly Backend[] = ["node", "web", "browser"];

/**
 * Adds the names of one `--backend a,b` to those before it, for commander.
 *
 * @throws {InvalidArgumentError} for a name that is none, or one that was there before
 */
export function addBackends(text: string, before: readonly Backend[] = []): readonly Backend[] {
  const names = [...before, ...text.split(",").map((name) => name.trim())];
  const unknown = names.find((name) => !BACKENDS.some((backend) => backend === name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`"${unknown}" is no backend: choose from ${BACKENDS.join(", ")}.`);
  }
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new InvalidArgumentError(`${twice} is named twice.`);
  return names as Backend[];
}
