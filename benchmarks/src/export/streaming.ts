import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeLargeTransformer } from "../large-transformer.js";
import { peakOfProgram } from "../peak-of-program.js";
import type { Measurement, Row } from "./measurement.js";

const LIMIT_MB = 1000;
const NAME = "export/streaming/bitmask";

/** Memory of exporting a model that is larger than the memory it may take, checks of the result included. */
export const streaming: Measurement = async (folder, isChosen) => {
  if (!isChosen(NAME)) return [];
  const [pruned, exported] = ["pruned", "exported"].map((name) => join(folder, name, "model.onnx"));
  for (const name of ["pruned", "exported"]) mkdirSync(join(folder, name));
  const dense = writeLargeTransformer(folder);
  peakOfProgram(
    'import { l1, prune, unstructured } from "espalier";',
    `const pruned = await prune(${JSON.stringify(dense)}, { criterion: l1(), pattern: unstructured(0.5) });
     await pruned.write(${JSON.stringify(pruned)});`,
  );
  const { megabytes, seconds, result } = peakOfProgram(
    'import { exportModel } from "espalier";',
    `const exported = await exportModel(${JSON.stringify(pruned)}, { format: "bitmask" });
     result = (await exported.write(${JSON.stringify(exported)})).bytes;`,
  );
  const before = statSync(pruned!).size + statSync(`${dense}.data`).size;
  const [whole, smaller] = [before, Number(result)].map((bytes) => `${(bytes / 1e6).toFixed(0)} MB`);
  const rows: Row[] = [
    [`${NAME}/bytes`, whole!, smaller!, (Number(result) / before).toFixed(3), ""],
    [`${NAME}/memory`, "", `${megabytes.toFixed(0)} MB in ${seconds.toFixed(0)} s`, "", `≤ ${LIMIT_MB} MB`],
  ];
  return rows;
};
