import {
  type OcrModel,
  ocrLines,
  ocrModelPath,
  renderLine,
  tokenBatch,
  useLitePath,
  wordnetGlosses,
} from "@espalier/testkit";
import type { Sample } from "espalier";

/** How many inputs the outputs are compared on. */
export const SAMPLES = 8;

/** A model that people use, and inputs as it gets them. */
export interface RealModel {
  readonly name: string;
  path(): string;
  samples(): readonly Sample[];
}

const RECOGNITION: OcrModel = "recognition";

export const REAL_MODELS: readonly RealModel[] = [
  {
    name: "use-lite",
    path: useLitePath,
    samples: () =>
      wordnetGlosses()
        .test.slice(0, SAMPLES)
        .map(({ text }) => tokenBatch([text])),
  },
  {
    name: "pp-ocr",
    path: () => ocrModelPath(RECOGNITION),
    samples: () =>
      ocrLines({ test: SAMPLES, calibration: 1 }).test.map((line, seed) => ({ x: renderLine(line, { seed }) })),
  },
];
