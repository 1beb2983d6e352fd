import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What a program took in a process of its own. */
export interface ProgramCost {
  /** Peak of what was resident, in MB of 10⁶ bytes. */
  readonly megabytes: number;
  readonly seconds: number;
  /** What the program left in `result`. */
  readonly result: unknown;
}

/** Resolves packages as this folder does, and runs them without a loader that needs memory of its own. */
const FOLDER = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs the body of a module in a fresh process. On Linux `resourceUsage` starts a new process at what its parent had, so the
 * high-water mark of the process itself is read where there is one.
 *
 * @param imports the module's imports
 * @param body statements; may set `result`
 */
export function peakOfProgram(imports: string, body: string): ProgramCost {
  const program = `
    import { readFileSync } from "node:fs";
    ${imports}
    const start = performance.now();
    let result;
    ${body}
    const seconds = (performance.now() - start) / 1000;
    const mark = process.platform === "linux" && /VmHWM:\\s*(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
    const megabytes = ((mark ? Number(mark[1]) : process.resourceUsage().maxRSS) * 1024) / 1e6;
    process.stdout.write(JSON.stringify({ megabytes, seconds, result }));
  `;
  const options = { cwd: FOLDER, encoding: "utf8" } as const;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "--eval", program], options));
}
