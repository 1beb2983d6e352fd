import { statisticsPieces } from "./encode-statistics.js";
import { replaceFile } from "./replace-file.js";
import type { StatisticsFile } from "./statistics-file.js";

/**
 * Writes a `.stats` file: a temporary file in the same folder, synced, then renamed.
 *
 * @throws {StatisticsError} `write-failed`
 */
export function writeStatisticsFile(path: string, file: StatisticsFile): Promise<void> {
  return replaceFile(path, statisticsPieces(file));
}
