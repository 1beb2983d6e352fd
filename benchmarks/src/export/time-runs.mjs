// Times models in turn, round after round, in a process of its own: the two runtimes share one registry of backends.
import { readFileSync } from "node:fs";
import { openRunner } from "@espalier/runtime";

const ARRAYS = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array };

const { backend, optimization, rounds, feeds, paths } = JSON.parse(readFileSync(0, "utf8"));
const sample = Object.fromEntries(
  Object.entries(feeds).map(([name, { dtype, dims, data }]) => [name, { dtype, dims, data: ARRAYS[dtype].from(data) }]),
);
const runners = [];
for (const path of paths) runners.push(await openRunner(path, { backend, optimization, threads: 1 }));

const times = runners.map(() => []);
for (let round = -2; round < rounds; round++) {
  for (let turn = 0; turn < runners.length; turn++) {
    // Another one begins every round, so that none always follows the same neighbour.
    const index = (turn + round + 2) % runners.length;
    const start = performance.now();
    await runners[index].run(sample);
    // Two rounds warm up.
    if (round >= 0) times[index].push(performance.now() - start);
  }
}
process.stdout.write(JSON.stringify(times));
