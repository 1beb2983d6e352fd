import { peakOfProgram } from "../peak-of-program.js";

/** Small, so that both workers have a model in memory even for 10 samples. */
const SHARD_SIZE = 5;

/** Peak resident memory, in MB of 10⁶ bytes, of a fresh process that calibrates with two workers. */
export function peakMemory(path: string, dims: readonly number[], count: number): number {
  const { megabytes } = peakOfProgram(
    'import { collectStatistics } from "@espalier/calibrate";',
    `const dims = ${JSON.stringify(dims)};
     const length = dims.reduce((product, size) => product * size, 1);
     function* samples() {
       for (let index = 0; index < ${count}; index++) yield { x: { dtype: "float32", dims, data: new Float32Array(length).fill(Math.sin(index)) } };
     }
     await collectStatistics(${JSON.stringify(path)}, samples(), { threads: 2, shardSize: ${SHARD_SIZE} });`,
  );
  return megabytes;
}
