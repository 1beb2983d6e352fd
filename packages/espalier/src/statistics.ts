import { readFileSync } from "node:fs";
import { type DecodedStatistics, decodeStatistics, type Gram } from "@espalier/calibrate";
import type { Statistics } from "@espalier/core";
import { EspalierError } from "./errors.js";

/**
 * Reads a statistics file.
 *
 * @throws {EspalierError} `input` when it cannot be read or is no statistics file
 */
export function readStatistics(path: string): Statistics {
  return read(path).statistics;
}

/**
 * The Gram matrices of a statistics file, by weight name; none where it was made without them.
 *
 * @throws {EspalierError} `input` when it cannot be read or is no statistics file
 */
export function readGrams(path: string): ReadonlyMap<string, Gram> {
  return read(path).grams;
}

function read(path: string): DecodedStatistics {
  try {
    return decodeStatistics(readFileSync(path));
  } catch (error) {
    throw new EspalierError("input", `cannot use the statistics file ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
