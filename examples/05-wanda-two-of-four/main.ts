import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tokenBatch, useLitePath, wordnetGlosses } from "@espalier/testkit";
import { type Criterion, l1, nm, prune, verify, wanda } from "espalier";

const model = useLitePath();
const folder = mkdtempSync(join(tmpdir(), "espalier-"));
const { calibration, test } = wordnetGlosses();
const feeds = (glosses: typeof test) => glosses.map(({ text }) => tokenBatch([text]));

/** Prunes to 2:4 and gives the mean cosine between dense and pruned embeddings of texts that calibration did not see. */
async function cosineAfter(criterion: Criterion): Promise<number> {
  const pruned = join(folder, `${criterion.name}.onnx`);
  const samples = criterion.needsStatistics
    ? { calibration: feeds(calibration.slice(0, 512)), recover: "none" as const }
    : {};
  await (await prune(model, { criterion, pattern: nm(2, 4), ...samples })).write(pruned);
  const { checks } = await verify({ original: model, pruned, pattern: nm(2, 4), samples: feeds(test.slice(0, 320)) });
  const figures = checks.find(({ name }) => name === "outputs")?.figures;
  if (figures?.kind !== "outputs") throw new Error("the models could not be compared");
  return figures.outputs[0]!.meanCosine;
}

console.log(`L1     2:4, mean cosine to the dense embedding: ${(await cosineAfter(l1())).toFixed(3)}`);
console.log(`Wanda  2:4, mean cosine to the dense embedding: ${(await cosineAfter(wanda())).toFixed(3)}`);
