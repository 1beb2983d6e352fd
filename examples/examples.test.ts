import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { hasChromium, launchChromium } from "@espalier/testkit";
import { describe, expect, test } from "vitest";

const execute = promisify(execFile);

/** Runs an example as its README says and returns what it prints; a failing example rejects with `code` and `stdout`. */
async function example(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(process.execPath, [
    "--import",
    "tsx",
    join(import.meta.dirname, folder, "main.ts"),
    ...args,
  ]);
  return stdout;
}

test("01-inspect counts the weights of a real model and says why some cannot take 2:4", async () => {
  const output = await example("01-inspect");
  expect(output).toMatch(/^\d+ parameters, \d+ of them prunable\n/);
  expect(output).toMatch(/2:4: \d+ weights; .* not: .*multiple of 4/);
});

test("02-magnitude-one-shot prunes the MatMuls of the recognition model to exactly half", async () => {
  const lines = (await example("02-magnitude-one-shot")).trim().split("\n");
  expect(lines).toHaveLength(9 + 1);
  for (const line of lines.slice(0, -1)) {
    const [, zeros, total] = /: (\d+) of (\d+) are zero/.exec(line)!;
    expect(Number(zeros)).toBe(Math.ceil(Number(total) / 2 - 0.5));
  }
});

test("03-training-loop-schedule reaches its sparsity, and the cubic schedule beats one shot", async () => {
  const output = await example("03-training-loop-schedule");
  const [, gradual] = /cubic schedule +([\d.]+) % right, 80.0 % zeros/.exec(output)!;
  const [, atOnce] = /one shot at the end +([\d.]+) % right, 80.0 % zeros/.exec(output)!;
  expect(Number(gradual)).toBeGreaterThan(Number(atOnce));
});

describe("04-build-gate", () => {
  test("passes within the limit", async () => {
    expect(await example("04-build-gate", "0.9")).toContain("passed");
  });

  test("fails the build beyond the limit, with exit code 1", async () => {
    await expect(example("04-build-gate", "0.000001")).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining("failed"),
    });
  });
});

test("05-wanda-two-of-four keeps embeddings closer to the dense ones than magnitude does", async () => {
  const [l1, wanda] = [...(await example("05-wanda-two-of-four")).matchAll(/embedding: ([\d.]+)/g)].map((match) =>
    Number(match[1]),
  );
  expect(wanda).toBeGreaterThan(l1!);
});

test("06-shards-on-several-machines gives the same bytes as one machine", async () => {
  expect(await example("06-shards-on-several-machines")).toContain("the same bytes");
});

test("07-recover brings embeddings back, each method further than the one before", { timeout: 300_000 }, async () => {
  const cosines = [...(await example("07-recover")).matchAll(/embedding: ([\d.]+)/g)].map((match) => Number(match[1]));
  expect(cosines).toHaveLength(4);
  expect(cosines).toEqual(cosines.toSorted((a, b) => a - b));
  expect(cosines[3]).toBeGreaterThan(0.75);
});

test.skipIf(!hasChromium)(
  "08-browser-download-size downloads less in Chromium and computes the same (skipped where /usr/bin/chromium is missing)",
  async () => {
    const main = join(import.meta.dirname, "08-browser-download-size/main.ts");
    const server = spawn(process.execPath, ["--import", "tsx", main], { stdio: ["ignore", "pipe", "inherit"] });
    const browser = await launchChromium();
    try {
      for await (const line of createInterface(server.stdout)) {
        const [address] = /http:\S+/.exec(line) ?? [];
        if (address) await (await browser.newPage()).goto(address);
        if (!line.startsWith("Page: ")) continue;
        const sizes = [...line.matchAll(/([\d.]+) MB/g)].map((match) => Number(match[1]));
        const [dense, expanding, compressedDense, compressed] = sizes;
        expect(line).toMatch(/; 0 of 1536 output numbers differ\.$/);
        expect(expanding).toBeLessThan(0.5 * dense!);
        expect(compressed).toBeLessThan(compressedDense!);
        return;
      }
      expect.unreachable("the server ended before the page was done");
    } finally {
      server.kill();
      await browser.close();
    }
  },
);

test("09-tensorrt-two-of-four finds 2:4 in every weight that TensorRT could use", async () => {
  const output = await example("09-tensorrt-two-of-four");
  expect(output).toMatch(/^2:4 +17 +1,213,952$/m);
  expect(output).not.toContain("not 2:4");
});

describe("10-ci-gate", () => {
  const folder = join(import.meta.dirname, "10-ci-gate");
  const build = join(folder, "build");
  const gate = (sparsity: string) => {
    rmSync(build, { recursive: true, force: true });
    mkdirSync(build);
    const command = join(folder, "node_modules/espalier/bin/espalier.js");
    const env = { ...process.env, SPARSITY: sparsity };
    return execute(process.execPath, [command, "run", join(folder, "espalier.config.ts")], { env });
  };

  test("lets half of the product weights go, and hands out model, comment and certificate", async () => {
    await gate("0.5");
    expect(readFileSync(join(build, "comment.md"), "utf8")).toMatch(/^### ✅/);
    for (const file of ["model.onnx", "pruned.cert.json", "report.xml"])
      expect(existsSync(join(build, file))).toBe(true);
  });

  test("fails a pull request that takes nine tenths of them, and exports nothing", async () => {
    await expect(gate("0.9")).rejects.toMatchObject({ code: 1, stdout: expect.stringMatching(/accuracy +\| failed/) });
    expect(readFileSync(join(build, "comment.md"), "utf8")).toMatch(/^### ❌/);
    expect(existsSync(join(build, "model.onnx"))).toBe(false);
  });
});

test("sweep compares patterns on both real models, and keeps what it found", { timeout: 300_000 }, async () => {
  const quick = join(import.meta.dirname, "sweep/build/quick");
  rmSync(quick, { recursive: true, force: true });
  const first = await example("sweep", "--quick");
  const rows = first.trim().split("\n").slice(2);
  expect(
    rows.map((row) =>
      row
        .split("|")
        .slice(1, 4)
        .map((cell) => cell.trim()),
    ),
  ).toEqual(
    ["use-lite", "ch_PP-OCRv4_rec_infer"].flatMap((model) => [
      [model, "l1", "unstructured"],
      [model, "l1", "2:4"],
    ]),
  );
  for (const folder of ["sentence-encoder", "text-reader"])
    expect(existsSync(join(quick, folder, "report.html"))).toBe(true);
  expect(await example("sweep", "--quick")).toBe(first); // the same times: nothing ran
});
