import { readFileSync } from "node:fs";
import { decodeStatistics } from "@espalier/calibrate";
import type { Statistics } from "@espalier/core";
import { EspalierError } from "./errors.js";

/**
 * Reads a statistics file.
 *
 * @throws {EspalierError} `input` when it cannot be read or is no statistics file
 */
export function readStatistics(path: string): Statistics {
  try {
    return decodeStatistics(readFileSync(path)).statistics;
  } catch (error) {
    throw new EspalierError("input", `cannot use the statistics file ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
