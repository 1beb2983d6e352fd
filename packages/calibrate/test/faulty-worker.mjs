// A worker that fails as `faults.json` of the folder in ESPALIER_FAULTS says: shard → what its first, second, … attempt does.
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BroadcastChannel, threadId, workerData } from "node:worker_threads";
import { decodeShard } from "../dist/workers/shard-message.js";
import runShardMessage from "../dist/workers/shard-worker.js";

const folder = process.env.ESPALIER_FAULTS;
const faults = JSON.parse(readFileSync(join(folder, "faults.json"), "utf8"));
const log = join(folder, "attempts");

const ACTIONS = {
  exit: () => process.exit(7),
  throw: () => {
    throw new Error("the worker is unwell");
  },
  memory: () => {
    const hoard = [];
    for (;;) hoard.push(new Array(10_000).fill({}));
  },
  // Until the main thread asks it to stop.
  wait: () => {
    new BroadcastChannel("espalier-faults").postMessage("waiting");
    Atomics.wait(workerData.stop, 0, 0);
  },
};

export default function run(message) {
  const { index } = decodeShard(message);
  appendFileSync(log, `${index} ${threadId}\n`);
  const attempts = readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line.startsWith(`${index} `)).length;
  const fault = faults[index]?.[attempts - 1];
  if (fault) ACTIONS[fault]();
  return runShardMessage(message);
}
