import type { Model } from "@espalier/onnx";
import type { Backend } from "@espalier/runtime";
import { readJudged, type Verification } from "@espalier/verify";
import { openModel } from "../open-model.js";
import { checksSection } from "./checks-section.js";
import { costSection } from "./cost-section.js";
import { loadDrawing } from "./drawing.js";
import { type LayerChanges, layerChanges } from "./layer-changes.js";
import { type LayerLine, layersSection } from "./layers-section.js";
import { originSection } from "./origin-section.js";
import { outputsSection } from "./outputs-section.js";
import { page } from "./page.js";
import { PICTURED, picturesSection } from "./pictures-section.js";
import { verifySummary } from "./verify-summary.js";

/** What a report on a verification is made of. */
export interface VerifyReportOptions {
  readonly verification: Verification;
  /** The two models it is about: paths, bytes, or as `readModel` gives them. Their weights are read one at a time. */
  readonly original: string | Uint8Array | Model;
  readonly pruned: string | Uint8Array | Model;
  /** The heading, such as the pruned file. @default its path, or `Pruned model` */
  readonly title?: string;
  /** What runs parts of the pruned model to read weights that it does not store as they are. @default "node" */
  readonly backend?: Backend;
  /** The commands that made the model and the report, one a line. @default none are shown */
  readonly commands?: readonly string[];
}

/**
 * A verification as one HTML file: the verdict, every check, what became of answers, bytes and time, and what every weight looks
 * like. It needs no network and no script. The same data give the same text.
 *
 * @throws {OnnxError} when a model cannot be read
 * @throws {RunnerError} when weights are not stored as they are, and the backend is missing or does not start
 */
export async function verifyReport(options: VerifyReportOptions): Promise<string> {
  const { verification, commands = [] } = options;
  const [original, pruned] = [openModel(options.original), openModel(options.pruned)];
  const drawing = await loadDrawing();
  const run = { optimization: "disabled", ...(options.backend !== undefined && { backend: options.backend }) } as const;
  const changes = layerChanges(original, await readJudged(original, pruned, run), PICTURED);
  const speedLimit = verification.checks.find(({ name }) => name === "speedup")?.limit ?? null;
  return page({
    title: options.title ?? (typeof options.pruned === "string" ? options.pruned : "Pruned model"),
    kind: "Verification of a pruned model",
    summary: verifySummary(verification),
    sections: [
      checksSection(verification.checks),
      outputsSection(drawing, verification.checks),
      costSection(drawing, verification, speedLimit),
      layersSection(drawing, changes.changed.map(lineOf), leadOf(changes)),
      picturesSection(drawing, changes.changed),
      originSection(commands, pruned),
    ],
  });
}

function lineOf(change: LayerChanges["changed"][number]): LayerLine {
  const { name, zeros, weightError, outChannels, inFeatures, stored } = change;
  return {
    name,
    zeros: zeros.after,
    zerosBefore: zeros.before,
    weightError,
    entries: outChannels * inFeatures,
    stored,
  };
}

function leadOf({ changed, unchanged, unmatched }: LayerChanges): string {
  const counts = `${changed.length} prunable weights changed, ${unchanged} did not.`;
  if (unmatched.length === 0) return counts;
  return `${counts} ${unmatched.length} of the original's could not be found in the pruned model, or have another shape there, and are not shown.`;
}
