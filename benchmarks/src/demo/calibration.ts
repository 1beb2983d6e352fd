import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { collectStatistics, decodeStatistics, encodeStatistics } from "@espalier/calibrate";
import { tokenBatch, wordnetGlosses } from "@espalier/testkit";
import type { Sample, Statistics } from "espalier";
import { CACHE } from "./cache.js";
import { writeWhole } from "./write-whole.js";

/** Definitions that no accuracy is measured on. */
const TEXTS = wordnetGlosses().calibration.map(({ text }) => text);

/** How many texts Wanda sees. */
export const CALIBRATION_SIZE = TEXTS.length;

/** How many of them recovery sees: a quarter of the time, and nearly the accuracy, of all. */
export const RECOVERY_SIZE = 512;

/** Feeds for recovery. */
export const RECOVERY_SAMPLES: readonly Sample[] = TEXTS.slice(0, RECOVERY_SIZE).map((text) => tokenBatch([text]));

/** Activation statistics of the dense model, kept between runs of the demo. */
export async function demoStatistics(path: string): Promise<Statistics> {
  const key = createHash("sha256").update(readFileSync(path)).update(TEXTS.join("\n")).digest("hex").slice(0, 32);
  const file = join(CACHE, `${key}.stats`);
  if (!existsSync(file)) {
    const collected = await collectStatistics(
      path,
      TEXTS.map((text) => tokenBatch([text])),
    );
    writeWhole(file, encodeStatistics(collected.file));
  }
  return decodeStatistics(readFileSync(file)).statistics;
}
