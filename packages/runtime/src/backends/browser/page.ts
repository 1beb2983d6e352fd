import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { LOG_FATAL } from "../../ort/log-level.js";
import type { OrtMetadata, OrtTensor } from "../../ort/ort-module.js";
import { fromOrtTensor, toOrtTensor } from "../../ort/ort-tensor.js";
import type { ErrorReply, OpenCall, OpenReply, RunCall, RunReply } from "./calls.js";
import { decodeMessage, encodeMessage, type Message, packTensors, unpackTensors } from "./message.js";

let session: InferenceSession | undefined;

/**
 * Runs in the page: fetches one call after the other and does it. Every request carries the reply to the call before, so that a
 * run costs one round trip.
 *
 * @param address where to fetch
 */
export async function answerCalls(address: string): Promise<never> {
  let reply: Message = { head: {}, parts: [] };
  for (;;) {
    // A Blob, because developer tools get a copy of any other body, in base64: twenty times slower with 4 MB.
    const body = new Blob(encodeMessage(reply));
    const response = await fetch(address, { method: "POST", body });
    reply = await answer(decodeMessage(await response.arrayBuffer()));
  }
}

async function answer({ head, parts }: Message): Promise<Message> {
  try {
    const call = head as OpenCall | RunCall;
    return call.call === "open" ? await open(call, parts) : await run(call, parts);
  } catch (error) {
    const head: ErrorReply = { error: error instanceof Error ? error.message : String(error) };
    return { head, parts: [] };
  }
}

async function open({ threads, options, externalData }: OpenCall, [model, ...files]: readonly Uint8Array[]) {
  env.wasm.wasmPaths = "/onnxruntime-web/";
  env.wasm.numThreads = threads;
  env.logLevel = "fatal";
  session = await InferenceSession.create(model!, {
    ...options,
    externalData: externalData.map((path, index) => ({ path, data: files[index]! })),
  });
  const head: OpenReply = {
    inputs: session.inputMetadata.map(plain),
    outputs: session.outputMetadata.map(plain),
  };
  return { head, parts: [] };
}

/** Only what Node reads. */
function plain(metadata: OrtMetadata): OrtMetadata {
  const { name, isTensor } = metadata;
  return isTensor ? { name, isTensor, type: metadata.type, shape: metadata.shape } : { name, isTensor };
}

async function run({ feeds, wanted }: RunCall, parts: readonly Uint8Array[]) {
  const tensors = Object.entries(unpackTensors(feeds, parts));
  const ortFeeds = Object.fromEntries(tensors.map(([name, tensor]) => [name, toOrtTensor({ Tensor }, tensor)]));
  const results = (await session!.run(ortFeeds, wanted, { logSeverityLevel: LOG_FATAL })) as Record<string, OrtTensor>;
  const outputs = packTensors(wanted.map((name) => [name, fromOrtTensor(name, results[name]!)]));
  const head: RunReply = { outputs: outputs.heads };
  return { head, parts: outputs.parts };
}
