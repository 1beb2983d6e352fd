import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeModel, encodeModel, type Model, readModel } from "@espalier/onnx";
import { InferenceSession } from "onnxruntime-node";

/** What ONNX Runtime makes of a model when it loads it: constants folded, nodes fused. */
export async function optimized(
  model: Model,
  level: "basic" | "all",
  options: InferenceSession.SessionOptions = {},
): Promise<Model> {
  const folder = mkdtempSync(join(tmpdir(), "espalier-optimized-"));
  try {
    const path = join(folder, "optimized.onnx");
    const written = { graphOptimizationLevel: level, optimizedModelFilePath: path, logSeverityLevel: 3 } as const;
    await (await InferenceSession.create(encodeModel(model), { ...written, ...options })).release();
    return decodeModel(encodeModel(readModel(path)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
