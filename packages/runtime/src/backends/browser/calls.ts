import type { OrtMetadata, OrtSessionOptions } from "../../ort/ort-module.js";
import type { TensorHead } from "./message.js";

/** Opens the page's one session; parts are the model and the files of `externalData`, in that order. */
export interface OpenCall {
  readonly call: "open";
  readonly threads: number;
  /** Without the files, which JSON cannot hold. */
  readonly options: OrtSessionOptions;
  /** The files' locations. */
  readonly externalData: readonly string[];
}

/** Runs it; parts are the feeds. */
export interface RunCall {
  readonly call: "run";
  readonly feeds: readonly TensorHead[];
  readonly wanted: readonly string[];
}

/** What ONNX Runtime says about the model. */
export interface OpenReply {
  readonly inputs: readonly OrtMetadata[];
  readonly outputs: readonly OrtMetadata[];
}

/** Parts are the outputs. */
export interface RunReply {
  readonly outputs: readonly TensorHead[];
}

/** What ONNX Runtime threw, word for word. */
export interface ErrorReply {
  readonly error: string;
}
