import type { OrtMetadata, OrtSession, OrtSessionOptions, OrtTensor } from "../../ort/ort-module.js";
import type { Dtype, Tensor } from "../../tensor.js";
import type { ErrorReply, OpenCall, OpenReply, RunCall, RunReply } from "./calls.js";
import { type Message, packTensors, unpackTensors } from "./message.js";
import type { PageCalls } from "./page-calls.js";

/** The page that a session lives in. */
export interface SessionPage {
  readonly calls: PageCalls;
  close(): Promise<void>;
}

/** Stands in for ONNX Runtime's tensor class, which only the page has. */
export class PageTensor {
  readonly type: Dtype;
  readonly data: Tensor["data"];
  readonly dims: readonly number[];

  constructor(type: Dtype, data: Tensor["data"], dims: readonly number[]) {
    this.type = type;
    this.data = data;
    this.dims = dims;
  }
}

/** Loads a model in a page. @throws {Error} with ONNX Runtime's message, or why there is no page any more */
export async function openPageSession(
  page: SessionPage,
  model: Uint8Array,
  threads: number,
  { externalData = [], ...options }: OrtSessionOptions,
): Promise<OrtSession> {
  const files = externalData as readonly { path: string; data: Uint8Array }[];
  const head: OpenCall = { call: "open", threads, options, externalData: files.map(({ path }) => path) };
  const reply = await call<OpenReply>(page, { head, parts: [model, ...files.map(({ data }) => data)] });
  return new PageSession(page, reply.head);
}

/** A session of ONNX Runtime that runs elsewhere. */
class PageSession implements OrtSession {
  readonly inputMetadata: readonly OrtMetadata[];
  readonly outputMetadata: readonly OrtMetadata[];
  readonly #page: SessionPage;

  constructor(page: SessionPage, { inputs, outputs }: OpenReply) {
    this.#page = page;
    this.inputMetadata = inputs;
    this.outputMetadata = outputs;
  }

  async run(feeds: Readonly<Record<string, OrtTensor>>, wanted: readonly string[]) {
    const { heads, parts } = packTensors(
      Object.entries(feeds).map(([name, { type, dims, data }]) => [name, { dtype: type, dims, data } as Tensor]),
    );
    const head: RunCall = { call: "run", feeds: heads, wanted };
    const reply = await call<RunReply>(this.#page, { head, parts });
    const outputs = Object.entries(unpackTensors(reply.head.outputs, reply.parts));
    return Object.fromEntries(
      outputs.map(([name, { dtype, data, dims }]) => [name, new PageTensor(dtype, data, dims) as unknown as OrtTensor]),
    );
  }

  release(): Promise<void> {
    return this.#page.close();
  }
}

async function call<Reply>({ calls }: SessionPage, message: Message): Promise<Message & { readonly head: Reply }> {
  const { head, parts } = await calls.call(message);
  const reply = head as Reply | ErrorReply;
  if (typeof reply === "object" && reply !== null && "error" in reply) throw new Error(reply.error);
  return { head: reply as Reply, parts };
}
