import type { Tensor, ValueInfo } from "./tensor.js";

/**
 * `node` is onnxruntime-node (native code), `web` is onnxruntime-web's WebAssembly, in browsers and in Node, and `browser` is the
 * same in a Chromium that Node starts.
 */
export type Backend = "node" | "web" | "browser";

/** How much ONNX Runtime rewrites the graph while loading it. */
export type Optimization = "disabled" | "basic" | "extended" | "all";

/** A model that is loaded and ready. */
export interface Runner {
  readonly backend: Backend;
  /** In the model's order. Inputs with a default (an initializer of the same name) are not among them. */
  readonly inputs: readonly ValueInfo[];
  /** In the model's order. */
  readonly outputs: readonly ValueInfo[];
  /**
   * Runs the model once. Calls may overlap; results do not depend on it.
   *
   * @param feeds one tensor per input, none missing, none unknown. Not kept and not changed
   * @param outputs names of the outputs wanted, at least one @default all of them
   * @returns the outputs asked for, by name; arrays of their own
   * @throws {RunnerError} `bad-input` before anything runs, `bad-output`, `closed`, `run-failed` with ONNX Runtime's message
   */
  run(feeds: Readonly<Record<string, Tensor>>, outputs?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Waits for runs under way, then frees the model's memory. A second call does nothing more. */
  close(): Promise<void>;
}

/** Options of {@link openRunner}. */
export interface RunnerOptions {
  /** @default "node" in Node, "web" elsewhere */
  readonly backend?: Backend;
  /**
   * Threads that one run may use, at least 1. The web backend fixes it for the whole process (or page, or worker) with
   * its first model; with the others every model has its own.
   * @default 1
   */
  readonly threads?: number;
  /** @default "all" */
  readonly optimization?: Optimization;
  /**
   * Files that the model's weights are kept in, for a model given as bytes: `location` as the model writes it → content.
   * Takes `externalDataFiles(model)` of `@espalier/onnx` as it is.
   */
  readonly externalData?: ReadonlyMap<string, Uint8Array | (() => Uint8Array)>;
  /**
   * Path of the Chromium (or Chrome, or Edge) of the browser backend.
   * @default the environment variable `ESPALIER_BROWSER`, then the places where systems put one, then Playwright's own
   */
  readonly browser?: string;
}

/** {@link RunnerOptions} with every default filled in. */
export interface ResolvedOptions {
  readonly backend: Backend;
  readonly threads: number;
  readonly optimization: Optimization;
  readonly externalData: ReadonlyMap<string, Uint8Array | (() => Uint8Array)>;
  readonly browser: string | undefined;
}
