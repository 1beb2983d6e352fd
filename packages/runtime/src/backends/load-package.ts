import { ortMessage } from "../ort/ort-message.js";
import { RunnerError } from "../runner-error.js";

/**
 * Imports a backend's package, which is an optional peer dependency.
 *
 * @param name package to name in messages
 * @throws {RunnerError} `backend-missing` when it is not installed, `backend-failed` when it does not start
 */
export async function loadPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (isMissing(name, cause)) {
      throw new RunnerError(
        "backend-missing",
        `${name} is not installed. Add it to your project: npm install ${name}`,
        {
          cause,
        },
      );
    }
    throw new RunnerError("backend-failed", `${name} does not start: ${ortMessage(cause)}`, { cause });
  }
}

/** Only the package itself: a file missing inside of it is a broken installation. */
function isMissing(name: string, cause: unknown): boolean {
  if (!(cause instanceof Error) || !("code" in cause)) return false;
  const notFound = cause.code === "ERR_MODULE_NOT_FOUND" || cause.code === "MODULE_NOT_FOUND";
  return notFound && new RegExp(`'${name}['/]`).test(cause.message);
}
