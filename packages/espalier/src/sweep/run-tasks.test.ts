import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runTasks } from "./run-tasks.js";
import type { SweepSetup, SweepTask } from "./sweep-task.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-tasks-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const SETUP: Omit<SweepSetup, "stop"> = { models: {}, options: { latencyRuns: 1 }, store: "", memory: 1 };

function taskOf(key: string): SweepTask {
  return [{ key, cell: { model: "m", criterion: "l1", pattern: key, sparsity: 0.5, format: "dense" } }];
}

/** Runs tasks in workers of this code, where `key`, `tries` (a count that outlives the thread) and `stop` are at hand. */
async function runWith(code: string, keys: readonly string[], threads = 1) {
  const path = join(folder, "worker.mjs");
  writeFileSync(
    path,
    `import { appendFileSync, readFileSync } from "node:fs";
     import { workerData } from "node:worker_threads";
     const log = ${JSON.stringify(join(folder, "log"))};
     const stopped = () => Atomics.load(workerData.stop, 0) === 1;
     export default async ([{ key, cell }]) => {
       appendFileSync(log, key + "\\n");
       const tries = readFileSync(log, "utf8").split("\\n").filter((line) => line === key).length;
       const done = { status: "done", rows: [{ ...cell, status: "refused", reason: key }] };
       ${code}
     };`,
  );
  const done: string[] = [];
  const onDone = (_: SweepTask, [row]: readonly object[]): void => void done.push((row as { reason: string }).reason);
  const options = { threads, workerFile: pathToFileURL(path), onDone };
  const error = await runTasks(keys.map(taskOf), SETUP, options).then(
    () => undefined,
    (reason) => reason,
  );
  return { done, error };
}

describe("runTasks", () => {
  it.each(["process.exit(1);", 'throw new Error("out of luck");'])(
    "tries a task once more where a thread does %j",
    async (fate) => {
      const { done, error } = await runWith(`if (key === "b" && tries === 1) ${fate} return done;`, ["a", "b", "c"]);
      expect(error).toBeUndefined();
      expect(done.sort()).toEqual(["a", "b", "c"]);
    },
  );

  it.each([
    ["process.exit(1);", /the cell m, l1, b, sparsity 0\.5 failed twice/],
    ['throw new Error("out of luck");', /the cell m, l1, b, .*out of luck/],
  ])(
    "ends the sweep, naming the cell, where a task does %j twice; what was finished before was told",
    async (fate, message) => {
      const { done, error } = await runWith(`if (key === "b") ${fate} return done;`, ["a", "b"]);
      expect(error).toMatchObject({ name: "EspalierError", code: "input", message: expect.stringMatching(message) });
      expect(done).toContain("a");
    },
  );

  it("does not try again what a worker says is hopeless", async () => {
    const { error } = await runWith(
      'if (tries > 1) return done; return { status: "failed", code: "output", message: "the disk is full" };',
      ["a"],
    );
    expect(error).toMatchObject({ code: "output", message: expect.stringMatching(/m, l1, a.*the disk is full/) });
  });

  it("asks the others to stop when one fails, and waits for them", async () => {
    const code = `
      if (key === "b") return { status: "failed", code: "input", message: "no" };
      while (!stopped()) await new Promise((resolve) => setImmediate(resolve));
      return { status: "stopped" };`;
    const { done, error } = await runWith(code, ["a", "b"], 2);
    expect(error).toMatchObject({ message: expect.stringContaining("m, l1, b") });
    expect(done).toEqual([]);
  });
});
