import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StageLane } from "./stage-lane.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-lane-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function laneWith(code: string): StageLane {
  const path = join(folder, "worker.mjs");
  writeFileSync(path, code);
  return new StageLane(pathToFileURL(path));
}

describe("StageLane", () => {
  it.each([
    ["exits", "export default () => process.exit(3);"],
    ["throws", 'export default () => { throw new Error("out of luck"); };'],
  ])("says so when its thread %s, and can be closed", async (_, code) => {
    const lane = laneWith(code);
    await expect(lane.run({ kind: "run", modelPath: "", feeds: {} })).rejects.toMatchObject({ code: "worker-failed" });
    await lane.close();
  });

  it("does not start a thread to unload or to close", async () => {
    const lane = new StageLane(pathToFileURL(join(folder, "missing.mjs")));
    await lane.unload();
    await lane.close();
  });
});
