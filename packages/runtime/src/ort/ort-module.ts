import type * as ort from "onnxruntime-node";

/** The part of onnxruntime-node and onnxruntime-web that both share: onnxruntime-common. */
export type OrtModule = Pick<typeof ort, "InferenceSession" | "Tensor" | "env">;
/** What tensors are made with. */
export interface OrtTensors {
  /** ONNX Runtime's own class, or one with `type`, `data` and `dims`: `new Tensor(type, data, dims)`. */
  readonly Tensor: unknown;
}
/** A model loaded by ONNX Runtime, here or in another place: what a runner needs of it. */
export interface OrtSession {
  readonly inputMetadata: readonly OrtMetadata[];
  readonly outputMetadata: readonly OrtMetadata[];
  run(
    feeds: Readonly<Record<string, OrtTensor>>,
    wanted: readonly string[],
    options: ort.InferenceSession.RunOptions,
  ): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}
/** A tensor of ONNX Runtime's API. */
export type OrtTensor = ort.Tensor;
/** What ONNX Runtime says about an input or output. */
export type OrtMetadata = ort.InferenceSession.ValueMetadata;
/** Options of a session. */
export type OrtSessionOptions = ort.InferenceSession.SessionOptions;
