import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSyntheticTransformer } from "@espalier/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { espalier } from "../../test/run-espalier.js";

let folder: string;
const file = (name: string): string => join(folder, name);

/** Inputs whose features go together. */
const SAMPLES = `
  export default Array.from({ length: 40 }, (_, sample) => {
    const data = Float32Array.from({ length: 8 * 32 }, (_, at) => Math.sin(sample + at % 5) + Math.cos(sample * at % 7));
    return { x: { dtype: "float32", dims: [1, 8, 32], data } };
  });`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-recover-cli-"));
  writeFileSync(file("model.onnx"), buildSyntheticTransformer({ layers: 2, width: 32, ffn: 64, heads: 4, seq: 8 }));
  writeFileSync(file("samples.mjs"), SAMPLES);
});
afterAll(() => rmSync(folder, { recursive: true }));

const prune = (output: string, flags: readonly string[], started?: Parameters<typeof espalier>[1]) =>
  espalier(["prune", file("model.onnx"), "-o", file(output), "--samples", file("samples.mjs"), ...flags], started);

describe("prune --samples", () => {
  test("recovers by default, says how far each layer is off before and after, and leaves no progress file", async () => {
    const { code, stdout } = await prune("default.onnx", ["--pattern", "2:4"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/layer +\| output error before \| after least-squares/);
    expect(stdout).toMatch(/the outputs are off by 0\.\d+/);
    expect(readdirSync(folder).filter((name) => name.includes("progress"))).toEqual([]);
  });

  test("one JSON document with layers and steps", async () => {
    const flags = ["--sparsity", "0.6", "--schedule", "cubic", "--steps", "2", "--allocation", "owl", "--json"];
    const { stdout } = await prune("json.onnx", flags);
    const { recovery, weights } = JSON.parse(stdout);
    expect(recovery).toMatchObject({ method: "least-squares", steps: [{ passed: true }, { sparsity: 0.6 }] });
    expect(recovery.layers).toHaveLength(weights.length);
    expect(weights[0].criterion).toBe("obs");
  });

  test("a pruned file is verified without a word about how", async () => {
    expect((await prune("verified.onnx", ["--pattern", "4:8", "--recover", "obs"])).code).toBe(0);
    const samples = ["--samples", file("samples.mjs")];
    const { code, stdout } = await espalier(["verify", file("model.onnx"), file("verified.onnx"), ...samples]);
    expect(stdout).toMatch(/obs/);
    expect(code).toBe(0);
  });

  test("killed in the middle, --resume ends with the same bytes", async () => {
    await prune("whole.onnx", ["--pattern", "2:4"]);
    const killed = await prune("killed.onnx", ["--pattern", "2:4"], (child) => {
      const watcher = watch(folder, (_, name) => {
        if (name !== "killed.onnx.progress" || !existsSync(file(name))) return;
        // Some layers are there, and not all.
        if (readFileSync(file(name)).length > 20_000 && !child.killed) child.kill("SIGKILL");
      });
      child.once("exit", () => watcher.close());
    });
    expect(killed.signal).toBe("SIGKILL");
    expect(existsSync(file("killed.onnx"))).toBe(false);
    expect((await prune("killed.onnx", ["--pattern", "2:4", "--resume"])).code).toBe(0);
    expect(Buffer.compare(readFileSync(file("killed.onnx")), readFileSync(file("whole.onnx")))).toBe(0);
    expect(existsSync(file("killed.onnx.progress"))).toBe(false);
  });

  test("Ctrl-C says how to go on", async () => {
    const stopped = await prune("stopped.onnx", ["--pattern", "2:4"], (child) => {
      const watcher = watch(folder, (_, name) => {
        if (name === "stopped.onnx.progress" && !child.killed) child.kill("SIGINT");
      });
      child.once("exit", () => watcher.close());
    });
    expect(stopped.signal).toBe("SIGINT");
    expect(stopped.stderr).toContain("--resume");
    const other = await prune("stopped.onnx", ["--pattern", "1:4", "--resume"]);
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/another run/);
  });

  test("beyond --max-output-error: exit code 1, and no file", async () => {
    const { code, stderr } = await prune("far.onnx", ["--pattern", "2:4", "--max-output-error", "0.000001"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/off by .*limit is 0.000001/);
    expect(existsSync(file("far.onnx"))).toBe(false);
  });

  test("statistics with Gram matrices stand for samples with --recover obs, and are asked for where they lack them", async () => {
    const calibrate = (output: string, ...flags: string[]) =>
      espalier(["calibrate", file("model.onnx"), "--samples", file("samples.mjs"), "-o", file(output), ...flags]);
    await calibrate("gram.stats", "--gram");
    await calibrate("plain.stats");
    const from = (statistics: string) =>
      espalier([
        ...["prune", file("model.onnx"), "-o", file("grams.onnx"), "--pattern", "2:4", "--criterion", "wanda"],
        ...["--recover", "obs", "--statistics", file(statistics)],
      ]);
    expect((await from("gram.stats")).code).toBe(0);
    const { code, stderr } = await from("plain.stats");
    expect(code).toBe(3);
    expect(stderr).toMatch(/--gram/);
  });
});
