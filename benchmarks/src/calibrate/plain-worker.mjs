// Plain inference in a worker thread, as calibration has to be compared with: one session, one intra-op thread.
import { parentPort, workerData } from "node:worker_threads";
import { openRunner } from "@espalier/runtime";

const runner = await openRunner(workerData.path, { threads: 1 });

parentPort.on("message", async (samples) => {
  for (const sample of samples) await runner.run(sample);
  parentPort.postMessage("done");
});
parentPort.postMessage("done");
