import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Model, writeModel } from "@espalier/onnx";
import { StatisticsError } from "../statistics-error.js";

/** A model on disk, for workers to load. */
export interface TemporaryModel {
  readonly path: string;
  /** Removes it; a second call does nothing. */
  remove(): void;
}

/**
 * Writes a model into a new folder below the system's temporary folder. It is removed by `remove()`, and at the latest when
 * the process exits.
 *
 * @throws {StatisticsError} `write-failed`, and {@link OnnxError}s of reading
 */
export function writeTemporaryModel(model: Model): TemporaryModel {
  const folder = makeFolder();
  const clean = () => rmSync(folder, { recursive: true, force: true });
  const remove = () => {
    process.removeListener("exit", clean);
    clean();
  };
  process.once("exit", clean);
  try {
    const path = join(folder, "model.onnx");
    // Weights in a file of their own are mapped into memory by ONNX Runtime: all workers share the pages.
    writeModel(model, path, { externalData: { location: "weights.bin" } });
    return { path, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "espalier-calibrate-"));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `No folder for the model that workers load can be made in ${tmpdir()}: ${reason}. TMPDIR names another one.`;
    throw new StatisticsError("write-failed", message, { path: tmpdir(), cause });
  }
}
