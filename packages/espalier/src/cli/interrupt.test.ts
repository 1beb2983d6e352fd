import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSyntheticTransformer } from "@espalier/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { espalier } from "../../test/run-espalier.js";

let folder: string;
let model: string;
let outputs: string;
let output: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-interrupt-"));
  // 50 M weights: seconds of work, so that a signal sent at the first sign of life arrives in the middle of it.
  model = writeSyntheticTransformer(folder, { layers: 4, width: 1024, ffn: 4096, heads: 16, seq: 16 });
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  outputs = join(folder, "outputs");
  rmSync(outputs, { recursive: true, force: true });
  mkdirSync(outputs);
  output = join(outputs, "pruned.onnx");
  writeFileSync(output, "the old file");
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s while weights are chosen: the old output stays, nothing else is left",
  async (signal) => {
    // Random numbers into odd blocks are the slowest to choose: the first line, after a second, comes long before the end.
    const how = ["--criterion", "random", "--pattern", "block:3x5", "--sparsity", "0.5"];
    const run = await espalier(["prune", model, "-o", output, ...how], (child) => {
      child.stderr!.once("data", () => child.kill(signal)); // the first progress line
    });
    expect(run.signal).toBe(signal);
    expect(run.stderr).toContain("interrupted");
    expect(readdirSync(outputs)).toEqual(["pruned.onnx"]);
    expect(readFileSync(output, "utf8")).toBe("the old file");
  },
);

test.each(["SIGINT", "SIGKILL"] as const)("%s while files are written: never half a file", async (signal) => {
  const run = await espalier(["prune", model, "-o", output, "--sparsity", "0.5"], (child) => {
    const watcher = watch(outputs, (_, name) => {
      if (name?.endsWith(".tmp") && !child.killed) child.kill(signal); // once: a second Ctrl-C means at once
    });
    child.once("exit", () => watcher.close());
  });
  expect(run.signal).toBe(signal);
  expect(readFileSync(output, "utf8")).toBe("the old file");
  const left = readdirSync(outputs).filter((name) => name !== "pruned.onnx");
  if (signal === "SIGINT") expect(left).toEqual([]);
  else expect(left.every((name) => name.endsWith(".tmp"))).toBe(true); // nobody is left to remove them, and no name is taken
  expect(existsSync(model)).toBe(true);
});
