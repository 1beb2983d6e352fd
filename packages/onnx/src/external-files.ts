import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ByteSource } from "./byte-source.js";
import { OnnxError } from "./errors.js";
import { normalizeLocation } from "./external-entries.js";
import { fileSource, reason } from "./file-source.js";
import { isInside } from "./write-folder.js";

/**
 * Opens external data files beside a model, each once and on first use.
 *
 * @param modelPath path of the `.onnx` file
 * @returns location (already checked by its text) → source; throws {@link OnnxError} `external-missing`, or
 *   `external-escape` when symbolic links lead out of the model's folder or the location is the model itself
 */
export function externalFiles(modelPath: string): (location: string) => ByteSource {
  const sources = new Map<string, ByteSource>();
  return (text) => {
    const location = normalizeLocation(text);
    let source = sources.get(location);
    if (source === undefined) {
      source = openInside(modelPath, location);
      sources.set(location, source);
    }
    return source;
  };
}

function openInside(modelPath: string, location: string): ByteSource {
  const folder = dirname(modelPath);
  const path = join(folder, location);
  try {
    const real = realpathSync(path);
    if (!isInside(realpathSync(folder), real)) {
      const message = `${path} leads to ${real}, outside the model's folder: copy the data there, only files inside it are read`;
      throw new OnnxError("external-escape", message, { path });
    }
    if (real === realpathSync(modelPath)) {
      throw new OnnxError("external-escape", `${path} is the model itself, which cannot be its own external data`, {
        path,
      });
    }
    return fileSource(real);
  } catch (cause) {
    if (cause instanceof OnnxError && cause.code !== "read-failed") throw cause;
    const why = cause instanceof OnnxError ? cause.message : reason(cause);
    throw new OnnxError("external-missing", `external data ${path} cannot be read: ${why}`, { path, cause });
  }
}
