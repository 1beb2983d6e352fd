import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Small, so that both workers have a model in memory even for 10 samples. */
const SHARD_SIZE = 5;

/** Where a new process finds the packages. */
const FOLDER = fileURLToPath(new URL("../..", import.meta.url));

/** Peak resident memory, in MB of 10⁶ bytes, of a fresh process that calibrates with two workers. */
export function peakMemory(path: string, dims: readonly number[], count: number): number {
  const program = `
    import { readFileSync } from "node:fs";
    import { collectStatistics } from "@espalier/calibrate";
    const dims = ${JSON.stringify(dims)};
    const length = dims.reduce((product, size) => product * size, 1);
    function* samples() {
      for (let index = 0; index < ${count}; index++) yield { x: { dtype: "float32", dims, data: new Float32Array(length).fill(Math.sin(index)) } };
    }
    await collectStatistics(${JSON.stringify(path)}, samples(), { threads: 2, shardSize: ${SHARD_SIZE} });
    const mark = process.platform === "linux" && /VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
    process.stdout.write(String(mark ? mark[1] : process.resourceUsage().maxRSS));
  `;
  const kilobytes = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: FOLDER,
    encoding: "utf8",
  });
  return (Number(kilobytes) * 1024) / 1e6;
}
