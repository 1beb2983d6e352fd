import { quietLog } from "../ort/log-level.js";
import { openLocalSession, sessionOptions } from "../ort/open-session.js";
import type { ResolvedOptions, Runner } from "../runner.js";
import { loadPackage } from "./load-package.js";

/**
 * Where onnxruntime-node looks for external data of a model given as bytes. Without it that is the working directory,
 * so that a model could read any file there. It is a name that does not exist and that reads well in the error.
 */
const NO_FOLDER = "external-data-was-not-given";

/** Opens a model with onnxruntime-node; external data of a model given by path are found, and contained, natively. */
export async function openNodeRunner(model: string | Uint8Array, options: ResolvedOptions): Promise<Runner> {
  const ort = await loadPackage("onnxruntime-node", () => import("onnxruntime-node"));
  quietLog(ort);
  const session = {
    ...sessionOptions({ ...options, externalData: escapeLocations(options.externalData) }),
    executionProviders: ["cpu"],
  };
  if (typeof model === "string") return openLocalSession("node", ort, model, session);
  const confined = { ...session, extra: { session: { model_external_initializers_file_folder_path: NO_FOLDER } } };
  return openLocalSession("node", ort, unshared(model), confined);
}

/** onnxruntime-node cuts one leading `./` off the names it is given, but not off those in the model. */
function escapeLocations<T>(files: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...files].map(([name, data]) => [name.startsWith("./") ? `./${name}` : name, data]));
}

/** onnxruntime-node takes no shared memory. */
function unshared(bytes: Uint8Array): Uint8Array {
  return bytes.buffer instanceof SharedArrayBuffer ? bytes.slice() : bytes;
}
