import { resolve } from "node:path";
import { EspalierError, type EspalierErrorCode } from "./errors.js";

/**
 * The default export of a module of the user's, JavaScript or TypeScript; `.json` gives its value.
 *
 * @param what it is, for the message: `the metric`
 * @param code of the error where it cannot be loaded
 * @throws {EspalierError} with that code
 */
export async function loadModule(path: string, what: string, code: EspalierErrorCode = "input"): Promise<unknown> {
  try {
    // Node 20 runs no TypeScript by itself; loaded late, because few commands need it.
    const { createJiti } = await import("jiti");
    return await createJiti(import.meta.url).import(resolve(path), { default: true });
  } catch (cause) {
    // The lines behind the first are the loader's own affairs: who required it, and from where.
    const [reason] = (cause as Error).message.split("\n");
    throw new EspalierError(code, `cannot load ${what} ${path}: ${reason}`, { cause });
  }
}
