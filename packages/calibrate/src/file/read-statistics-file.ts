import { readFileSync } from "node:fs";
import { StatisticsError } from "../statistics-error.js";
import { decodeStatisticsFile } from "./decode-statistics-file.js";
import type { StatisticsFile } from "./statistics-file.js";

/**
 * Reads a `.stats` file, finished or not.
 *
 * @throws {StatisticsError} `read-failed`, and what {@link decodeStatisticsFile} throws, with the path in the message
 */
export function readStatisticsFile(path: string): StatisticsFile {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StatisticsError("read-failed", `${path} cannot be read: ${reason}`, { path, cause });
  }
  try {
    return decodeStatisticsFile(bytes);
  } catch (error) {
    if (!(error instanceof StatisticsError)) throw error;
    throw new StatisticsError(error.code, `${path}: ${error.message}`, { ...error.context, path });
  }
}
