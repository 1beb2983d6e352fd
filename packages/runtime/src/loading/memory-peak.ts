import { readFileSync, writeFileSync } from "node:fs";

/**
 * Begins to watch the memory of this process.
 *
 * - Linux: `VmHWM` of `/proc/self/status`, the kernel's own mark of the most that was resident, set back to what is resident
 *   now through `/proc/self/clear_refs`. Nothing in between is missed.
 * - Elsewhere: the most that was ever resident in this process (`getrusage`, `PeakWorkingSetSize`), which cannot be set
 *   back. Where less was needed since than before, the result is too high by as much.
 *
 * Pages of files that are mapped into memory count as well.
 *
 * @returns a function that gives the most bytes that were resident since, above what was at the beginning, ≥ 0; undefined
 *   where the system does not tell, as in a container without `/proc/self/clear_refs`
 */
export function watchMemoryPeak(): () => number | undefined {
  return process.platform === "linux" ? watchHighWaterMark() : watchLargest();
}

function watchHighWaterMark(): () => number | undefined {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    return () => undefined;
  }
  const before = statusBytes("VmRSS");
  return () => {
    const peak = statusBytes("VmHWM");
    return before === undefined || peak === undefined ? undefined : Math.max(0, peak - before);
  };
}

function statusBytes(field: string): number | undefined {
  const [, kilobytes] =
    new RegExp(`^${field}:\\s*(\\d+) kB`, "m").exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function watchLargest(): () => number | undefined {
  const before = process.memoryUsage.rss();
  return () => Math.max(0, process.resourceUsage().maxRSS * 1024 - before);
}
