import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EspalierError, exportModel, l1, prune, type Sample, verify } from "espalier";
import type { Suite } from "../suite.js";
import { PRUNED_FORMS, type PrunedForm } from "./formats.js";
import { measureModels } from "./measure-models.js";
import { REAL_MODELS, SAMPLES } from "./real-models.js";
import { COLUMNS, denseRow, exportedRow, refusedRow } from "./rows.js";

/** What every format makes of models that people use: outputs, bytes, loading and speed, on both runtimes. */
export const exportModels: Suite = {
  name: "export-models",
  document: "export-formats.md",
  async run(isChosen) {
    const rows: (readonly string[])[] = [];
    const refusals: string[] = [];
    for (const { name, path, samples } of REAL_MODELS) {
      for (const form of PRUNED_FORMS) {
        const prefix = `export-models/${name}/${form.name}`;
        const formats = form.formats.filter(([format, values]) => isChosen(`${prefix}/${format}-${values}`));
        if (formats.length === 0) continue;
        const found = await measureForm({ ...form, formats }, path(), samples());
        rows.push(...found.rows.map(([label, ...cells]) => [`${prefix}/${label}`, ...cells]));
        refusals.push(...found.refusals.map((refusal) => ` Refused: ${prefix}/${refusal}.`));
        process.stderr.write(`${prefix}\n`);
      }
    }
    return { columns: COLUMNS, rows, note: NOTE + refusals.join("") };
  },
};

const NOTE =
  "Each model pruned by magnitude (PP-OCR: recognition; weights that a pattern does not fit stay dense), then exported in each format, one thread. " +
  `Outputs: largest relative L2 distance to the pruned model over ${SAMPLES} inputs (WordNet definitions; lines of Moby Dick), onnxruntime-node. In brackets: times the pruned ` +
  "dense model's, above 1 is a loss. gzip at level 6, brotli at quality 5. load, peak: medians of fresh processes that open the file; time, and resident memory above the " +
  "runtime's own. run: median of interleaved runs on the first input.";

interface FormRows {
  readonly rows: readonly (readonly string[])[];
  /** Format and reason. */
  readonly refusals: readonly string[];
}

/** A row for the pruned dense model, and one for each format. */
async function measureForm(
  { pattern, formats }: PrunedForm,
  path: string,
  samples: readonly Sample[],
): Promise<FormRows> {
  const folder = mkdtempSync(join(tmpdir(), "espalier-export-models-"));
  try {
    const dense = join(folder, "dense.onnx");
    const pruned = await prune(path, { criterion: l1(), pattern, onUnsupported: "skip" });
    await pruned.write(dense);
    const exported = await exportAll(dense, formats, folder);
    const accepted = exported.filter(({ refusal }) => refusal === undefined);
    const [before, ...costs] = await measureModels([dense, ...accepted.map(({ file }) => file)], samples[0]!);
    const rows = [denseRow("dense", before!)];
    const refusals: string[] = [];
    for (const { name, file, refusal } of exported) {
      if (refusal === undefined)
        rows.push(exportedRow(name, await distance(dense, file, samples), costs.shift()!, before!));
      else {
        rows.push(refusedRow(name));
        refusals.push(`${name}: ${refusal}`);
      }
    }
    return { rows, refusals };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The model in each format, or why a format does not take it. */
async function exportAll(dense: string, formats: PrunedForm["formats"], folder: string) {
  const exported = [];
  for (const [format, values] of formats) {
    const name = `${format}-${values}`;
    const file = join(folder, `${name}.onnx`);
    exported.push({ name, file, refusal: await refusedOrWritten(dense, { format, values }, file) });
  }
  return exported;
}

/** Why a format does not take the model; undefined where it was written. */
async function refusedOrWritten(
  dense: string,
  options: Parameters<typeof exportModel>[1],
  path: string,
): Promise<string | undefined> {
  try {
    await (await exportModel(dense, options)).write(path);
    return undefined;
  } catch (error) {
    if (error instanceof EspalierError) return error.message;
    throw error;
  }
}

/** Largest relative L2 distance of an output over all samples. */
async function distance(original: string, pruned: string, samples: readonly Sample[]): Promise<number> {
  const { checks } = await verify({ original, pruned, samples, backend: "node" });
  const outputs = checks.find(({ name }) => name === "outputs");
  if (typeof outputs?.measured === "number") return outputs.measured;
  throw new Error(`outputs of ${pruned} could not be compared: ${outputs?.message}`);
}
