import { random } from "../random.js";
import { drawLine, fillsTheWidth, HEIGHT, WIDTH } from "./typeset.js";

/** The input `x` of PP-OCR's recognition for one line, as `@espalier/runtime` takes it. */
export interface LineTensor {
  readonly dtype: "float32";
  /** `[1, 3, 48, 480]`: one line, three equal colours, rows, columns. */
  readonly dims: readonly [number, number, number, number];
  /** Row-major; paper is 1 and ink −1, both give or take the noise. */
  readonly data: Float32Array<ArrayBuffer>;
}

/** How a line is rendered. */
export interface RenderOptions {
  /** Standard deviation of the noise on every value, in units of the normalised pixels, whose range is 2. @default 0.15 */
  readonly noise: number;
  /** Seed of the noise. @default 1 */
  readonly seed: number;
}

const DEFAULTS: RenderOptions = Object.freeze({ noise: 0.15, seed: 1 });

/**
 * Renders a line of text as PP-OCR's recognition wants it: `(v / 255 − 0.5) / 0.5` for grey levels v, plus normal noise
 * of its own for every colour. The same line, options and version of the canvas give the same bits.
 *
 * @param line one of `ocrLines`
 * @throws {RangeError} when the line is too wide, or too short to fill the width without wide gaps
 */
export function renderLine(line: string, options: Partial<RenderOptions> = {}): LineTensor {
  if (!fillsTheWidth(line)) throw new RangeError(`renderLine: "${line}" does not fill a line of ${WIDTH} pixels`);
  const { noise, seed } = { ...DEFAULTS, ...options };
  const grey = drawLine(line);
  const data = random(seed).float32(3 * grey.length);
  for (let index = 0; index < data.length; index++) {
    data[index] = noise * data[index]! + (grey[index % grey.length]! / 255 - 0.5) / 0.5;
  }
  return { dtype: "float32", dims: [1, 3, HEIGHT, WIDTH], data };
}
