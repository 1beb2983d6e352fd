import { buildModel, node, tensor, valueInfo, random } from "@espalier/testkit";
import { collectWith } from "../dist/collect/collect-with.js";
import { encodeStatistics } from "../dist/file/encode-statistics.js";
import { decodeStatistics } from "../dist/file/decode-statistics.js";
import { instrumentMatMuls } from "./instrument-matmuls.js";
import { createHash } from "node:crypto";
const r = random(3);
const bytes = buildModel({ nodes: [node("MatMul", ["x", "w1"], ["h"]), node("Relu", ["h"], ["g"]), node("MatMul", ["g", "w2"], ["y"])],
 initializers: [tensor("w1", [4, 600], r.float32(2400)), tensor("w2", [600, 3], r.float32(1800))],
 inputs: [valueInfo("x", "float32", ["n", 4])], outputs: [valueInfo("y", "float32", ["n", 3])] });
const samples = Array.from({ length: 100 }, () => ({ x: { dtype: "float32" as const, dims: [2, 4], data: r.float32(8) } }));
for (const threads of [1, 2, 3, 7]) {
  const t = performance.now();
  const got = await collectWith({ instrument: instrumentMatMuls }, bytes, samples, { threads, shardSize: 8, gram: true, output: "/tmp/cal/a.stats", memory: threads === 2 ? 14 * 601*300*8 : 2e9, onProgress: (p) => threads === 2 && console.log(p) });
  console.log(threads, createHash("sha256").update(encodeStatistics(got.file)).digest("hex"), got.samples, got.shards, performance.now() - t);
}
console.log(decodeStatistics((await import("node:fs")).readFileSync("/tmp/cal/a.stats")).statistics);
