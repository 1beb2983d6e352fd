import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, node, random, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { espalier, type Run } from "../../test/run-espalier.js";

let root: string;
let folder: string;
const file = (name: string): string => join(root, name);

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "espalier-sweep-cli-"));
  const { float32 } = random(5);
  writeFileSync(
    file("model.onnx"),
    buildModel({
      nodes: [node("MatMul", ["x", "w"], ["scores"])],
      initializers: [tensor("w", [16, 4], float32(64))],
      inputs: [valueInfo("x", "float32", ["n", 16])],
      outputs: [valueInfo("scores", "float32", ["n", 4])],
    }),
  );
  const lines = Array.from({ length: 40 }, (_, sample) =>
    JSON.stringify({ x: [...float32(16)], label: sample % 4, bad: -1 }),
  );
  writeFileSync(file("samples.jsonl"), lines.join("\n"));
  writeFileSync(file("wide.jsonl"), JSON.stringify({ x: [1, 2, 3] }));
  writeFileSync(file("nan.mjs"), "export default () => Number.NaN;");
});
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  folder = mkdtempSync(join(root, "out-"));
});

const GRID = [
  "--criteria",
  "l1,wanda",
  "--patterns",
  "unstructured,2:4",
  "--sparsities",
  "0.25,.5",
  "--threads",
  "1",
  "--latency-runs",
  "10",
];
const sweep = (...flags: string[]): Promise<Run> =>
  espalier(["sweep", file("model.onnx"), "--samples", file("samples.jsonl"), "-o", folder, ...GRID, ...flags]);

/** Rows without what a clock says. */
function timeless(stdout: string): unknown {
  const { rows } = JSON.parse(stdout) as { rows: Record<string, unknown>[] };
  return rows.map(({ latencyMs: _, speedup: _1, seconds: _2, pareto: _3, ...rest }) => rest);
}

test("prints a table, or one JSON document, and the command that makes it again", async () => {
  const table = await sweep("--labels", "label", "--budget", "drop<=1");
  expect(table.code).toBe(0);
  expect(table.stdout).toMatch(/^model: \d+ B, gzip \d+ B, [\d.]+ ms, top-1 accuracy 0\.\d{4} ± 0\.\d{4}\n/);
  expect(table.stdout.match(/^\| (l1|wanda) /gm)).toHaveLength(6);
  expect(table.stdout).toContain("20 samples for calibration, 20 for the test");
  expect(table.stdout).toMatch(/best within drop<=1: model, \w+, [\w:]+, \d\d\.\d\d %, auto, written to .*best\.onnx/);
  expect(existsSync(join(folder, "best.onnx"))).toBe(true);
  const json = await sweep("--labels", "label", "--json", "--exclude", "it's *none*");
  expect(json.code).toBe(2); // nothing is called that
  const seventh = await sweep("--criteria", "l1", "--patterns", "7:9", "--budget", "error<=1");
  expect(seventh.stdout).toContain("refused model, l1, 7:9, 22.22 %, auto: ");
  const { command, rows } = JSON.parse((await sweep("--labels", "label", "--json")).stdout);
  expect(command).toMatch(/^espalier sweep \S+model\.onnx --samples .*--labels label --json$/);
  expect(rows).toHaveLength(6);
});

test("exit code 1 where no model meets the budget, and what was found is told", async () => {
  const run = await sweep("--budget", "error<=0");
  expect(run.code).toBe(1);
  expect(run.stdout).toContain("no model meets error<=0");
  expect(existsSync(join(folder, "best.onnx"))).toBe(false);
});

test.each<[string, string[], number, RegExp]>([
  ["an unknown criterion", ["--criteria", "l1,l7"], 2, /l7.*wanda/],
  ["an unknown recovery", ["--criteria", "l1+magic"], 2, /l1\+magic.*least-squares/],
  ["an unknown pattern", ["--patterns", "2:4,stripes"], 2, /stripes/],
  ["an unknown format", ["--formats", "gzip"], 2, /gzip.*bitmask/],
  ["a sparsity out of range", ["--sparsities", "0.5,1.5"], 2, /1\.5.*\[0, 1\)/],
  ["a sparsity that is no number", ["--sparsities", "half"], 2, /"half" is none/],
  ["an empty list", ["--patterns", ","], 2, /no patterns/],
  ["a budget that cannot be read", ["--budget", "small"], 2, /"small"/],
  ["a drop without labels", ["--budget", "drop<=0.1"], 2, /labels or a metric/],
  ["labels that are not there", ["--labels", "class"], 3, /class/],
  ["labels that are no classes", ["--labels", "bad"], 3, /label 0 of "bad"/],
  ["samples that do not fit", ["--test-samples", "WIDE"], 3, /wide\.jsonl/],
  ["a metric that gives NaN", ["--metric", "NAN"], 3, /NaN/],
])("%s: told in a line", async (_, flags, code, message) => {
  const paths: Record<string, string> = { WIDE: file("wide.jsonl"), NAN: file("nan.mjs") };
  const run = await sweep(...flags.map((flag) => paths[flag] ?? flag));
  expect(run).toMatchObject({ code, stdout: "" });
  expect(run.stderr).toMatch(message);
  expect(run.stderr).not.toMatch(/\n\s+at /);
});

test("a folder that cannot be written: exit code 4", async () => {
  const run = await sweep("-o", join(file("model.onnx"), "below"));
  expect(run.code).toBe(4);
  expect(run.stderr).toMatch(/cannot write into/);
});

test.each(["SIGKILL", "SIGINT"] as const)(
  "%s in the middle: the same command goes on, to the same rows",
  async (signal) => {
    const cells = join(folder, "cells");
    mkdirSync(cells);
    // Enough cells that the second is far from the last.
    const grid = ["--json", "--criteria", "l1,wanda,l2,random", "--sparsities", ".1,.2,.3,.4,.5,.6,.7,.8,.9"];
    const finished = (): string[] => readdirSync(cells).filter((name) => /^[0-9a-f]+\.json$/.test(name));
    const stopped = await espalier(
      ["sweep", file("model.onnx"), "--samples", file("samples.jsonl"), "-o", folder, ...GRID, ...grid],
      (child) => {
        const watcher = watch(cells, () => {
          if (finished().length >= 3 && !child.killed) child.kill(signal); // the original and two cells
        });
        child.once("exit", () => watcher.close());
      },
    );
    expect(stopped.signal).toBe(signal);
    if (signal === "SIGINT")
      expect(stopped.stderr).toMatch(/interrupted: .* holds the cells.*run the same command again/);
    const kept = new Map(finished().map((name) => [name, statSync(join(cells, name)).ino]));
    expect(kept.size).toBeGreaterThanOrEqual(3);
    expect(existsSync(join(folder, "sweep.json"))).toBe(false);

    const resumed = await sweep(...grid);
    expect(resumed.code).toBe(0);
    for (const [name, ino] of kept) expect(statSync(join(cells, name)).ino).toBe(ino); // not made again
    expect(finished()).toHaveLength(1 + 40);
    const elsewhere = await sweep(...grid, "-o", mkdtempSync(join(root, "out-")));
    expect(timeless(resumed.stdout)).toEqual(timeless(elsewhere.stdout));
    const { report, ...result } = JSON.parse(resumed.stdout);
    expect(JSON.parse(readFileSync(join(folder, "sweep.json"), "utf8"))).toEqual(result);
    expect(readFileSync(report, "utf8")).toMatch(/^<!doctype html>/i);
  },
);
