// Loads one model in a process of its own, and says how long it took and by how much memory grew at its peak.
import { readFileSync, writeFileSync } from "node:fs";
import { openRunner } from "@espalier/runtime";

const { backend, optimization, warmUp, path } = JSON.parse(process.argv[2]);

/** Bytes, from /proc where there is one: elsewhere the peak of the whole process. */
function memory(field) {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  return Number(new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
}

// The runtime itself, which every model needs.
await (await openRunner(warmUp, { backend, optimization, threads: 1 })).close();
// Sets the high-water mark to what is resident now.
if (process.platform === "linux") writeFileSync("/proc/self/clear_refs", "5");
const before = memory("VmRSS");
const start = performance.now();
await openRunner(path, { backend, optimization, threads: 1 });
const milliseconds = performance.now() - start;
process.stdout.write(JSON.stringify({ milliseconds, bytes: memory("VmHWM") - before }));
