import { resolve } from "node:path";
import { EspalierError } from "./errors.js";

/**
 * The default export of a module of the user's, JavaScript or TypeScript; `.json` gives its value.
 *
 * @param what it is, for the message: `the metric`
 * @throws {EspalierError} `input` when it cannot be loaded
 */
export async function loadModule(path: string, what: string): Promise<unknown> {
  try {
    // Node 20 runs no TypeScript by itself; loaded late, because few commands need it.
    const { createJiti } = await import("jiti");
    return await createJiti(import.meta.url).import(resolve(path), { default: true });
  } catch (cause) {
    // The lines behind the first are the loader's own affairs: who required it, and from where.
    const [reason] = (cause as Error).message.split("\n");
    throw new EspalierError("input", `cannot load ${what} ${path}: ${reason}`, { cause });
  }
}
