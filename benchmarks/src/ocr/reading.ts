import { batch, openRunner, type Sample } from "@espalier/runtime";
import { characterAccuracy, ocrLines, type Proportion, readCharacters, renderLine } from "@espalier/testkit";

const THREADS = 2;
const BATCH = 8;

/** How many lines character accuracy is measured on. */
export const TEST_LINES = 120;
/** How many lines of other paragraphs a model is calibrated on: few, so that recovery takes a minute. */
export const CALIBRATION_LINES = 32;

/** Lines that are rendered. */
export interface Reading {
  readonly calibration: readonly Sample[];
  /** Character accuracy of a recognition model on the test lines. */
  accuracyOf(model: Uint8Array | string): Promise<Proportion>;
}

/** Renders the lines, every one with noise of its own, the same for every model. Takes a second or two. */
export function prepareReading(): Reading {
  const { test, calibration } = ocrLines({ test: TEST_LINES, calibration: CALIBRATION_LINES });
  const samples = [...calibration, ...test].map((line, seed): Sample => ({ x: renderLine(line, { seed }) }));
  const unseen = samples.slice(calibration.length);
  return {
    calibration: samples.slice(0, calibration.length),
    accuracyOf: async (model) => characterAccuracy(test, await read(model, unseen)),
  };
}

async function read(model: Uint8Array | string, samples: readonly Sample[]): Promise<string[]> {
  const runner = await openRunner(model, { threads: THREADS });
  try {
    const found: string[] = [];
    for (const feeds of batch(samples, BATCH)) {
      const [scores] = Object.values(await runner.run(feeds));
      found.push(...readCharacters({ dims: scores!.dims, data: scores!.data as Float32Array }));
    }
    return found;
  } finally {
    await runner.close();
  }
}
