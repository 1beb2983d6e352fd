// Times models in turn, round after round, in a process of its own: the two runtimes share one registry of backends.
import { openRunner } from "@espalier/runtime";

const { backend, optimization, rounds, input, dims, paths } = JSON.parse(process.argv[2]);
const length = dims.reduce((product, size) => product * size, 1);
const data = Float32Array.from({ length }, (_, index) => Math.sin(index));
const feeds = { [input]: { dtype: "float32", dims, data } };
const runners = [];
for (const path of paths) runners.push(await openRunner(path, { backend, optimization, threads: 1 }));

const times = runners.map(() => []);
for (let round = -2; round < rounds; round++) {
  for (let turn = 0; turn < runners.length; turn++) {
    // Another one begins every round, so that none always follows the same neighbour.
    const index = (turn + round + 2) % runners.length;
    const start = performance.now();
    await runners[index].run(feeds);
    // Two rounds warm up.
    if (round >= 0) times[index].push(performance.now() - start);
  }
}
process.stdout.write(JSON.stringify(times));
