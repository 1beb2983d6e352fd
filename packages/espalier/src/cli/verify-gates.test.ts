import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, node, tensor, valueInfo } from "@espalier/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { espalier } from "../../test/run-espalier.js";

let folder: string;
const file = (name: string): string => join(folder, name);

/** Four classes: the class is where the input is largest. Pruned, the fourth class is lost. */
function model(diagonal: readonly number[]): Uint8Array {
  const weight = Float32Array.from({ length: 16 }, (_, at) => (at % 5 === 0 ? diagonal[at / 5]! : 0.001));
  return buildModel({
    nodes: [node("MatMul", ["x", "w"], ["scores"])],
    initializers: [tensor("w", [4, 4], weight)],
    inputs: [valueInfo("x", "float32", ["n", 4])],
    outputs: [valueInfo("scores", "float32", ["n", 4])],
  });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-gates-"));
  writeFileSync(file("original.onnx"), model([1, 1, 1, 1]));
  writeFileSync(file("pruned.onnx"), model([1, 1, 1, 0]));
  const lines = Array.from({ length: 40 }, (_, sample) => {
    const x = [0, 1, 2, 3].map((feature) => (feature === sample % 4 ? 1 : 0));
    return JSON.stringify({ x, label: sample % 4 });
  });
  writeFileSync(file("eval.jsonl"), lines.join("\n"));
  writeFileSync(file("metric.mjs"), "export default ({ scores }, label) => scores.data[label];");
  writeFileSync(file("broken.mjs"), "export default () => Number.NaN;");
});
afterAll(() => rmSync(folder, { recursive: true }));

const verify = (...flags: string[]) =>
  espalier(["verify", file("original.onnx"), file("pruned.onnx"), "--samples", file("eval.jsonl"), ...flags]);

interface Check {
  readonly name: string;
  readonly status: string;
  readonly measured: number;
}
const checkIn = (stdout: string, name: string): Check =>
  (JSON.parse(stdout).checks as Check[]).find((check) => check.name === name)!;

test("an accuracy drop beyond the limit fails the build, one just within it passes", async () => {
  // 30 of 40 are still right: a drop of 0.25.
  const beyond = await verify("--labels", "label", "--max-accuracy-drop", "0.249", "--json");
  expect(checkIn(beyond.stdout, "accuracy")).toMatchObject({ status: "failed", measured: 0.25 });
  expect(beyond.code).toBe(1);
  const within = await verify("--labels", "label", "--max-accuracy-drop", "0.25", "--json");
  expect(checkIn(within.stdout, "accuracy").status).toBe("passed");
  const confident = await verify("--labels", "label", "--max-accuracy-drop", "0.25", "--confident", "--json");
  expect(checkIn(confident.stdout, "accuracy").status).toBe("failed");
});

test("a metric of the user's own, and what is wrong with one", async () => {
  const { stdout } = await verify("--labels", "label", "--metric", file("metric.mjs"), "--json");
  expect(checkIn(stdout, "accuracy").measured).toBeCloseTo(0.25, 6);
  const broken = await verify("--metric", file("broken.mjs"));
  expect(broken.code).toBe(3);
  expect(broken.stderr).toMatch(/NaN/);
  expect((await verify("--metric", file("none.mjs"))).code).toBe(3);
});

test("JUnit and Markdown say what failed", async () => {
  const reports = ["--junit", file("junit.xml"), "--markdown", file("report.md")];
  await verify("--labels", "label", "--max-accuracy-drop", "0.1", "--max-bytes", "10", ...reports);
  const junit = readFileSync(file("junit.xml"), "utf8");
  expect(junit).toMatch(/<testsuite [^>]*failures="[1-9]/);
  expect(junit).toMatch(/name="accuracy"><failure/);
  expect(junit).toMatch(/name="bytes"><failure/);
  expect(readFileSync(file("report.md"), "utf8")).toMatch(/\| accuracy +\| ❌ failed/);
});

test.each([
  ["a drop without labels", ["--max-accuracy-drop", "0.1"], 3, /labels or a metric/],
  ["a name that is not there", ["--labels", "class"], 3, /"class"/],
  ["top without labels", ["--top", "5"], 2, /labels/],
  ["a report that cannot be written", ["--junit", "no/such/folder/x.xml"], 4, /folder/],
])("%s", async (_, flags, code, message) => {
  const run = await verify(...flags);
  expect(run.stderr).toMatch(message);
  expect(run.code).toBe(code);
});

test("a certificate is written for what passed, and judges the model again without its original", async () => {
  const certificate = file("pruned.cert.json");
  expect((await verify("--write-certificate", certificate)).code).toBe(0);
  const again = await espalier(["verify", file("pruned.onnx"), "--certificate", certificate, "--json"]);
  expect(again.code).toBe(0);
  expect(checkIn(again.stdout, "certificate").status).toBe("passed");
  // The zeros are back in the unpruned model.
  expect((await espalier(["verify", file("original.onnx"), "--certificate", certificate])).code).toBe(1);
  expect((await verify("--certificate", certificate)).stdout).toMatch(/all certified masks hold/);
});

test("a certificate is not written for what failed, and stands for nothing but itself", async () => {
  const { code, stderr } = await verify("--max-output-error", "0", "--write-certificate", file("failed.cert.json"));
  expect(code).toBe(1);
  expect(stderr).toMatch(/no certificate was written/);
  expect(existsSync(file("failed.cert.json"))).toBe(false);
  expect(await espalier(["verify", file("pruned.onnx")])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--certificate/),
  });
  const alone = ["verify", file("pruned.onnx"), "--certificate", file("eval.jsonl")];
  expect(await espalier(alone)).toMatchObject({ code: 3, stderr: expect.stringMatching(/no certificate/) });
  const limited = await espalier([...alone, "--max-bytes", "10"]);
  expect(limited).toMatchObject({ code: 2, stderr: expect.stringMatching(/leave out --max-bytes,/) });
});
