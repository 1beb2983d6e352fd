import { checkFeeds, quoteAll } from "../check-feeds.js";
import type { Backend, Runner } from "../runner.js";
import { RunnerError } from "../runner-error.js";
import type { Tensor, ValueInfo } from "../tensor.js";
import { LOG_FATAL } from "./log-level.js";
import { ortMessage } from "./ort-message.js";
import type { OrtSession, OrtTensors } from "./ort-module.js";
import { fromOrtTensor, toOrtTensor } from "./ort-tensor.js";
import { toValueInfos } from "./value-info.js";

/** onnxruntime-web takes the level of the log from each run, not from the session. */
const RUN_OPTIONS = { logSeverityLevel: LOG_FATAL } as const;

/** A {@link Runner} over a session of any backend. */
export class OrtRunner implements Runner {
  readonly backend: Backend;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #ort: OrtTensors;
  readonly #session: OrtSession;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @throws {RunnerError} `unsupported-type`; the caller releases the session then */
  constructor(backend: Backend, ort: OrtTensors, session: OrtSession) {
    this.backend = backend;
    this.#ort = ort;
    this.#session = session;
    this.inputs = toValueInfos(session.inputMetadata);
    this.outputs = toValueInfos(session.outputMetadata);
  }

  async run(feeds: Readonly<Record<string, Tensor>>, outputs?: readonly string[]): Promise<Record<string, Tensor>> {
    if (this.#closing !== undefined) throw new RunnerError("closed", "The runner was closed; open the model again.");
    checkFeeds(feeds, this.inputs);
    const wanted = this.#wantedOutputs(outputs);
    const results = await this.#tracked(this.#runSession(feeds, wanted));
    return Object.fromEntries(wanted.map((name) => [name, fromOrtTensor(name, results[name]!)]));
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  #wantedOutputs(names: readonly string[] | undefined): readonly string[] {
    const all = this.outputs.map((info) => info.name);
    if (names === undefined) return all;
    const unknown = names.find((name) => !all.includes(name));
    if (unknown === undefined && names.length > 0) return names;
    const found = unknown === undefined ? "an empty list" : JSON.stringify(unknown);
    const expected = `one or more of ${quoteAll(all)}`;
    throw new RunnerError("bad-output", `Outputs asked for: found ${found}, expected ${expected}.`, {
      expected,
      found,
    });
  }

  async #runSession(feeds: Readonly<Record<string, Tensor>>, wanted: readonly string[]) {
    const ortFeeds = Object.fromEntries(
      this.inputs.map(({ name }) => [name, toOrtTensor(this.#ort, feeds[name]!)] as const),
    );
    try {
      return await this.#session.run(ortFeeds, wanted, RUN_OPTIONS);
    } catch (cause) {
      throw new RunnerError("run-failed", `ONNX Runtime could not run the model: ${ortMessage(cause)}`, { cause });
    }
  }

  async #tracked<T>(run: Promise<T>): Promise<T> {
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
    }
  }

  /** Releasing under a run makes that run fail in both packages. */
  async #release(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#session.release();
  }
}
