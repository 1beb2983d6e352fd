import { existsSync, linkSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reportModel } from "../../test/report-models.js";
import { flawsOf, pageOf, textsOf } from "../../test/report-page.js";
import { espalier } from "../../test/run-espalier.js";
import { EXIT } from "./exit-code.js";

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-verify-report-"));
  writeFileSync(file("original.onnx"), reportModel(2, false));
  writeFileSync(file("pruned model.onnx"), reportModel(2, true));
});
afterAll(() => rmSync(folder, { recursive: true }));

const verify = (...flags: string[]) =>
  espalier(["verify", file("original.onnx"), file("pruned model.onnx"), "--pattern", "2:4", ...flags]);

test("--report writes one HTML file, also when a check failed, and the document stays the same", async () => {
  writeFileSync(file("earlier.html"), "earlier");
  linkSync(file("earlier.html"), file("report.html"));
  const failed = await verify("--report", file("report.html"), "--max-output-error", "0.001", "--json");
  expect(failed.code).toBe(EXIT.failed);
  expect(JSON.parse(failed.stdout).status).toBe("failed");
  const html = readFileSync(file("report.html"), "utf8");
  expect(readFileSync(file("earlier.html"), "utf8")).toBe("earlier"); // a new file in its place
  expect(flawsOf(html)).toEqual([]);
  const page = pageOf(html);
  expect(textsOf(page, "h1")).toEqual([file("pruned model.onnx")]);
  expect(textsOf(page, ".verdict")).toEqual(["✗ Failed"]);
  // As it can be typed again: the space in a name is quoted.
  expect(textsOf(page, "pre")[0]).toContain(
    `espalier verify ${file("original.onnx")} '${file("pruned model.onnx")}' --pattern 2:4`,
  );
  expect(html.includes("after gzip")).toBe(true);
});

test("a report that cannot be written stops the command before the work", async () => {
  const { code, stdout, stderr } = await verify("--report", file("nowhere/report.html"));
  expect(code).toBe(EXIT.output);
  expect(stdout).toBe("");
  expect(stderr).toContain("does not exist");
  expect(existsSync(file("nowhere"))).toBe(false);
});
