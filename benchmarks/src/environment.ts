import { cpus, loadavg, totalmem } from "node:os";

/** The machine and the versions behind a measurement, in one sentence; no name of a machine or a person. */
export function describeEnvironment(command: string): string {
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]!.toFixed(1);
  return (
    `\`${command}\` on ${processors[0]!.model.trim()}, ${processors.length} cores, ${memory} GiB, ${process.platform} ${process.arch}, ` +
    `Node ${process.versions.node} (V8 ${process.versions.v8}); load average ${load} at the end.`
  );
}
