import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CollectedStatistics,
  type CollectOptions,
  collectStatistics,
  encodeStatistics,
  type Samples,
} from "@espalier/calibrate";
import { afterAll, afterEach, beforeAll, expect, vi } from "vitest";
import { smallModel, smallSamples } from "./small-model.js";

export const model = smallModel();
export const samples = smallSamples(22);
/** Six shards, the last with two samples. */
export const options: CollectOptions = { shardSize: 4, threads: 2 };

/** Calibrates the small model. */
export function run(more: CollectOptions = {}, which: Samples = samples): Promise<CollectedStatistics> {
  return collectStatistics(model, which, { ...options, ...more });
}

/** The bytes of the statistics file of {@link run}. */
export async function bytesOf(more: CollectOptions = {}, which: Samples = samples): Promise<Uint8Array> {
  return encodeStatistics((await run(more, which)).file);
}

/**
 * A folder for the tests of a file, in which the models for workers are written, too. After each test it is checked that
 * neither such a model nor an unfinished file stayed, however the run ended.
 *
 * @returns the path of a name in it
 */
export function useFolder(): (name: string) => string {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "espalier-collect-"));
    vi.stubEnv("TMPDIR", folder);
  });
  afterEach(() => {
    const left = readdirSync(folder).filter((name) => name.startsWith("espalier-calibrate-") || name.endsWith(".tmp"));
    expect(left).toEqual([]);
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  return (name) => join(folder, name);
}
