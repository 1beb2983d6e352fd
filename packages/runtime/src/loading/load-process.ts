/** A process that loads one model, says what that took, and ends. Started by `loadInProcess`. */
import { buildModel, encodeModel, makeNode, makeValueInfo, TensorProto_DataType } from "@espalier/onnx";
import { openRunner } from "../open-runner.js";
import { isRunnerError } from "../runner-error.js";
import type { LoadAnswer, LoadTask } from "./load-message.js";
import { watchMemoryPeak } from "./memory-peak.js";

// Who asked is gone: nobody waits for the answer.
process.once("disconnect", () => process.exit());
// Ctrl-C reaches all processes of a terminal; the one that asked ends this one.
process.on("SIGINT", () => {});
process.once("message", async (task: LoadTask) => {
  process.send!(await answerTo(task), undefined, undefined, () => process.exit());
});

async function answerTo(task: LoadTask): Promise<LoadAnswer> {
  try {
    return await load(task);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, message, ...(isRunnerError(error) && { code: error.code }) };
  }
}

async function load({ path, ...choice }: LoadTask): Promise<LoadAnswer> {
  const options = { ...choice, threads: 1 };
  // The runtime itself, which every model needs, is not what the model costs.
  const runtime = await openRunner(smallestModel(), options);
  const inBrowser = choice.backend === "browser";
  // A browser ends with its last model, and its memory is not that of this process.
  if (!inBrowser) await runtime.close();
  const peak = inBrowser ? () => undefined : watchMemoryPeak();
  const start = performance.now();
  await openRunner(path, options);
  const milliseconds = performance.now() - start;
  const peakBytes = peak();
  return { ok: true, milliseconds, ...(peakBytes !== undefined && { peakBytes }) };
}

function smallestModel(): Uint8Array {
  const value = (name: string) => makeValueInfo(name, TensorProto_DataType.FLOAT, [1]);
  const nodes = [makeNode("Identity", ["x"], ["y"])];
  return encodeModel(buildModel({ nodes, inputs: [value("x")], outputs: [value("y")], opsets: new Map([["", 13]]) }));
}
