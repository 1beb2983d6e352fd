import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { collectStatistics, encodeStatistics, missingShards, readStatisticsFile } from "@espalier/calibrate";
import { afterAll, beforeAll, expect, it } from "vitest";
import { smallModel, smallSamples } from "../../test/small-model.js";

const CHILD = fileURLToPath(new URL("../../test/calibrate-child.ts", import.meta.url));
const SHARDS = 16;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-killed-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts a calibration and says how it ended. */
function calibrate(output: string, onStart: (child: ChildProcess) => void): Promise<NodeJS.Signals | number | null> {
  return new Promise((resolve, reject) => {
    const environment = { ...process.env, TMPDIR: folder };
    const child = spawn(process.execPath, ["--import", "tsx", CHILD, output], {
      stdio: ["ignore", "pipe", "inherit"],
      env: environment,
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(signal ?? code));
    onStart(child);
  });
}

const atFirstShard = (child: ChildProcess) => child.stdout!.once("data", () => child.kill("SIGKILL"));

/** While shards are running, and the next file is perhaps being written. */
function atFirstFile(output: string, child: ChildProcess): void {
  const watcher = watch(folder, (_, name) => name === basename(output) && child.kill("SIGKILL"));
  child.once("close", () => watcher.close());
}

/** Shards that a file still lacks; all of them when there is none. */
function shardsLeft(output: string): number {
  if (!existsSync(output)) return SHARDS;
  const file = readStatisticsFile(output);
  return SHARDS - file.samples.shards.length + missingShards(file).length;
}

it("a killed run leaves a whole file or none, and resumes to the same bytes, however often it is killed", async () => {
  const output = join(folder, "killed.stats");
  const options = { threads: 1, shardSize: 4, gram: true };
  const { file } = await collectStatistics(smallModel(), smallSamples(4 * SHARDS), options);
  let left = SHARDS;
  for (let kill = 0; kill < 4 && left > 0; kill++) {
    const ended = await calibrate(output, (child) => (kill === 0 ? atFirstShard(child) : atFirstFile(output, child)));
    expect(ended).toBe("SIGKILL");
    expect(shardsLeft(output)).toBeLessThanOrEqual(left);
    left = shardsLeft(output);
  }
  expect(left).toBeLessThan(SHARDS);
  expect(await calibrate(output, () => {})).toBe(0);
  expect(new Uint8Array(readFileSync(output))).toEqual(encodeStatistics(file));
});
