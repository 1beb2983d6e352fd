import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Sample } from "@espalier/runtime";

/** As many as calibration takes at a time. */
const SHARD = 32;
const WORKER = new URL("./plain-worker.mjs", import.meta.url);

/** Runs a model over samples in worker threads, and does nothing with what comes out. */
export async function plainInference(path: string, samples: readonly Sample[], threads: number): Promise<void> {
  let next = 0;
  const lane = async () => {
    // Without the loader that runs this file: workers are plain JavaScript.
    const worker = new Worker(WORKER, { workerData: { path }, execArgv: [] });
    await once(worker, "message");
    while (next < samples.length) {
      worker.postMessage(samples.slice(next, next + SHARD));
      next += SHARD;
      await once(worker, "message");
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: threads }, lane));
}
