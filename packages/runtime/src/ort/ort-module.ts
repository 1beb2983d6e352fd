import type * as ort from "onnxruntime-node";

/** The part of onnxruntime-node and onnxruntime-web that both share: onnxruntime-common. */
export type OrtModule = Pick<typeof ort, "InferenceSession" | "Tensor" | "env">;
/** A model loaded by ONNX Runtime. */
export type OrtSession = ort.InferenceSession;
/** A tensor of ONNX Runtime's API. */
export type OrtTensor = ort.Tensor;
/** What ONNX Runtime says about an input or output. */
export type OrtMetadata = ort.InferenceSession.ValueMetadata;
/** Options of a session. */
export type OrtSessionOptions = ort.InferenceSession.SessionOptions;
