import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Model, writeModel } from "@espalier/onnx";
import { type Loading, type LoadingOptions, measureLoading } from "@espalier/runtime";

/** What loading some models takes, in their order; or why that could not be found out. */
export type Loadings =
  | { readonly ok: true; readonly loadings: readonly Loading[] }
  | { readonly ok: false; readonly problem: string };

/**
 * Measures what loading models takes, each in fresh processes: `measureLoading` of `@espalier/runtime`, also for models that
 * are not on disk. These are written, external data included, into a new folder below the system's temporary one, which is
 * removed at the end.
 *
 * @param models paths are opened as they are
 * @returns a problem where a model is refused, a process dies or the folder cannot be written
 * @throws the reason of `options.signal`
 */
export async function measureModels(
  models: readonly (string | Model)[],
  options: LoadingOptions = {},
): Promise<Loadings> {
  try {
    const loadings = await inFolder((folder) => {
      const paths = models.map((model, index) => {
        return typeof model === "string" ? model : written(model, mkdtempSync(join(folder, `${index}-`)));
      });
      return measureLoading(paths, options);
    });
    return { ok: true, loadings };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { ok: false, problem: problemOf(error) };
  }
}

function written(model: Model, folder: string): string {
  return writeModel(model, join(folder, "model.onnx")).path;
}

/** A folder for as long as `work` takes, and no longer than this process. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "espalier-loading-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    return await work(folder);
  } finally {
    process.removeListener("exit", remove);
    remove();
  }
}

/** Errors of the runtime, of the format and of the system have a code; others are bugs. */
function problemOf(error: unknown): string {
  if (error instanceof Error && "code" in error) return error.message;
  throw error;
}
