import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeStatistics } from "@espalier/calibrate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rejection } from "../../test/failure.js";
import { fileWith } from "../../test/statistics-content.js";
import { Checkpoint } from "./checkpoint.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "espalier-checkpoint-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("Checkpoint", () => {
  it("has written the last content when it is flushed, and nothing else stays in the folder", async () => {
    const path = join(folder, "out.stats");
    const shards: number[] = [];
    let taken = 0;
    const checkpoint = new Checkpoint(path, () => {
      taken++;
      return fileWith([...shards]);
    });
    for (const shard of [0, 2, 1, 3, 5]) {
      shards.push(shard);
      checkpoint.changed();
    }
    await checkpoint.flush();
    expect(new Uint8Array(readFileSync(path))).toEqual(encodeStatistics(fileWith([0, 1, 2, 3, 5])));
    expect(readdirSync(folder)).toEqual(["out.stats"]);
    // One write is under way while the other four changes come, and one more has them all.
    expect(taken).toBe(2);
  });

  it("writes nothing where nothing changed", async () => {
    await new Checkpoint(join(folder, "out.stats"), () => fileWith([])).flush();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("says that a write failed, at the next change and when it is flushed, and leaves no temporary file", async () => {
    const path = join(folder, "taken");
    mkdirSync(path);
    const checkpoint = new Checkpoint(path, () => fileWith([0]));
    checkpoint.changed();
    expect(await rejection(checkpoint.flush())).toMatchObject({ code: "write-failed", context: { path } });
    expect(await rejection((async () => checkpoint.changed())())).toMatchObject({ code: "write-failed" });
    expect(readdirSync(folder)).toEqual(["taken"]);
  });
});
